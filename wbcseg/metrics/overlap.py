"""Overlap of a segmentation with an expert's mask: Dice, Jaccard and accuracy.

All metrics are pure functions of confusion counts (:func:`compute_confusion_counts`). A metric of a class that is in
neither mask is undefined: NaN, never a silent 0 or 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from wbcseg.labels import CLASS_NAMES, CLASSES, CYTOPLASM, NUCLEUS, Labels

CELL: Final = "cell"
"""Key of the whole cell: cytoplasm and nucleus together."""

REGIONS: Final = (*CLASS_NAMES, CELL)
"""Keys of metrics by region, in the order of files."""

FOREGROUND_REGIONS: Final = (NUCLEUS.name, CYTOPLASM.name, CELL)
"""Regions of a cell, in the order of tables."""


@dataclass(frozen=True, eq=False)
class ConfusionCounts:
    """Confusion counts of each class against all others.

    Attributes:
        tp: ``int64[K]``, pixels of the class in both masks (true positives).
        fp: ``int64[K]``, pixels of the class only in the prediction (false positives).
        fn: ``int64[K]``, pixels of the class only in the ground truth (false negatives).
        tn: ``int64[K]``, pixels of the class in neither mask (true negatives).
    """

    tp: NDArray[np.int64]
    fp: NDArray[np.int64]
    fn: NDArray[np.int64]
    tn: NDArray[np.int64]


@dataclass(frozen=True)
class Scores:
    """Overlap metrics of one image.

    Attributes:
        dice: Dice by region (background, cytoplasm, nucleus, cell), 0 to 1, NaN where undefined.
        jaccard: Jaccard (intersection over union) by region.
        accuracy: Fraction of pixels whose class is correct, 0 to 1.
    """

    dice: dict[str, float]
    jaccard: dict[str, float]
    accuracy: float


def compute_confusion_counts(truth: Labels, prediction: Labels, classes: int = len(CLASSES)) -> ConfusionCounts:
    """Count true and false positives and negatives of each class.

    Args:
        truth: ``uint8[H, W]`` (or any equal shape) of class ids, or a boolean mask with ``classes=2``.
        prediction: Same shape.
        classes: Number of classes K; ids run from 0 to K - 1.

    Returns:
        Counts, one entry per class.

    Raises:
        ValueError: If the shapes differ, there is no pixel, or an id is not below ``classes``.
    """
    if truth.shape != prediction.shape or truth.size == 0:
        raise ValueError(
            "Arguments `truth` and `prediction` must have the same, non-empty shape. "
            f"Received: {list(truth.shape)} and {list(prediction.shape)}"
        )
    highest = max(int(truth.max()), int(prediction.max()))
    if highest >= classes:
        raise ValueError(f"Class ids must be below {classes}. Received: {highest}")
    pairs = truth.astype(np.int64).ravel() * classes + prediction.ravel()
    table = np.bincount(pairs, minlength=classes * classes).reshape(classes, classes).astype(np.int64)
    tp = np.diagonal(table).copy()
    fp = table.sum(axis=0) - tp
    fn = table.sum(axis=1) - tp
    return ConfusionCounts(tp, fp, fn, table.sum() - tp - fp - fn)


def dice(counts: ConfusionCounts) -> NDArray[np.float64]:
    """Return the Dice coefficient 2 TP / (2 TP + FP + FN) of each class.

    Returns:
        ``float64[K]`` from 0 to 1; NaN if the class is in neither mask.
    """
    return _divide(2 * counts.tp, 2 * counts.tp + counts.fp + counts.fn)


def jaccard(counts: ConfusionCounts) -> NDArray[np.float64]:
    """Return the Jaccard index (intersection over union) TP / (TP + FP + FN) of each class.

    It is never above the Dice coefficient of the same masks: J = D / (2 - D).

    Returns:
        ``float64[K]`` from 0 to 1; NaN if the class is in neither mask.
    """
    return _divide(counts.tp, counts.tp + counts.fp + counts.fn)


def accuracy_per_class(counts: ConfusionCounts) -> NDArray[np.float64]:
    """Return (TP + TN) / all pixels of each class against the rest.

    It is high for every small class and only here for comparison with the thesis, which prints this metric (of the
    wrong pixels, see :mod:`wbcseg.evaluation.thesis`) as "Jaccard": the library function that it called computed it.

    Returns:
        ``float64[K]`` from 0 to 1.
    """
    return _divide(counts.tp + counts.tn, counts.tp + counts.fp + counts.fn + counts.tn)


def get_cell_mask(labels: Labels) -> NDArray[np.bool_]:
    """Return ``bool[H, W]``: true where a pixel is cytoplasm or nucleus."""
    return labels > 0


def get_region_mask(labels: Labels, region: str) -> NDArray[np.bool_]:
    """Return ``bool[H, W]``: true in a region (a class, or the whole cell).

    Args:
        labels: ``uint8[H, W]`` of class ids.
        region: One of :data:`REGIONS`.
    """
    return get_cell_mask(labels) if region == CELL else labels == CLASS_NAMES.index(region)


def score(truth: Labels, prediction: Labels) -> Scores:
    """Score one segmentation against the expert's mask.

    Args:
        truth: ``uint8[H, W]`` of class ids.
        prediction: Same shape.

    Returns:
        Dice and Jaccard of background, cytoplasm, nucleus and whole cell, and the pixel accuracy.

    Raises:
        ValueError: As :func:`compute_confusion_counts`.
    """
    counts = compute_confusion_counts(truth, prediction)
    cell_counts = compute_confusion_counts(
        get_cell_mask(truth).view(np.uint8), get_cell_mask(prediction).view(np.uint8), classes=2
    )
    dice_by_region, jaccard_by_region = (
        dict(zip(REGIONS, [*metric(counts).tolist(), float(metric(cell_counts)[1])], strict=True))
        for metric in (dice, jaccard)
    )
    return Scores(dice_by_region, jaccard_by_region, float(counts.tp.sum() / truth.size))


def score_marked(truth: Labels, prediction: Labels, marked: Labels | None = None) -> Scores:
    """Score one segmentation against a mask that may mark one class only: whole cells, or nuclei.

    A mask that has cells but no nucleus (or no cytoplasm) does not say that there is none, so that class is not scored.

    Args:
        truth: ``uint8[H, W]`` of class ids.
        prediction: Same shape.
        marked: The whole mask, ``uint8[*, *]``, if ``truth`` is a part of it.

    Returns:
        As :func:`score`; NaN for the class that the mask does not mark.
    """
    scores, region = score(truth, prediction), find_unmarked_class(truth if marked is None else marked)
    if region is None:
        return scores
    return Scores({**scores.dice, region: math.nan}, {**scores.jaccard, region: math.nan}, scores.accuracy)


def find_unmarked_class(mask: Labels) -> str | None:
    """Return the class that a mask does not mark although it marks the other one; ``None`` if there is no such class.

    Args:
        mask: ``uint8[H, W]`` of class ids.
    """
    has_nucleus, has_cytoplasm = (bool((mask == pixel_class.id).any()) for pixel_class in (NUCLEUS, CYTOPLASM))
    if has_nucleus == has_cytoplasm:
        return None
    return CYTOPLASM.name if has_nucleus else NUCLEUS.name


def _divide(numerator: NDArray[np.int64], denominator: NDArray[np.int64]) -> NDArray[np.float64]:
    result = np.full(denominator.shape, np.nan)
    np.divide(numerator, denominator, out=result, where=denominator > 0)
    return result
