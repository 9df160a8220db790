"""Segment a crop in two stages: the first locates the cell, the second segments it at a fixed scale."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from wbcseg.inference.postprocess import keep_main_cell
from wbcseg.inference.refine import EdgeRefinement, refine_edges
from wbcseg.labels import BACKGROUND, fast_argmax, find_bounds
from wbcseg.transforms.padding import pad_to_square, unpad

Pixel = TypeVar("Pixel", bound=np.generic)
SegmentFn = Callable[[NDArray[np.uint8]], NDArray[np.float32]]

FIRST_STAGE_SIZE: Final = 96
"""Side in pixels of the first stage's square input: enough to locate a cell, and fast."""

MIN_CELL_AREA_FRACTION: Final = 0.004
"""A cell that covers less than this fraction of the crop is ignored."""

MIN_ROI_SIDE: Final = 8
"""Minimum side of the region of interest in pixels."""


@dataclass(frozen=True)
class SquareROI:
    """A square region of interest, which may extend beyond the image.

    Attributes:
        top: First row in the image.
        left: First column in the image.
        side: Side in pixels.
    """

    top: int
    left: int
    side: int

    def scale(self, factor: float) -> SquareROI:
        """Return the same region in an image enlarged by ``factor``."""
        return SquareROI(
            round(factor * self.top), round(factor * self.left), max(MIN_ROI_SIDE, round(factor * self.side))
        )

    def crop(self, image: NDArray[Pixel]) -> NDArray[Pixel]:
        """Return the region's pixels, ``[side, side, …]``; the image is mirrored beyond its edges."""
        rows = _reflect_indices(np.arange(self.top, self.top + self.side), image.shape[0])
        columns = _reflect_indices(np.arange(self.left, self.left + self.side), image.shape[1])
        return image.take(rows, axis=0).take(columns, axis=1)

    def paste(self, patch: NDArray[np.float32], target: NDArray[np.float32]) -> None:
        """Write the region's values, ``float32[side, side, C]``, into an array of the image's size."""
        height, width = target.shape[:2]
        top, left = max(0, self.top), max(0, self.left)
        bottom, right = min(height, self.top + self.side), min(width, self.left + self.side)
        target[top:bottom, left:right] = patch[top - self.top : bottom - self.top, left - self.left : right - self.left]


def _reflect_indices(indices: NDArray[np.int64], length: int) -> NDArray[np.int64]:
    folded = indices % (2 * length)
    reflected: NDArray[np.int64] = np.where(folded < length, folded, 2 * length - 1 - folded)
    return reflected


def find_roi(cell: NDArray[np.bool_], cell_fraction: float) -> SquareROI | None:
    """Return the square around a cell, or ``None`` if there is no cell.

    It is never larger than the image: the cell's mirror image would appear next to it.

    Args:
        cell: ``bool[H, W]``.
        cell_fraction: Longer side of the cell, as a fraction of the square's side.
    """
    bounds = find_bounds(cell)
    if bounds is None or cell.sum() < MIN_CELL_AREA_FRACTION * cell.size:
        return None
    left, top, right, bottom = bounds
    cell_size = max(bottom - top, right - left)
    side = max(MIN_ROI_SIDE, min(round(cell_size / cell_fraction), max(cell.shape)))
    return SquareROI(round((top + bottom - side) / 2), round((left + right - side) / 2), side)


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
        predict_coarse: First stage: from a square ``uint8[S, S, 3]`` to class probabilities ``float32[S, S, C]``.
        predict_fine: Second stage: the same, for another S.
        input_size: Side in pixels of the second stage's square input.
        cell_fraction: Fraction of that side that the cell fills.
        refinement: How to refine outlines along the edges in the image, or ``None`` to keep them.

    Returns:
        Class probabilities ``float32[H, W, C]``: of the second stage within its region, of the first outside it.
    """
    square, placement = pad_to_square(image, FIRST_STAGE_SIZE, enlarge=True)
    coarse = predict_coarse(square)
    probabilities = unpad(coarse, placement)
    # At the scale of the first stage, which is accurate enough to locate the cell, and faster.
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
