"""Looking twice: once for where the cell is and how large, then closely, so that every cell is seen at one scale.

What the close look finds has its own scale, too; its outlines are drawn along the edges in the image.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from wbcseg.inference.postprocess import keep_main_cell
from wbcseg.inference.refine import EdgeRefinement, refine_edges
from wbcseg.labels import BACKGROUND, fast_argmax
from wbcseg.transforms.padding import pad_to_square, unpad

SegmentFn = Callable[[NDArray[np.uint8]], NDArray[np.float32]]

FIRST_PASS_SIZE: Final = 96
"""Side in pixels of the square for the first look: enough to find a cell, and quicker."""

MIN_CELL_AREA_FRACTION: Final = 0.004
"""A cell that takes less than this share of the crop is none."""

MIN_ROI_SIDE: Final = 8
"""The smallest square in pixels."""


@dataclass(frozen=True)
class SquareROI:
    """A square part of an image; it may reach beyond it.

    Attributes:
        top: Its first row in the image.
        left: Its first column.
        side: Rows and columns.
    """

    top: int
    left: int
    side: int

    def scale(self, factor: float) -> SquareROI:
        """Return the same part of the image after it was enlarged by a factor."""
        return SquareROI(
            round(factor * self.top), round(factor * self.left), max(MIN_ROI_SIDE, round(factor * self.side))
        )

    def crop(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return that part, ``uint8[side, side, 3]``; beyond the image's border lies its mirror image."""
        rows = _reflect_indices(np.arange(self.top, self.top + self.side), image.shape[0])
        columns = _reflect_indices(np.arange(self.left, self.left + self.side), image.shape[1])
        return image.take(rows, axis=0).take(columns, axis=1)

    def paste(self, patch: NDArray[np.float32], target: NDArray[np.float32]) -> None:
        """Put what was found in that part, ``float32[side, side, C]``, where it lies in the image."""
        height, width = target.shape[:2]
        top, left = max(0, self.top), max(0, self.left)
        bottom, right = min(height, self.top + self.side), min(width, self.left + self.side)
        target[top:bottom, left:right] = patch[top - self.top : bottom - self.top, left - self.left : right - self.left]


def _reflect_indices(indices: NDArray[np.int64], length: int) -> NDArray[np.int64]:
    folded = indices % (2 * length)
    reflected: NDArray[np.int64] = np.where(folded < length, folded, 2 * length - 1 - folded)
    return reflected


def find_roi(cell: NDArray[np.bool_], cell_fraction: float) -> SquareROI | None:
    """Return the square around a cell in which it takes a share of the side, or ``None`` where there is none.

    It is never larger than the image, however: that would show the cell's mirror image beside it.

    Args:
        cell: ``bool[H, W]``.
        cell_fraction: Greater side of the cell over the square's.
    """
    if cell.sum() < MIN_CELL_AREA_FRACTION * cell.size:
        return None
    rows, columns = np.flatnonzero(cell.any(axis=1)), np.flatnonzero(cell.any(axis=0))
    cell_size = 1 + max(rows[-1] - rows[0], columns[-1] - columns[0])
    side = max(MIN_ROI_SIDE, min(round(cell_size / cell_fraction), max(cell.shape)))
    return SquareROI(round((rows[0] + rows[-1] + 1 - side) / 2), round((columns[0] + columns[-1] + 1 - side) / 2), side)


def predict_two_stage(
    image: NDArray[np.uint8],
    predict_coarse: SegmentFn,
    predict_fine: SegmentFn,
    *,
    input_size: int,
    cell_fraction: float,
    refinement: EdgeRefinement | None,
) -> NDArray[np.float32]:
    """Segment a crop of one cell of any size.

    Args:
        image: ``uint8[H, W, 3]``.
        predict_coarse: Finds the cell: from a square ``uint8[S, S, 3]`` to class probabilities ``float32[S, S, C]``.
        predict_fine: Looks closely: the same, for another S.
        input_size: Side in pixels of the square for the close look.
        cell_fraction: What the cell takes of that side.
        refinement: How closely outlines follow the edges in the image, or ``None`` to leave them as they are.

    Returns:
        ``float32[H, W, C]``. Outside of the close look, what the first one found.
    """
    square, placement = pad_to_square(image, FIRST_PASS_SIZE, enlarge=True)
    coarse = predict_coarse(square)
    probabilities = unpad(coarse, placement)
    # At the look's own scale, which is enough to say where the cell is, and quicker.
    roi = find_roi(keep_main_cell(fast_argmax(coarse[placement.window])) != BACKGROUND.id, cell_fraction)
    if roi is None:
        return probabilities
    roi = roi.scale(max(placement.size) / max(placement.scaled_size))
    patch = roi.crop(image)
    square, placement = pad_to_square(patch, input_size, enlarge=True)
    fine = unpad(predict_fine(square), placement)
    if refinement is not None:
        fine = refine_edges(fine, patch, cell_fraction * roi.side, refinement)
    roi.paste(fine, probabilities)
    return probabilities
