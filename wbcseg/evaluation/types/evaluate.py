"""Test a type model, and simpler models on the same cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from wbcseg.celltype_training.baselines import fit_boosted_trees, predict_even
from wbcseg.celltype_training.library import CellLibrary
from wbcseg.celltype_training.train import select_training_cells
from wbcseg.celltypes import PRIORS, TypeModel
from wbcseg.celltypes.probabilities import PriorName
from wbcseg.errors import ConfigError
from wbcseg.evaluation.types.examine import (
    ExaminedCells,
    examine_library,
    examine_lisc,
    examine_pbc_images,
)
from wbcseg.evaluation.types.result import TypeScore, TypesResult, score_types
from wbcseg.inference import Catalog, Segmenter

HOME: Final = ("pbc", "chula-rbc-12")
"""The data sets that every type model learns from."""

WHOLE_IMAGES: Final = ("pbc-images", "lisc")
"""The tests that begin with finding the cells in whole images; they need no library."""

PBC_IMAGES: Final = 300
"""Number of images of the test ``pbc-images``."""

TREES: Final = "boosted trees on measurements"


def evaluate_types(
    model: TypeModel,
    library: CellLibrary | None,
    tests: Sequence[str],
    *,
    all_zheng: bool = False,
    compare: bool = False,
    others: Mapping[str, TypeModel] | None = None,
    segmentation_model: str = "unet-general",
) -> TypesResult:
    """Return the scores of a type model.

    Args:
        model: The model.
        library: Cells whose types are known; not needed for the tests of :data:`WHOLE_IMAGES` alone.
        tests: ``pbc``, ``zheng-1``, ``zheng-2``: cells of the library that are held out; ``pbc-images``: whole held-out
            images of ``pbc``; ``lisc``: fields of view.
        all_zheng: Whether all cells of Zheng count, for a model that learned from none of them.
        compare: Whether to fit boosted trees on measurements of cells of ``pbc``, too; they are tested like the others.
        others: Other type models by name, which learned no type from Zheng: they are tested on all its cells.
        segmentation_model: Finds and segments the cells of whole images.

    Raises:
        ConfigError: If a test needs a library, and there is none.
        DatasetError: If a data set is not on this computer.
    """
    models = {"": model, **(others or {})}
    segmenter = Catalog().load(segmentation_model) if set(tests) & set(WHOLE_IMAGES) else None
    trees = fit_boosted_trees(library, select_training_cells(library, HOME)) if compare and library else None
    scores: list[TypeScore] = []
    comparison: dict[str, list[TypeScore]] = {}
    for test in tests:
        for name, tested in models.items():
            if segmenter is not None and test in WHOLE_IMAGES:
                examined = _examine_images(tested, segmenter, test)
            elif library is None:
                raise ConfigError(f"The test {test} needs a library of cells.")
            else:
                indices = select_test_cells(library, test, all_zheng=all_zheng or bool(name))
                if not len(indices):
                    continue
                examined = examine_library(tested, library, indices.tolist())
            own = _score(tested, test, examined)
            if name:
                comparison.setdefault(name, []).extend(own)
            else:
                scores += own
        if trees is not None and library is not None and test not in WHOLE_IMAGES:
            indices = select_test_cells(library, test, all_zheng=True)
            even = predict_even(trees, np.asarray(library.features)[indices])
            examined = ExaminedCells(even, library.get_truth(indices))
            comparison.setdefault(TREES, []).extend(_score(model, test, examined))
    network = model.card.files["network"].sha256
    return TypesResult(network, model.card.calibration.min_confidence, tuple(scores), _freeze(comparison))


def _freeze(comparison: Mapping[str, list[TypeScore]]) -> dict[str, tuple[TypeScore, ...]]:
    return {name: tuple(scores) for name, scores in comparison.items()}


def select_test_cells(library: CellLibrary, test: str, *, all_zheng: bool = False) -> NDArray[np.intp]:
    """Return the indices of the cells of a test, ``int[N]``; with ``pbc``, held-out red cells count, too."""
    if test == "pbc":
        return library.find(part="held_out", sources=HOME)
    return library.find(part=None if all_zheng else "held_out", sources=(test,))


def _examine_images(model: TypeModel, segmenter: Segmenter, test: str) -> ExaminedCells:
    if test == "lisc":
        return examine_lisc(model, segmenter)
    return examine_pbc_images(model, segmenter, PBC_IMAGES)


def _score(model: TypeModel, test: str, examined: ExaminedCells) -> list[TypeScore]:
    names: tuple[PriorName, ...] = PRIORS
    threshold = model.card.calibration.min_confidence
    return [
        score_types(test, examined.even, examined.truth, prior, threshold, missed=examined.missed) for prior in names
    ]
