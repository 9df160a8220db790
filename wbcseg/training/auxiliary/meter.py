"""Means of a network's metrics over an epoch."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from wbcseg.labels import CLASS_NAMES, CLASSES, CYTOPLASM, NUCLEUS

DICE_NAMES: Final = ("dice_cytoplasm", "dice_nucleus", "dice_cell")

REGION_IDS: Final = {
    "nucleus": (NUCLEUS.id,),
    "cytoplasm": (CYTOPLASM.id,),
    "cell": (CYTOPLASM.id, NUCLEUS.id),
}
"""Classes of each region."""


class MetricMeter:
    """Means over an epoch: loss and accuracy over all images, Dice over the images for which it is defined.

    Where a batch has a confusion matrix, precision, recall and IoU of the regions follow from the sum of all.
    """

    def __init__(self) -> None:
        self.image_count = 0
        self.sums = {"loss": 0.0, "accuracy": 0.0, "binary_accuracy": 0.0}
        self.dice: list[NDArray[np.float32]] = []
        self.confusion = np.zeros((len(CLASSES), len(CLASSES)), np.int64)

    def add(self, image_count: int, loss: float, metrics: dict[str, Any]) -> None:
        """Add a batch of ``image_count`` images."""
        self.image_count += image_count
        values = {"loss": loss} | {name: float(value) for name, value in metrics.items() if np.ndim(value) == 0}
        for name, value in values.items():
            self.sums[name] = self.sums.get(name, 0.0) + value * image_count
        self.dice.append(np.asarray(metrics["dice"]))
        if "confusion" in metrics:
            self.confusion += np.asarray(metrics["confusion"])

    def compute_means(self, prefix: str = "") -> dict[str, float]:
        """Return the means by name; a metric that is undefined for all images is excluded."""
        means = {prefix + name: total / self.image_count for name, total in self.sums.items()}
        for name, column in zip(DICE_NAMES, np.concatenate(self.dice).T, strict=True):
            if not np.isnan(column).all():
                means[prefix + name] = float(np.nanmean(column))
        if self.confusion.any():
            means |= {prefix + name: value for name, value in describe_confusion(self.confusion).items()}
        return means


def describe_confusion(confusion: NDArray[np.int64]) -> dict[str, float]:
    """Return precision, recall and IoU of each region, and the matrix itself, as flat values.

    Args:
        confusion: Pixels by class of the expert (rows) and of the network (columns), ``int64[C, C]``.

    Returns:
        ``precision_nucleus`` and so on, without those that are undefined; and ``confusion_nucleus_cytoplasm`` and so
        on, pixels of the expert's class that the network gives another.
    """
    values: dict[str, float] = {}
    for region, ids in REGION_IDS.items():
        # Within the cell, a pixel of the wrong class is still one of the cell.
        hits = int(confusion[np.ix_(ids, ids)].sum())
        expert, predicted = int(confusion[list(ids)].sum()), int(confusion[:, list(ids)].sum())
        for name, total in (("precision", predicted), ("recall", expert), ("iou", expert + predicted - hits)):
            if total:
                values[f"{name}_{region}"] = hits / total
    for row, expert_name in enumerate(CLASS_NAMES):
        for column, predicted_name in enumerate(CLASS_NAMES):
            values[f"confusion_{expert_name}_{predicted_name}"] = int(confusion[row, column])
    return values
