"""Segment the detected cells of a field of view, each in a close-up, and tell touching cells apart."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from wbcseg.eyepiece import find_black_surround
from wbcseg.inference.close_up import CloseUp, CloseUpModel, locate_close_up, predict_close_ups
from wbcseg.inference.detection import Detection
from wbcseg.inference.postprocess import MIN_NUCLEUS_FRACTION
from wbcseg.inference.segmentation import BBox, DetectedCell
from wbcseg.inference.touching_cells import CellCloseUp, find_cell_mask
from wbcseg.inference.two_stage import SquareROI
from wbcseg.labels import BACKGROUND, NUCLEUS, mark_background
from wbcseg.results import find_cut_edges
from wbcseg.turns import pause

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

MAX_KEPT_DISTANCE: Final = 0.6
"""Within this distance from a cell's centre, relative to the ellipse that fits its box, nothing is hidden."""

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
    for close_up, mask in _Field(image, detections, model).segment():
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
    ((close_up, mask),) = _Field(image, [detection], model).segment()
    is_free = occupied[close_up.close_up.bbox.slices] == 0
    if not _is_large_enough(mask, detection) or (mask & is_free).sum() < MIN_FREE_FRACTION * mask.sum():
        return None
    cell = _build_cell(close_up, mask & is_free, int(occupied.max(initial=0)) + 1, image.shape)
    has_nucleus = (cell.labels == NUCLEUS.id).sum() >= MIN_NUCLEUS_FRACTION * cell.cell_mask.sum()
    return cell if has_nucleus else None


class _Field:
    """The cells of a field of view while they are segmented, from top to bottom and left to right.

    Args:
        image: ``uint8[H, W, 3]``, RGB.
        detections: The detected cells.
        model: Segments close-ups.
    """

    def __init__(self, image: NDArray[np.uint8], detections: Sequence[Detection], model: CloseUpModel) -> None:
        self._image, self._model = image, model
        self._surround = find_black_surround(image)
        self._detections = sorted(detections, key=lambda detection: detection.centre)
        longer_side = max(image.shape[:2])
        self._regions = [locate_close_up(item.centre, item.size, model, longer_side) for item in self._detections]
        self._close_ups: dict[int, CellCloseUp] = {}
        self._masks: dict[int, NDArray[np.bool_]] = {}

    def segment(self) -> list[tuple[CellCloseUp, NDArray[np.bool_]]]:
        """Return a close-up of each cell, and its pixels in it.

        The close-up of a cell that does not fit is taken again, larger. That of a cell with a neighbour is taken again
        with the neighbour hidden.
        """
        height, width = self._image.shape[:2]
        pending = list(range(len(self._detections)))
        for growth in range(MAX_GROWTHS + 1):
            self._predict(pending, (self._regions[index].crop(self._image) for index in pending))
            pending = [
                i for i in pending if _is_cut_off(self._masks[i], self._close_ups[i].close_up.bbox, height, width)
            ]
            if not pending or growth == MAX_GROWTHS:
                break
            for index in pending:
                self._regions[index] = _grow(self._regions[index])
        touching = [
            i
            for i, own in enumerate(self._detections)
            if any(own.overlaps(o) for o in self._detections if o is not own)
        ]
        if touching:
            instances = self._build_instances()
            self._predict(touching, (self._hide_neighbours(index, instances) for index in touching))
        return [(self._close_ups[index], self._masks[index]) for index in range(len(self._detections))]

    def _predict(self, indices: Sequence[int], patches: Iterable[NDArray[np.uint8]]) -> None:
        """Take close-ups of cells from patches of their regions, and find the pixels of all whom that concerns."""
        regions = [self._regions[index] for index in indices]
        predictions = predict_close_ups(patches, regions, self._model, self._image.shape)
        for index, prediction in zip(indices, predictions, strict=True):
            self._close_ups[index] = CellCloseUp(self._detections[index], self._without_surround(prediction))
        new_boxes = [self._close_ups[index].close_up.bbox for index in indices]
        for index, close_up in self._close_ups.items():
            # A new close-up may change what belongs to its neighbours.
            if any(close_up.close_up.bbox.intersect(bbox) for bbox in new_boxes):
                pause()
                others = [other for other in self._close_ups.values() if other is not close_up]
                self._masks[index] = find_cell_mask(close_up, others)

    def _without_surround(self, close_up: CloseUp) -> CloseUp:
        """Return a close-up in which the black surround of an eyepiece is background."""
        if self._surround is not None:
            mark_background(close_up.probabilities, self._surround[close_up.bbox.slices])
        return close_up

    def _build_instances(self) -> NDArray[np.uint16]:
        """Return the number of the cell that each pixel belongs to, from 1, ``uint16[H, W]``."""
        instances = np.zeros(self._image.shape[:2], np.uint16)
        for index, mask in self._masks.items():
            instances[self._close_ups[index].close_up.bbox.slices][mask] = index + 1
        return instances

    def _hide_neighbours(self, index: int, instances: NDArray[np.uint16]) -> NDArray[np.uint8]:
        """Return a cell's region with the pixels of other cells in the colour of the background."""
        region, cell = self._regions[index], self._close_ups[index]
        patch, owners = region.crop(self._image), region.crop(instances)
        bbox = cell.close_up.bbox
        is_background = (instances[bbox.slices] == 0) & (cell.close_up.probabilities[..., BACKGROUND.id] > 0.5)
        if is_background.any():
            colour = np.median(self._image[bbox.slices][is_background], axis=0)
            distance = cell.compute_distance(
                BBox(region.top, region.left, region.top + region.side, region.left + region.side)
            )
            patch[(owners > 0) & (owners != index + 1) & (distance > MAX_KEPT_DISTANCE)] = colour.astype(np.uint8)
        return patch


def _is_large_enough(mask: NDArray[np.bool_], detection: Detection) -> bool:
    """Return whether a cell fills enough of its box."""
    return bool(mask.sum() >= MIN_MASK_FRACTION * detection.area)


def _build_cell(close_up: CellCloseUp, mask: NDArray[np.bool_], cell_id: int, shape: tuple[int, ...]) -> DetectedCell:
    bbox, probabilities = close_up.close_up.bbox, close_up.close_up.probabilities
    edges = find_cut_edges(mask, bbox.find_image_edges(shape[0], shape[1]))
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
