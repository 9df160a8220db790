"""Segment a cell that a person pointed at."""

from __future__ import annotations

from collections.abc import Iterator
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

MIN_SCORE: Final = 0.15
"""Minimum score of a detection at a point, lower than elsewhere: a person has said that there is a cell."""

MIN_PROBABILITY: Final = 0.15
"""Minimum probability that what is around a point is one white cell, if nothing is detected there. Red cells and
background have less; a person who knows better drags a box."""

WINDOW_FACTOR: Final = 6.0
"""Side of the surroundings of a point in which cells are detected, relative to the usual cell of the field."""

TRIED_SIZES: Final = (24.0, 35.0, 50.0, 70.0, 100.0, 140.0, 200.0, 280.0, 400.0)
"""Sizes of cells in pixels that are tried if nothing is detected at a point."""

USUAL_RATIOS: Final = (0.7, 0.85, 1.0, 1.2, 1.45)
"""Sizes that are tried instead, relative to the usual cell of the field, if there are others."""

SIZE_RATIOS: Final = (0.6, 1.5)
"""Size of the segmented cell, relative to the box, for it to count."""


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
    usual_size = _estimate_cell_size(occupied)
    window = _locate_window(point, usual_size, height, width) if usual_size else BBox(0, 0, height, width)
    for detection in _iterate_detections(np.ascontiguousarray(image[window.slices]), window, point, usual_size):
        cell = segment_free_cell(image, detection, model, occupied)
        if cell is not None and _is_of_size(cell, detection):
            return cell
    return None


def _iterate_detections(
    image: NDArray[np.uint8], window: BBox, point: tuple[float, float], usual_size: float | None
) -> Iterator[Detection]:
    """Yield what may be the cell at a point, the most likely first: what the detector finds, then boxes of some sizes
    that hold a white cell according to its verifier.

    Args:
        image: The window.
        window: Its place in the field.
        point: x and y in the field.
        usual_size: Usual size of the field's cells, if known.
    """
    detector = load_cell_detector()
    for found in detector.detect(image, min_score=MIN_SCORE):
        detection = found.shift(window.left, window.top)
        if _contains(detection, point):
            yield detection
    sizes = np.array([ratio * usual_size for ratio in USUAL_RATIOS] if usual_size else TRIED_SIZES, np.float32)
    centre = np.array([point[0] - window.left, point[1] - window.top], np.float32)
    boxes = np.concatenate([centre - sizes[:, None] / 2, centre + sizes[:, None] / 2], axis=1)
    boxes = boxes[sizes <= max(image.shape[:2])]
    for tried in sorted(detector.verify(image, boxes), key=lambda detection: -detection.score):
        detection = tried.shift(window.left, window.top)
        if tried.score >= MIN_PROBABILITY and _contains(detection, point):
            yield detection


def _contains(detection: Detection, point: tuple[float, float]) -> bool:
    x, y = point
    return detection.left <= x < detection.right and detection.top <= y < detection.bottom


def _is_of_size(cell: DetectedCell, detection: Detection) -> bool:
    """Return whether a segmented cell is about as large as its box."""
    return SIZE_RATIOS[0] * detection.size <= _measure_size(cell.cell_mask) <= SIZE_RATIOS[1] * detection.size


def _locate_window(point: tuple[float, float], size: float, height: int, width: int) -> BBox:
    """Return the surroundings of a point, in which a cell of about this size is detected faster than in the field."""
    x, y = point
    half = WINDOW_FACTOR * size / 2
    return clip_bbox(y - half, x - half, y + half, x + half, height, width)


def _estimate_cell_size(occupied: NDArray[np.uint16]) -> float | None:
    """Return the usual diameter of the cells that there are, if there are any."""
    areas = np.bincount(occupied.ravel())[1:]
    return float(np.sqrt(4 / np.pi * np.median(areas[areas > 0]))) if areas.any() else None


def _measure_size(mask: NDArray[np.bool_]) -> int:
    """Return the longer side of a mask's bounding box."""
    left, top, right, bottom = find_bounds(mask) or (0, 0, 0, 0)
    return max(right - left, bottom - top)
