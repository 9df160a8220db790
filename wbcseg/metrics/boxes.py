"""Boxes around cells: areas, overlap, and which detected box stands for which true one."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Boxes = NDArray[np.float32]
"""``float32[N, 4]``: left, top, right and bottom in pixels."""

MIN_IOU: Final = 0.5
"""Least intersection over union of a detected box and the true box that it stands for."""


def compute_areas(boxes: Boxes) -> NDArray[np.float32]:
    """Return the areas of boxes, ``float32[N]``, never 0."""
    areas: NDArray[np.float32] = np.maximum((boxes[:, 2:] - boxes[:, :2]).prod(axis=1), np.float32(1e-3))
    return areas


def compute_intersections(first: Boxes, second: Boxes) -> NDArray[np.float32]:
    """Return the area that each box of the first set shares with each of the second, ``float32[N, M]``."""
    extents = np.minimum(first[:, None, 2:], second[None, :, 2:]) - np.maximum(first[:, None, :2], second[None, :, :2])
    intersections: NDArray[np.float32] = np.maximum(extents, 0).prod(axis=2)
    return intersections


def compute_iou(first: Boxes, second: Boxes) -> NDArray[np.float32]:
    """Return the intersection over union of each box of the first set with each of the second, ``float32[N, M]``."""
    intersections = compute_intersections(first, second)
    iou: NDArray[np.float32] = intersections / (
        compute_areas(first)[:, None] + compute_areas(second)[None] - intersections
    )
    return iou


def match_boxes(detected: Boxes, true: Boxes, *, min_iou: float = MIN_IOU) -> dict[int, int]:
    """Return which true box each detected one stands for. Each true box is matched once, the best detections first.

    Args:
        detected: Boxes by falling score.
        true: True boxes.
        min_iou: Least intersection over union.

    Returns:
        Index of the true box by index of the detected one; other detections are false.
    """
    matches: dict[int, int] = {}
    free = list(range(len(true)))
    for index, overlaps in enumerate(compute_iou(detected, true)):
        if not free:
            break
        best = int(overlaps[free].argmax())
        if overlaps[free[best]] >= min_iou:
            matches[index] = free.pop(best)
    return matches
