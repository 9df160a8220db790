"""What a result may hold besides the scores of images: its pixels, the time of a crop, and the learning curve.

Results from before these were recorded do not have them.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np

from wbcseg.inference import Segmenter
from wbcseg.inference.segmentation import Segmentation
from wbcseg.labels import CLASSES, Labels
from wbcseg.metrics import find_unmarked_class
from wbcseg.metrics.calibration import CalibrationCounter, CalibrationResult
from wbcseg.training import Run

CURVE_METRICS: Final = ("loss", "val_loss", "val_dice_nucleus", "val_dice_cytoplasm", "val_dice_cell")
"""Metrics of an epoch that a learning curve holds."""

CURVE_DECIMALS: Final = 4


@dataclass(frozen=True)
class PixelRecord:
    """All pixels of the tested images, in a single pass.

    Attributes:
        confusion: Number of pixels, ``K × K``: a row for each class of the expert, a column for each predicted class.
        calibration: Calibration of the probabilities; ``None`` for a method without probabilities.
    """

    confusion: tuple[tuple[int, ...], ...]
    calibration: CalibrationResult | None

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        calibration = None if self.calibration is None else self.calibration.to_dict()
        return {"confusion": [list(row) for row in self.confusion], "calibration": calibration}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Read what :meth:`to_dict` returned."""
        calibration = values["calibration"]
        return cls(
            tuple(tuple(map(int, row)) for row in values["confusion"]),
            None if calibration is None else CalibrationResult.from_dict(calibration),
        )


class PixelCounter:
    """Counts the pixels of many images, and the time that their segmentation took."""

    def __init__(self) -> None:
        self._confusion = np.zeros((len(CLASSES), len(CLASSES)), np.int64)
        self._calibration = CalibrationCounter()
        self._seconds: list[float] = []

    def predict(self, segmenter: Segmenter, image: Any) -> Segmentation:
        """Segment an image in a single pass and keep the time that it took.

        Args:
            segmenter: The model.
            image: ``uint8[H, W, 3]``.
        """
        start = time.process_time()
        prediction = segmenter.predict(image)
        self._seconds.append(time.process_time() - start)
        return prediction

    def add(self, truth: Labels, prediction: Segmentation) -> None:
        """Count the pixels of an image. A mask that marks one class only is not counted.

        Args:
            truth: ``uint8[H, W]`` of class ids, the expert's mask.
            prediction: The segmentation of the image.
        """
        if find_unmarked_class(truth) is not None:
            return
        n_classes = len(CLASSES)
        pairs = truth.astype(np.int64).ravel() * n_classes + prediction.labels.ravel()
        self._confusion += np.bincount(pairs, minlength=n_classes * n_classes).reshape(n_classes, n_classes)
        self._calibration.add(prediction.probabilities, truth)

    @property
    def crop_cpu_ms(self) -> float | None:
        """Median processor time of an image in milliseconds; ``None`` without images."""
        return round(1000 * float(np.median(self._seconds)), 2) if self._seconds else None

    def summarise(self) -> PixelRecord | None:
        """Return the pixels of all images so far, or ``None`` without any."""
        if not self._confusion.any():
            return None
        confusion = tuple(tuple(map(int, row)) for row in self._confusion)
        return PixelRecord(confusion, self._calibration.summarise())


def average_curves(runs: Sequence[Run]) -> tuple[dict[str, float], ...]:
    """Return the mean of several trainings' metrics after each epoch that all of them reached.

    Args:
        runs: The trainings.

    Returns:
        A record for each epoch: ``epoch`` from 1, and those of :data:`CURVE_METRICS` that every training has.
    """
    histories = [run.load_metrics() for run in runs]
    if not histories:
        return ()
    return tuple(
        {"epoch": epoch, **_average_rows(rows)} for epoch, rows in enumerate(zip(*histories, strict=False), start=1)
    )


def _average_rows(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    names = [name for name in CURVE_METRICS if all(name in row for row in rows)]
    return {name: round(float(np.mean([row[name] for row in rows])), CURVE_DECIMALS) for name in names}
