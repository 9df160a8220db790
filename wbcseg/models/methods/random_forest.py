"""A random forest on features of pixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from wbcseg.labels import CLASSES
from wbcseg.models.method_registry import Arrays, LabelledImage, PredictImage, register_method
from wbcseg.models.pixels.features import compute_features, list_feature_names
from wbcseg.models.pixels.forest import Forest
from wbcseg.models.pixels.sampling import sample_pixels

TREES: Final = 40
MAX_LEAVES: Final = 512
"""Leaves of a tree: with more, the file grows in proportion and the Dice by less than 0.005."""

FEATURES_PER_SPLIT: Final = 12
"""Features of which the best divides a node."""


def fit_forest(images: Sequence[LabelledImage], seed: int) -> Arrays:
    """Train a random forest on pixels of images; see :data:`wbcseg.models.method_registry.FitMethod`."""
    from sklearn.ensemble import RandomForestClassifier

    sample = sample_pixels(images, seed)
    classifier = RandomForestClassifier(
        TREES, max_leaf_nodes=MAX_LEAVES, max_features=FEATURES_PER_SPLIT, min_samples_leaf=2, random_state=seed
    )
    return convert_classifier(classifier.fit(sample.values, sample.labels)).to_arrays()


def convert_classifier(classifier: Any) -> Forest:
    """Return a fitted ``RandomForestClassifier`` as arrays, with a column for every class, also for unseen ones."""
    forest = Forest.from_trees([tree.tree_ for tree in classifier.estimators_])
    leaves = np.zeros((len(forest.leaves), len(CLASSES)), np.uint8)
    leaves[:, classifier.classes_.astype(int)] = forest.leaves
    return Forest.from_arrays({**forest.to_arrays(), "leaves": leaves})


@register_method(
    title="Random forest",
    summary="Each pixel is described by colours, edges and texture at several scales, and many decision trees vote on "
    "its class. It sees a pixel and what surrounds it, but no shapes.",
    reference="Breiman (2001), doi 10.1023/A:1010933404324; with features as in ilastik, Berg et al. (2019), "
    "doi 10.1038/s41592-019-0582-9",
    deviations="78 features in two dimensions; trees have at most 512 leaves, so that a model stays below 300 kB.",
    color="#2d6996",
    marker="cross",
    fit=fit_forest,
    ignores_orientation=True,
    order=1,
)
def random_forest(arrays: Arrays) -> PredictImage:
    """Return the function that segments with a stored forest."""
    forest = Forest.from_arrays(arrays)
    n_features = len(list_feature_names())
    if forest.leaves.shape[1] != len(CLASSES) or int(forest.features.max()) >= n_features:
        raise ValueError(f"it must have {len(CLASSES)} classes and ask for {n_features} features at most")

    def predict(image: NDArray[np.uint8]) -> NDArray[np.float32]:
        probabilities = forest.predict_probabilities(compute_features(image).reshape(-1, n_features))
        return probabilities.reshape(*image.shape[:2], len(CLASSES))

    return predict
