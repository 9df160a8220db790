"""Calibration of class probabilities: of the pixels that a network is 80% sure of, 80% should be correct."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from wbcseg.labels import Labels

N_BINS: Final = 15
"""Bins of the reliability diagram."""

TEMPERATURES: Final = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.35, 1.5, 1.75, 2.0, 2.5, 3.0)
"""Temperatures that are tried for temperature scaling (Guo et al., 2017)."""

PIXEL_STRIDE: Final = 7
"""Only every seventh pixel counts, because neighbouring pixels are much alike."""


@dataclass(frozen=True)
class CalibrationBin:
    """One point of a reliability diagram.

    Attributes:
        pixels: Number of pixels.
        confidence: Mean probability of their most likely class, 0 to 1.
        accuracy: Fraction of them whose class is correct.
    """

    pixels: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class CalibrationResult:
    """How well probabilities are calibrated.

    Attributes:
        ece: Expected calibration error of the probabilities as they are (Naeini et al., 2015).
        temperature: The best of :data:`TEMPERATURES`, that with the least cross-entropy.
        ece_scaled: Expected calibration error at that temperature.
        bins: The reliability diagram, without empty bins.
    """

    ece: float
    temperature: float
    ece_scaled: float
    bins: tuple[CalibrationBin, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return {**asdict(self), "bins": [asdict(item) for item in self.bins]}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Read what :meth:`to_dict` returned."""
        return cls(**{**values, "bins": tuple(CalibrationBin(**item) for item in values["bins"])})


class CalibrationCounter:
    """Counts the pixels of many images by confidence and correctness."""

    def __init__(self) -> None:
        self._sums = np.zeros((len(TEMPERATURES), N_BINS, 3))
        self._losses = np.zeros(len(TEMPERATURES))

    def add(self, probabilities: NDArray[np.float32], mask: Labels) -> None:
        """Count the pixels of an image.

        Args:
            probabilities: ``float32[H, W, 3]``, class probabilities.
            mask: ``uint8[H, W]``, class ids of the expert's mask.
        """
        clipped = np.maximum(probabilities.reshape(-1, 3)[::PIXEL_STRIDE].astype(np.float64), 1e-7)
        truth = mask.ravel()[::PIXEL_STRIDE]
        for index, temperature in enumerate(TEMPERATURES):
            scaled = clipped ** (1.0 / temperature)
            scaled /= scaled.sum(axis=1, keepdims=True)
            confidence, is_correct = scaled.max(axis=1), scaled.argmax(axis=1) == truth
            bins = np.minimum((confidence * N_BINS).astype(int), N_BINS - 1)
            for column, values in enumerate((np.ones(len(confidence)), confidence, is_correct)):
                self._sums[index, :, column] += np.bincount(bins, values, N_BINS)
            self._losses[index] -= float(np.log(scaled[np.arange(len(truth)), truth]).sum())

    def summarise(self) -> CalibrationResult:
        """Return the calibration of all images so far."""
        unscaled_index, best_index = TEMPERATURES.index(1.0), int(self._losses.argmin())
        bins = tuple(
            CalibrationBin(int(n_pixels), round(confidence / n_pixels, 4), round(accuracy / n_pixels, 4))
            for n_pixels, confidence, accuracy in self._sums[unscaled_index].tolist()
            if n_pixels
        )
        return CalibrationResult(
            self._compute_ece(unscaled_index), TEMPERATURES[best_index], self._compute_ece(best_index), bins
        )

    def _compute_ece(self, index: int) -> float:
        counts, confidence, accuracy = self._sums[index].T
        return round(float(np.abs(confidence - accuracy).sum() / max(counts.sum(), 1.0)), 4)
