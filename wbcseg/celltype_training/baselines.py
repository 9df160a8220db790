"""Simpler models to compare the type model with: boosted trees on measurements, and a head on a fixed encoder."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from wbcseg.celltype_training.library import CellLibrary, cut_library_crop
from wbcseg.celltypes.names import TYPE_NAMES
from wbcseg.celltypes.network import prepare_crop
from wbcseg.celltypes.probabilities import Probabilities

SEED: Final = 1
ENCODER_BATCH: Final = 64


def fit_boosted_trees(library: CellLibrary, train: NDArray[np.intp]) -> Any:
    """Return gradient-boosted trees that tell types by the measurements alone, all types equally likely.

    Args:
        library: The cells.
        train: Which of them are learned from.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier

    trees = HistGradientBoostingClassifier(
        learning_rate=0.08, max_iter=250, l2_regularization=1.0, class_weight="balanced", random_state=SEED
    )
    return trees.fit(np.asarray(library.features)[train], library.get_truth(train))


def fit_head(embeddings: NDArray[np.float32], truth: NDArray[np.intp]) -> Any:
    """Return a linear head on standardised embeddings, ``float32[N, D]``, all types equally likely."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    head = make_pipeline(StandardScaler(), LogisticRegression(C=0.02, max_iter=400, class_weight="balanced"))
    return head.fit(embeddings, truth)


def predict_even(model: Any, values: NDArray[np.float32]) -> Probabilities:
    """Return probabilities of all types, ``float64[N, 8]``; those that a model does not know have 0."""
    probabilities = np.zeros((len(values), len(TYPE_NAMES)))
    probabilities[:, model.classes_] = model.predict_proba(values)
    return probabilities


def compute_embeddings(encoder: Any, library: CellLibrary, indices: NDArray[np.intp]) -> NDArray[np.float32]:
    """Return the pooled feature maps of an encoder for cells, ``float32[N, D]``.

    Args:
        encoder: From crops ``float32[N, 96, 96, 5]`` to pooled feature maps.
        library: The cells.
        indices: Which of them.
    """
    parts = []
    for start in range(0, len(indices), ENCODER_BATCH):
        crops = [prepare_crop(cut_library_crop(library, index)) for index in indices[start : start + ENCODER_BATCH]]
        parts.append(np.asarray(encoder(np.stack(crops)), np.float32))
    return np.concatenate(parts)
