"""What the detector network is to answer on a composed field."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from wbcseg.detector_training.composing import ComposedField
from wbcseg.inference.detection.candidates import SIZE_UNIT, STRIDE

MAX_CELL: Final = 125.0
"""Larger cells in pixels are found at a coarser level of the pyramid."""

TOO_LARGE_CELL: Final = 150.0
"""From this size on it is wrong to find them, since their lobes look like cells; in between, nothing is asked."""

MIN_CELL: Final = 10.0

TARGET_CHANNELS: Final = 7
"""Heat; row and column offset of the centre; logarithm of height and width; weight of these four; the heat's weight."""

HEAT_WIDTH: Final = 0.12
"""Standard deviation of a cell's heat, relative to its height and width."""


def compute_detector_targets(field: ComposedField) -> NDArray[np.float16]:
    """Return what the detector network is to answer, ``float16[S/4, S/4, 7]`` (:data:`TARGET_CHANNELS`)."""
    side = len(field.image) // STRIDE
    targets = np.zeros((side, side, TARGET_CHANNELS), np.float32)
    targets[..., 6] = 1.0
    y, x = (np.mgrid[:side, :side] + 0.5).astype(np.float32)
    for left, top, right, bottom in field.ignored / STRIDE:
        targets[int(max(top, 0)) : int(bottom) + 1, int(max(left, 0)) : int(right) + 1, 6] = 0.0
    best_heat = np.full((side, side), 1e-6, np.float32)
    for left, top, right, bottom in sorted(field.boxes.tolist(), key=lambda b: -(b[2] - b[0]) * (b[3] - b[1])):
        height, width = (bottom - top) / STRIDE, (right - left) / STRIDE
        row, column = (bottom + top) / 2 / STRIDE, (right + left) / 2 / STRIDE
        size = max(height, width) * STRIDE
        if not MIN_CELL <= size <= MAX_CELL:
            if size < TOO_LARGE_CELL:
                is_near = (np.abs(y - row) < max(1.5, 0.35 * height)) & (np.abs(x - column) < max(1.5, 0.35 * width))
                targets[is_near, 6] = 0.0
            continue
        down, across = max(0.75, HEAT_WIDTH * height), max(0.75, HEAT_WIDTH * width)
        # The pixel that holds the centre is the peak.
        peak_row, peak_column = min(side - 1, int(row)), min(side - 1, int(column))
        heat = np.exp(-0.5 * (((y - peak_row - 0.5) / down) ** 2 + ((x - peak_column - 0.5) / across) ** 2))
        targets[heat > 0.05, 6] = 1.0
        targets[..., 0] = np.maximum(targets[..., 0], heat)
        own = (heat > 0.35) & (heat > best_heat)
        best_heat[own] = heat[own]
        targets[own, 1] = (row - y)[own]
        targets[own, 2] = (column - x)[own]
        targets[own, 3] = np.log(height * STRIDE / SIZE_UNIT)
        targets[own, 4] = np.log(width * STRIDE / SIZE_UNIT)
        targets[own, 5] = heat[own]
    return targets.astype(np.float16)
