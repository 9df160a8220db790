"""Looking twice: once for where the cell is and how large, then closely, so that every cell is seen at one scale.

What the close look finds has its own scale, too; its outlines are drawn along the picture's edges.
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
    """A square part of a picture; it may reach beyond it.

    Attributes:
        top: Its first row in the picture.
        left: Its first column.
        side: Rows and columns.
    """

    top: int
    left: int
    side: int

    def scale(self, factor: float) -> SquareROI:
        """Return the same part of the picture after it was enlarged by a factor."""
        return SquareROI(
            round(factor * self.top), round(factor * self.left), max(MIN_ROI_SIDE, round(factor * self.side))
        )

    def crop(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return that part, ``uint8[side, side, 3]``; beyond the picture's border lies its mirror image."""
        rows = _reflect_indices(np.arange(self.top, self.top + self.side), image.shape[0])
        columns = _reflect_indices(np.arange(self.left, self.left + self.side), image.shape[1])
        return image.take(rows, axis=0).take(columns, axis=1)

    def paste(self, part: NDArray[np.float32], onto: NDArray[np.float32]) -> None:
        """Put what was found in that part, ``float32[side, side, C]``, where it lies in the picture."""
        height, width = onto.shape[:2]
        top, left = max(0, self.top), max(0, self.left)
        bottom, right = min(height, self.top + self.side), min(width, self.left + self.side)
        onto[top:bottom, left:right] = part[top - self.top : bottom - self.top, left - self.left : right - self.left]


def _reflect_indices(places: NDArray[np.int64], length: int) -> NDArray[np.int64]:
    folded = places % (2 * length)
    mirrored: NDArray[np.int64] = np.where(folded < length, folded, 2 * length - 1 - folded)
    return mirrored


def find_roi(cell: NDArray[np.bool_], share: float) -> SquareROI | None:
    """Return the square around a cell in which it takes a share of the side, or ``None`` where there is none.

    It is never larger than the picture, however: that would show the cell's mirror image beside it.

    Args:
        cell: ``bool[H, W]``.
        share: Greater side of the cell over the square's.
    """
    if cell.sum() < MIN_CELL_AREA_FRACTION * cell.size:
        return None
    rows, columns = np.flatnonzero(cell.any(axis=1)), np.flatnonzero(cell.any(axis=0))
    extent = 1 + max(rows[-1] - rows[0], columns[-1] - columns[0])
    side = max(MIN_ROI_SIDE, min(round(extent / share), max(cell.shape)))
    return SquareROI(round((rows[0] + rows[-1] + 1 - side) / 2), round((columns[0] + columns[-1] + 1 - side) / 2), side)


def predict_two_stage(
    image: NDArray[np.uint8],
    first: SegmentFn,
    second: SegmentFn,
    *,
    canvas: int,
    share: float,
    following: EdgeRefinement | None,
) -> NDArray[np.float32]:
    """Segment a crop of one cell of any size.

    Args:
        image: ``uint8[H, W, 3]``.
        first: Finds the cell: from a square ``uint8[S, S, 3]`` to class probabilities ``float32[S, S, C]``.
        second: Looks closely: the same, for another S.
        canvas: Side in pixels of the square for the close look.
        share: What the cell takes of that side.
        following: How closely outlines follow the picture's edges, or ``None`` to leave them as they are.

    Returns:
        ``float32[H, W, C]``. Outside of the close look, what the first one found.
    """
    square, placement = pad_to_square(image, FIRST_PASS_SIZE, enlarge=True)
    seen = first(square)
    found = unpad(seen, placement)
    # At the look's own scale, which is enough to say where the cell is, and quicker.
    frame = find_roi(keep_main_cell(fast_argmax(seen[placement.window])) != BACKGROUND.id, share)
    if frame is None:
        return found
    frame = frame.scale(max(placement.size) / max(placement.scaled_size))
    part = frame.crop(image)
    square, placement = pad_to_square(part, canvas, enlarge=True)
    close = unpad(second(square), placement)
    if following is not None:
        close = refine_edges(close, part, share * frame.side, following)
    frame.paste(close, found)
    return found
