"""How much a segmentation overlaps with the expert's mask.

Everything starts from one step, :func:`compute_confusion_counts`, and the figures are pure functions of its result.
A figure that is not defined, because neither mask shows the class, is NaN: it is never 0 or 1 in silence.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from wbcseg.labels import CLASS_NAMES, CLASSES, Labels

CELL: Final = "cell"
"""The key of the whole cell, cytoplasm and nucleus taken together."""

REGIONS: Final = (*CLASS_NAMES, CELL)
"""The keys of every per-region figure, in the order of tables."""


@dataclass(frozen=True, eq=False)
class ConfusionCounts:
    """Pixels of each class, counted one class against the rest.

    Attributes:
        tp: ``int64[K]``, pixels of the class in both masks.
        fp: ``int64[K]``, pixels of the class in the prediction only.
        fn: ``int64[K]``, pixels of the class in the truth only.
        tn: ``int64[K]``, pixels of the class in neither.
    """

    tp: NDArray[np.int64]
    fp: NDArray[np.int64]
    fn: NDArray[np.int64]
    tn: NDArray[np.int64]

    def __add__(self, other: ConfusionCounts) -> ConfusionCounts:
        """Pool the pixels of two pictures."""
        return ConfusionCounts(self.tp + other.tp, self.fp + other.fp, self.fn + other.fn, self.tn + other.tn)


@dataclass(frozen=True)
class Scores:
    """The figures of one picture.

    Attributes:
        dice: Dice by region (background, cytoplasm, nucleus, cell), 0 to 1, NaN where undefined.
        jaccard: Jaccard (intersection over union) by region, likewise.
        class_accuracy: Share of pixels that are right about belonging to the region or not, 0 to 1: the kind
            of figure that the thesis prints as "Jaccard", though of other pixels (see :mod:`wbcseg.evaluation.thesis`).
        accuracy: Share of pixels whose class is right, 0 to 1.
    """

    dice: dict[str, float] = field(default_factory=dict)
    jaccard: dict[str, float] = field(default_factory=dict)
    class_accuracy: dict[str, float] = field(default_factory=dict)
    accuracy: float = float("nan")

    def compute_macro_mean(self, metric: str = "dice", *, background: bool = True) -> float:
        """Return the mean of the three classes' figures (of the two without ``background``), those that are defined.

        Args:
            metric: ``dice`` or ``jaccard``.
            background: Whether the background counts. It does in MedSegBench, where Dice is called F1.

        Returns:
            0 to 1; NaN where no class is defined.
        """
        values: dict[str, float] = getattr(self, metric)
        defined = [values[name] for name in CLASS_NAMES[0 if background else 1 :] if not np.isnan(values[name])]
        return sum(defined) / len(defined) if defined else float("nan")


def compute_confusion_counts(truth: Labels, prediction: Labels, classes: int = len(CLASSES)) -> ConfusionCounts:
    """Count, class by class, where two masks agree and where they don't.

    Args:
        truth: ``uint8[H, W]`` (or any equal shape) of class ids, or a boolean mask with ``classes=2``.
        prediction: The same shape.
        classes: Number of classes K; ids run from 0 to K - 1.

    Returns:
        The counts, one entry per class.

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
        ``float64[K]`` from 0 to 1; NaN where neither mask shows the class.
    """
    return _divide(2 * counts.tp, 2 * counts.tp + counts.fp + counts.fn)


def jaccard(counts: ConfusionCounts) -> NDArray[np.float64]:
    """Return the Jaccard index (intersection over union) TP / (TP + FP + FN) of each class.

    For one pair of masks it is never above their Dice: J = D / (2 - D).

    Returns:
        ``float64[K]`` from 0 to 1; NaN where neither mask shows the class.
    """
    return _divide(counts.tp, counts.tp + counts.fp + counts.fn)


def accuracy_per_class(counts: ConfusionCounts) -> NDArray[np.float64]:
    """Return (TP + TN) / all pixels of each class against the rest.

    The thesis prints such figures, of other pixels (see :mod:`wbcseg.evaluation.thesis`), under the name "Jaccard", because the
    library function that it called computed them.
    It is high for any small class, so it is here only to compare with the printed tables.

    Returns:
        ``float64[K]`` from 0 to 1.
    """
    return _divide(counts.tp + counts.tn, counts.tp + counts.fp + counts.fn + counts.tn)


def pixel_accuracy(truth: Labels, prediction: Labels) -> float:
    """Return the share of pixels whose class is right, 0 to 1.

    Raises:
        ValueError: As :func:`compute_confusion_counts`.
    """
    counts = compute_confusion_counts(truth, prediction)
    return float(counts.tp.sum() / truth.size)


def get_cell_mask(labels: Labels) -> NDArray[np.bool_]:
    """Return ``bool[H, W]``: true where a pixel is cytoplasm or nucleus."""
    return labels > 0


def score(truth: Labels, prediction: Labels) -> Scores:
    """Compare one segmentation with the expert's mask.

    Args:
        truth: ``uint8[H, W]`` of class ids.
        prediction: The same shape.

    Returns:
        Dice, Jaccard and class accuracy of background, cytoplasm, nucleus and the whole cell, and the pixel accuracy.

    Raises:
        ValueError: As :func:`compute_confusion_counts`.
    """
    counts = compute_confusion_counts(truth, prediction)
    cell_counts = compute_confusion_counts(
        get_cell_mask(truth).view(np.uint8), get_cell_mask(prediction).view(np.uint8), classes=2
    )
    values = {
        metric.__name__: dict(zip(REGIONS, [*metric(counts).tolist(), float(metric(cell_counts)[1])], strict=True))
        for metric in (dice, jaccard, accuracy_per_class)
    }
    return Scores(values["dice"], values["jaccard"], values["accuracy_per_class"], float(counts.tp.sum() / truth.size))


def _divide(numerator: NDArray[np.int64], denominator: NDArray[np.int64]) -> NDArray[np.float64]:
    result = np.full(denominator.shape, np.nan)
    np.divide(numerator, denominator, out=result, where=denominator > 0)
    return result
