"""Segment a cell that a person pointed at."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from wbcseg.inference.close_up import CloseUpModel
from wbcseg.inference.detection import Detection, load_cell_detector
from wbcseg.inference.field_of_view import segment_free_cell
from wbcseg.inference.segmentation import BBox, DetectedCell, clip_bbox
from wbcseg.labels import find_bounds

Box = tuple[float, float, float, float]
"""Left, top, right and bottom in pixels."""

MIN_SCORE: Final = 0.05
"""Minimum score of a detection at a point: a person has said that there is a cell."""

WINDOW_FACTOR: Final = 6.0
"""Side of the surroundings of a point in which cells are detected, relative to the usual cell of the field."""

TRIED_SIZES: Final = (60.0, 120.0, 240.0, 35.0, 450.0)
"""Sizes of cells in pixels that are tried if nothing is detected at a point."""

SIZE_RATIOS: Final = (0.6, 1.5)
"""Size of the segmented cell, relative to the size that was tried, for it to count."""


def segment_pointed_cell(
    image: NDArray[np.uint8],
    model: CloseUpModel,
    occupied: NDArray[np.uint16],
    *,
    box: Box | None = None,
    point: tuple[float, float] | None = None,
) -> DetectedCell | None:
    """Segment the cell in a box or at a point.

    Args:
        image: The field of view, ``uint8[H, W, 3]``, RGB.
        model: Segments close-ups.
        occupied: Ids of the other cells, ``uint16[H, W]``; 0 is free.
        box: Left, top, right and bottom of the cell in pixels, or
        point: x and y of a point in it.

    Returns:
        The cell with the next free id, or ``None`` if there is none, or if it is one of the others.

    Raises:
        ValueError: If not exactly one of ``box`` and ``point`` is given, or if it is not in the image.
    """
    height, width = image.shape[:2]
    if box is not None and point is None:
        left, top, right, bottom = box
        if not (0 <= left < right <= width and 0 <= top < bottom <= height):
            raise ValueError(f"Argument `box` must lie in the image of {width}×{height} pixels. Received: {box}")
        return segment_free_cell(image, Detection(left, top, right, bottom, 1.0), model, occupied)
    if point is None or box is not None:
        raise ValueError("Give either `box` or `point`.")
    x, y = point
    if not (0 <= x < width and 0 <= y < height):
        raise ValueError(f"Argument `point` must lie in the image of {width}×{height} pixels. Received: {point}")
    usual_sizes = _estimate_cell_size(occupied)
    window = _locate_window(point, usual_sizes[0], height, width) if usual_sizes else BBox(0, 0, height, width)
    for found in load_cell_detector().detect(np.ascontiguousarray(image[window.slices]), min_score=MIN_SCORE):
        detection = found.shift(window.left, window.top)
        if detection.left <= x < detection.right and detection.top <= y < detection.bottom:
            cell = segment_free_cell(image, detection, model, occupied)
            if cell is not None:
                return cell
    for size in (*usual_sizes, *TRIED_SIZES):
        tried = Detection(x - size / 2, y - size / 2, x + size / 2, y + size / 2, 1.0)
        cell = segment_free_cell(image, tried, model, occupied)
        if cell is not None and SIZE_RATIOS[0] * size <= _measure_size(cell.cell_mask) <= SIZE_RATIOS[1] * size:
            return cell
    return None


def _locate_window(point: tuple[float, float], size: float, height: int, width: int) -> BBox:
    """Return the surroundings of a point, in which a cell of about this size is detected faster than in the field."""
    x, y = point
    half = WINDOW_FACTOR * size / 2
    return clip_bbox(y - half, x - half, y + half, x + half, height, width)


def _estimate_cell_size(occupied: NDArray[np.uint16]) -> list[float]:
    """Return the usual diameter of the cells that there are, if there are any."""
    areas = np.bincount(occupied.ravel())[1:]
    return [float(np.sqrt(4 / np.pi * np.median(areas[areas > 0])))] if areas.any() else []


def _measure_size(mask: NDArray[np.bool_]) -> int:
    """Return the longer side of a mask's bounding box."""
    left, top, right, bottom = find_bounds(mask) or (0, 0, 0, 0)
    return max(right - left, bottom - top)
