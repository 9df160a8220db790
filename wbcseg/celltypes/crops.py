"""Cut a segmented cell out of its image so that every cell has the same size."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from wbcseg.inference.detection.background import estimate_background
from wbcseg.labels import Labels, find_bounds

NETWORK_SIDE: Final = 96
"""Side in pixels of the crops that the network sees."""

CELL_DIAMETER: Final = 60.0
"""Diameter in pixels of every cell in its crop: that of a circle with its area."""

BACKGROUND_WINDOW: Final = 3.0
"""Side of the window in which the background's colour is estimated, relative to the cell's diameter."""

MAX_WINDOW_SIDE: Final = 256
"""A larger window is reduced by a whole factor before its colours are sorted."""


@dataclass(frozen=True, eq=False)
class TypeCrop:
    """A cell at the scale of the network.

    Attributes:
        pixels: ``uint8[S, S, 3]``; beyond the image, the colour of the background.
        labels: Class ids of the cell, ``uint8[S, S]``; other cells are background.
        background: Colour of the background around the cell, ``float32[3]``, 0 to 255.
    """

    pixels: NDArray[np.uint8]
    labels: Labels
    background: NDArray[np.float32]


def cut_cell(
    image: NDArray[np.uint8], labels: Labels, offset: tuple[int, int] = (0, 0), *, side: int = NETWORK_SIDE
) -> TypeCrop | None:
    """Return the crop around a cell.

    Args:
        image: The whole image, ``uint8[H, W, 3]``, RGB.
        labels: Class ids of the cell alone, ``uint8[h, w]``, in a part of the image.
        offset: Column and row of that part.
        side: Side of the crop in pixels; the cell has the same size in each.

    Returns:
        The crop, or ``None`` if there is no cell.
    """
    bounds = find_bounds(labels > 0)
    if bounds is None:
        return None
    diameter = math.sqrt(4 / math.pi * int((labels > 0).sum()))
    x, y = offset[0] + (bounds[0] + bounds[2]) / 2, offset[1] + (bounds[1] + bounds[3]) / 2
    half = side / 2 * diameter / CELL_DIAMETER
    background = estimate_background(_cut_window(image, x, y, BACKGROUND_WINDOW / 2 * diameter))
    pixels = _resize_square(image, x, y, half, side, np.rint(background).astype(np.uint8))
    cut_labels = _resize_square(labels, x - offset[0], y - offset[1], half, side, np.zeros(1, np.uint8))
    return TypeCrop(pixels, cut_labels, background)


def _cut_window(image: NDArray[np.uint8], x: float, y: float, half: float) -> NDArray[np.uint8]:
    window = image[
        max(0, math.floor(y - half)) : max(1, math.ceil(y + half)),
        max(0, math.floor(x - half)) : max(1, math.ceil(x + half)),
    ]
    step = -(-max(window.shape) // MAX_WINDOW_SIDE)
    return window[::step, ::step]


def _resize_square(
    array: NDArray[np.uint8], x: float, y: float, half: float, side: int, fill: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """Return a square around a point, resized; class ids keep their values."""
    left, top = math.floor(x - half), math.floor(y - half)
    right, bottom = math.ceil(x + half), math.ceil(y + half)
    height, width = array.shape[:2]
    region = np.empty((bottom - top, right - left, *array.shape[2:]), np.uint8)
    region[...] = fill if array.ndim == 3 else fill[0]
    inner = array[max(top, 0) : max(min(bottom, height), 0), max(left, 0) : max(min(right, width), 0)]
    row, column = max(-top, 0), max(-left, 0)
    region[row : row + inner.shape[0], column : column + inner.shape[1]] = inner
    method = Image.Resampling.BILINEAR if array.ndim == 3 else Image.Resampling.NEAREST
    area = (x - half - left, y - half - top, x + half - left, y + half - top)
    return np.asarray(Image.fromarray(region).resize((side, side), method, area))
