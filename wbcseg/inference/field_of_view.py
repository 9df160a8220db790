"""Segment the detected cells of a field of view, each in a close-up, and tell touching cells apart."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from wbcseg.inference.close_up import CloseUpModel, locate_close_up, predict_close_ups
from wbcseg.inference.detection import Detection
from wbcseg.inference.postprocess import MIN_NUCLEUS_FRACTION
from wbcseg.inference.segmentation import BBox, DetectedCell, find_touched_edges
from wbcseg.inference.touching_cells import CellCloseUp, find_cell_mask
from wbcseg.inference.two_stage import SquareROI
from wbcseg.labels import NUCLEUS

MIN_MAIN_CELL_FRACTION: Final = 0.24
"""Minimum size of the cell of a crop, as a fraction of the crop's longer side. In Zheng's crops it is 0.33 to 0.83."""

MAX_MAIN_CELL_OFFSET: Final = 0.15
"""Maximum distance of its centre from that of the crop, as a fraction of each side."""

MAX_SECOND_AREA: Final = 0.35
"""Maximum area of what a crop shows of a second cell, which its edge cuts off, relative to the main cell's."""

EDGE_MARGIN: Final = 0.03
"""Maximum distance of such a cell from the edge, as a fraction of the crop's longer side."""

MIN_FREE_FRACTION: Final = 0.7
"""Minimum area of a new cell that does not belong to others."""

GROWTH: Final = 1.5
"""Factor by which a close-up grows if its cell is cut off."""

MAX_GROWTHS: Final = 2
"""Maximum number of times a close-up grows."""

MIN_MASK_FRACTION: Final = 0.15
"""Minimum area of a cell, as a fraction of its box; where less is segmented, there is no cell."""


def is_crop_of_one_cell(detections: Sequence[Detection], height: int, width: int) -> bool:
    """Return whether an image is a crop of one cell: a large one in the middle, and at most bits of others.

    Args:
        detections: The cells detected in it.
        height: Height of the image.
        width: Width of the image.
    """
    if not detections:
        return False
    main = min(detections, key=lambda detection: math.dist(detection.centre, (height / 2, width / 2)))
    offset = max(abs(main.centre[0] / height - 0.5), abs(main.centre[1] / width - 0.5))
    is_large = main.size >= MIN_MAIN_CELL_FRACTION * max(height, width)
    margin = EDGE_MARGIN * max(height, width)
    others_are_bits = all(
        other.area <= MAX_SECOND_AREA * main.area
        and min(other.left, other.top, width - other.right, height - other.bottom) <= margin
        for other in detections
        if other is not main
    )
    return is_large and offset <= MAX_MAIN_CELL_OFFSET and others_are_bits


def segment_field_of_view(
    image: NDArray[np.uint8], detections: Sequence[Detection], model: CloseUpModel
) -> tuple[DetectedCell, ...]:
    """Segment the cells of a field of view.

    Args:
        image: ``uint8[H, W, 3]``, RGB.
        detections: The detected cells.
        model: Segments close-ups.

    Returns:
        The cells, from top to bottom and left to right. Their masks do not overlap.
    """
    cells: list[DetectedCell] = []
    for close_up, mask in _segment_detections(image, detections, model):
        if _is_large_enough(mask, close_up.detection):
            cells.append(_build_cell(close_up, mask, len(cells) + 1, image.shape))
    return tuple(cells)


def segment_free_cell(
    image: NDArray[np.uint8], detection: Detection, model: CloseUpModel, occupied: NDArray[np.uint16]
) -> DetectedCell | None:
    """Segment one cell that is none of those that there are.

    Args:
        image: ``uint8[H, W, 3]``, RGB.
        detection: Where it is.
        model: Segments close-ups.
        occupied: Ids of the other cells, ``uint16[H, W]``; 0 is free.

    Returns:
        The cell with the next free id, or ``None`` if there is no cell with a nucleus, or if it is one of the others.
    """
    ((close_up, mask),) = _segment_detections(image, [detection], model)
    is_free = occupied[close_up.close_up.bbox.slices] == 0
    if not _is_large_enough(mask, detection) or (mask & is_free).sum() < MIN_FREE_FRACTION * mask.sum():
        return None
    cell = _build_cell(close_up, mask & is_free, int(occupied.max(initial=0)) + 1, image.shape)
    has_nucleus = (cell.labels == NUCLEUS.id).sum() >= MIN_NUCLEUS_FRACTION * cell.cell_mask.sum()
    return cell if has_nucleus else None


def _segment_detections(
    image: NDArray[np.uint8], detections: Sequence[Detection], model: CloseUpModel
) -> list[tuple[CellCloseUp, NDArray[np.bool_]]]:
    """Return a close-up of each cell with its pixels, from top to bottom and left to right.

    The close-up of a cell that does not fit is taken again, larger.
    """
    height, width = image.shape[:2]
    detections = sorted(detections, key=lambda detection: detection.centre)
    regions = [locate_close_up(item.centre, item.size, model, max(height, width)) for item in detections]
    close_ups: dict[int, CellCloseUp] = {}
    masks: dict[int, NDArray[np.bool_]] = {}
    pending = list(range(len(detections)))
    for growth in range(MAX_GROWTHS + 1):
        for index, prediction in zip(
            pending, predict_close_ups(image, [regions[index] for index in pending], model), strict=True
        ):
            close_ups[index] = CellCloseUp(detections[index], prediction)
        new_boxes = [close_ups[index].close_up.bbox for index in pending]
        for index, close_up in close_ups.items():
            # A new close-up may change what belongs to its neighbours.
            if any(close_up.close_up.bbox.intersect(bbox) for bbox in new_boxes):
                others = [other for other in close_ups.values() if other is not close_up]
                masks[index] = find_cell_mask(close_up, others)
        pending = [i for i in pending if _is_cut_off(masks[i], close_ups[i].close_up.bbox, height, width)]
        if not pending or growth == MAX_GROWTHS:
            break
        for index in pending:
            regions[index] = _grow(regions[index])
    return [(close_ups[index], masks[index]) for index in range(len(detections))]


def _is_large_enough(mask: NDArray[np.bool_], detection: Detection) -> bool:
    """Return whether a cell fills enough of its box."""
    return bool(mask.sum() >= MIN_MASK_FRACTION * detection.area)


def _build_cell(close_up: CellCloseUp, mask: NDArray[np.bool_], cell_id: int, shape: tuple[int, ...]) -> DetectedCell:
    bbox, probabilities = close_up.close_up.bbox, close_up.close_up.probabilities
    edges = find_touched_edges(bbox, mask, shape[0], shape[1])
    return DetectedCell(bbox, probabilities, mask, cell_id, close_up.detection.score, edges)


def _is_cut_off(mask: NDArray[np.bool_], bbox: BBox, height: int, width: int) -> bool:
    """Return whether a cell touches an edge of its close-up that is not an edge of the field."""
    edges = (
        (bbox.top > 0, mask[0]),
        (bbox.left > 0, mask[:, 0]),
        (bbox.bottom < height, mask[-1]),
        (bbox.right < width, mask[:, -1]),
    )
    return any(is_inner and bool(edge.any()) for is_inner, edge in edges)


def _grow(region: SquareROI) -> SquareROI:
    side = round(GROWTH * region.side)
    return SquareROI(region.top - (side - region.side) // 2, region.left - (side - region.side) // 2, side)
