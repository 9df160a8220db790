"""Boxes around cells: non-maximum suppression, and those that hold two cells or are cut off."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from wbcseg.metrics.boxes import Boxes, compute_areas, compute_intersections, compute_iou

EDGE_TOLERANCE: Final = 0.004
"""A box that comes this close to the image edge reaches it, as a fraction of the image's side."""

MIN_SCORE_RATIO: Final = 0.85
"""Scores of two boxes inside another, relative to its own, from which on they are the cells and it is not."""

MIN_CONTAINED: Final = 0.75
"""Fraction of such a box that lies inside the other."""

INNER_AREA_RATIOS: Final = (0.2, 0.75)
"""Minimum and maximum area of such a box, relative to the other's."""

MAX_INNER_IOU: Final = 0.2
"""Maximum overlap of the two."""


def suppress_overlaps(
    boxes: Boxes, scores: NDArray[np.float32], *, max_iou: float, max_contained: float
) -> NDArray[np.int64]:
    """Return the indices of the boxes that remain after non-maximum suppression, by falling score.

    Args:
        boxes: The boxes.
        scores: ``float32[N]``.
        max_iou: A box that overlaps a better one more than this (intersection over union) is dropped.
        max_contained: So is a box if the two share more than this fraction of the smaller one.
    """
    order = np.argsort(-scores, kind="stable")
    areas = compute_areas(boxes)
    kept: list[int] = []
    while order.size:
        best, order = int(order[0]), order[1:]
        kept.append(best)
        intersections = compute_intersections(boxes[order], boxes[best : best + 1])[:, 0]
        iou = intersections / (areas[order] + areas[best] - intersections)
        contained = intersections / np.minimum(areas[order], areas[best])
        order = order[(iou <= max_iou) & (contained <= max_contained)]
    return np.array(kept, np.int64)


def find_boxes_around_two(boxes: Boxes, scores: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return which boxes enclose two others that score about as well and hardly overlap: two touching cells."""
    areas, intersections, iou = compute_areas(boxes), compute_intersections(boxes, boxes), compute_iou(boxes, boxes)
    result = np.zeros(len(boxes), np.bool_)
    smallest, largest = INNER_AREA_RATIOS
    for index, area in enumerate(areas):
        is_inside = (
            (intersections[index] > MIN_CONTAINED * areas) & (areas < largest * area) & (areas > smallest * area)
        )
        inner = np.flatnonzero(is_inside & (scores > MIN_SCORE_RATIO * scores[index]))
        result[index] = len(inner) > 1 and bool((iou[np.ix_(inner, inner)] < MAX_INNER_IOU).any())
    return result


def find_cut_boxes(boxes: Boxes, height: int, width: int) -> NDArray[np.bool_]:
    """Return which boxes reach the edge of an image of ``height`` × ``width`` pixels."""
    size = np.array((width, height), np.float32)
    tolerance = EDGE_TOLERANCE * size
    reaches_edge = np.concatenate([boxes[:, :2] <= tolerance, boxes[:, 2:] >= size - tolerance], axis=1)
    return np.asarray(reaches_edge.any(axis=1))
