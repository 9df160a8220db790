"""Tell touching and overlapping cells apart: every pixel belongs to at most one of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from wbcseg.inference.close_up import CloseUp
from wbcseg.inference.detection import Detection
from wbcseg.inference.postprocess import find_holes
from wbcseg.inference.segmentation import BBox
from wbcseg.labels import BACKGROUND, fast_argmax

PROBABILITY_WEIGHT: Final = 8.0
"""How much a cell's probability at a pixel counts against its distance. The network has learned to leave out neighbours
of the cell in the middle. Chosen, with the rest, on composed pairs and triples that overlap by up to 30 %."""

CORE_RADIUS: Final = 0.35
"""Radius of a cell's core, relative to the ellipse that fits its box. No pixel of it belongs to another cell."""


@dataclass(frozen=True, eq=False)
class CellCloseUp:
    """A detected cell in its close-up.

    Attributes:
        detection: Where it was detected.
        close_up: The prediction for it.
    """

    detection: Detection
    close_up: CloseUp

    def compute_distance(self, bbox: BBox) -> NDArray[np.float32]:
        """Return the distance of each pixel of a part of the field from the cell's centre; 1 on its box's ellipse."""
        y, x = self.detection.centre
        half_height = max(self.detection.bottom - self.detection.top, 1.0) / 2
        half_width = max(self.detection.right - self.detection.left, 1.0) / 2
        rows = (np.arange(bbox.top, bbox.bottom, dtype=np.float32) + 0.5 - y) / half_height
        columns = (np.arange(bbox.left, bbox.right, dtype=np.float32) + 0.5 - x) / half_width
        distance: NDArray[np.float32] = np.hypot(rows[:, None], columns[None])
        return distance

    def compute_claim(self, bbox: BBox) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return how much the cell claims each pixel of a part of its close-up, and the distance from its centre."""
        distance = self.compute_distance(bbox)
        background = self.close_up.probabilities[bbox.relative_to(self.close_up.bbox).slices][..., BACKGROUND.id]
        return PROBABILITY_WEIGHT * (1 - background) - distance, distance


def find_cell_mask(cell: CellCloseUp, others: Sequence[CellCloseUp]) -> NDArray[np.bool_]:
    """Return the pixels of a close-up that belong to its cell, ``bool[h, w]``.

    Args:
        cell: The cell.
        others: All other cells. Those whose close-ups overlap with this one compete for the pixels of both.
    """
    from scipy import ndimage

    bbox = cell.close_up.bbox
    may_own = np.ones((bbox.bottom - bbox.top, bbox.right - bbox.left), np.bool_)
    for other in others:
        shared = bbox.intersect(other.close_up.bbox)
        if shared is not None:
            (own_claim, own_distance), (claim, distance) = cell.compute_claim(shared), other.compute_claim(shared)
            is_own_core = own_distance < np.minimum(CORE_RADIUS, distance)
            is_other_core = distance < np.minimum(CORE_RADIUS, own_distance)
            may_own[shared.relative_to(bbox).slices] &= is_own_core | ((own_claim > claim) & ~is_other_core)
    mask = may_own & (fast_argmax(cell.close_up.probabilities) != BACKGROUND.id)
    pieces, count = ndimage.label(mask)
    if count > 1:
        # The piece with most pixels in the middle of the box.
        weights = np.exp(-4 * cell.compute_distance(bbox)[mask] ** 2)
        mask = pieces == 1 + int(np.argmax(np.bincount(pieces[mask], weights, count + 1)[1:]))
    result: NDArray[np.bool_] = mask | (find_holes(mask) & may_own)
    return result
