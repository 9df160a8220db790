"""A field of view of round cells whose truth is known, and a segmenter that knows it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from wbcseg.inference import BBox, DetectedCell, Segmentation
from wbcseg.labels import Labels

HEIGHT, WIDTH, RADIUS = 200, 300, 20
CENTRES = ((40.0, 40.0), (150.0, 40.0), (260.0, 100.0), (60.0, 150.0), (99.0, 150.0), (300.0, 180.0))
"""x and y of the centres. The fourth and the fifth touch; the last is cut off by the right edge."""

COLOURS = np.array([[235, 225, 200], [190, 150, 190], [90, 40, 120]], np.uint8)


def draw_truth(centres: Sequence[tuple[float, float]] = CENTRES) -> tuple[Labels, NDArray[np.uint16]]:
    """Return class ids ``uint8[H, W]``, and the number of the cell that each pixel belongs to, from 1."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    distances = np.array([np.hypot(columns - x, rows - y) for x, y in centres])
    nearest, distance = distances.argmin(axis=0), distances.min(axis=0)
    numbers = np.where(distance <= RADIUS, nearest + 1, 0).astype(np.uint16)
    labels = (distance <= RADIUS).astype(np.uint8) + (distance <= RADIUS / 2).astype(np.uint8)
    return labels, numbers


def draw_field(labels: Labels) -> NDArray[np.uint8]:
    """Return the image of class ids."""
    return COLOURS[labels]


def build_cell(labels: Labels, mask: NDArray[np.bool_], cell_id: int) -> DetectedCell:
    """Return a cell whose pixels are known.

    Args:
        labels: Class ids of the field.
        mask: ``bool[H, W]`` of the cell's pixels.
        cell_id: Its id.
    """
    rows, columns = np.nonzero(mask)
    top, left = max(0, int(rows.min()) - 10), max(0, int(columns.min()) - 10)
    bbox = BBox(top, left, min(HEIGHT, int(rows.max()) + 11), min(WIDTH, int(columns.max()) + 11))
    probabilities = np.eye(3, dtype=np.float32)[labels[bbox.slices]]
    return DetectedCell(bbox, probabilities, mask[bbox.slices], cell_id)


def build_segmentation(
    labels: Labels, numbers: NDArray[np.uint16], groups: Sequence[Sequence[int]], model: str = "known"
) -> Segmentation:
    """Return what a model would predict that found these cells; a group of several is one cell to it."""
    cells = [build_cell(labels, np.isin(numbers, group), cell_id) for cell_id, group in enumerate(groups, start=1)]
    return Segmentation.from_cells(cells, labels.shape, model)


class KnowingSegmenter:
    """Segments the cell of the truth that is at a point, or that has most pixels in a box."""

    def __init__(self, labels: Labels, numbers: NDArray[np.uint16]) -> None:
        self.labels, self.numbers, self.call_count = labels, numbers, 0

    def segment_cell(
        self,
        image: NDArray[np.uint8],  # noqa: ARG002 (as the real one)
        *,
        box: tuple[float, float, float, float] | None = None,
        point: tuple[float, float] | None = None,
        occupied: NDArray[np.uint16] | None = None,
        tta: bool = False,  # noqa: ARG002
    ) -> DetectedCell | None:
        self.call_count += 1
        if point is not None:
            number = int(self.numbers[int(point[1]), int(point[0])])
        else:
            assert box is not None
            left, top, right, bottom = map(round, box)
            number = int(np.bincount(self.numbers[top:bottom, left:right].ravel(), minlength=2)[1:].argmax()) + 1
        mask = self.numbers == number
        if occupied is not None:
            mask = mask & (occupied == 0)
        return build_cell(self.labels, mask, 1) if number and mask.any() else None
