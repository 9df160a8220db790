"""Segment close-ups of cells: squares of a field of view in which each cell has the size that the model expects."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from wbcseg.inference.refine import EdgeRefinement, refine_edges
from wbcseg.inference.segmentation import BBox
from wbcseg.inference.two_stage import MIN_ROI_SIDE, SquareROI
from wbcseg.transforms.padding import compute_placement, pad_to_square, unpad
from wbcseg.turns import pause

PredictSquares = Callable[[NDArray[np.uint8]], NDArray[np.float32]]

BATCH_SIZE: Final = 4
"""Number of close-ups that the network predicts at once."""

MAX_REFINED_SIDE: Final = 256
"""Maximum side in pixels of the square in which outlines are refined; it is twice as fine as the network's output."""


@dataclass(frozen=True)
class CloseUpModel:
    """How a model segments close-ups.

    Attributes:
        predict_squares: From squares ``uint8[N, S, S, 3]`` to class probabilities ``float32[N, S, S, 3]``.
        input_size: S.
        cell_fraction: Longer side of the cell, as a fraction of the square's side.
        refinement: How to refine outlines along the edges in the image, or ``None`` to keep them.
    """

    predict_squares: PredictSquares
    input_size: int
    cell_fraction: float
    refinement: EdgeRefinement | None


@dataclass(frozen=True, eq=False)
class CloseUp:
    """A close-up with its prediction.

    Attributes:
        bbox: The part of the field that it shows.
        probabilities: Class probabilities, ``float32[h, w, 3]``.
    """

    bbox: BBox
    probabilities: NDArray[np.float32]


def locate_close_up(centre: tuple[float, float], size: float, model: CloseUpModel, longer_side: int) -> SquareROI:
    """Return the square around a cell.

    Args:
        centre: Row and column of the cell's centre.
        size: Longer side of the cell in pixels.
        model: The model.
        longer_side: Longer side of the field in pixels, which the square does not exceed.
    """
    side = max(MIN_ROI_SIDE, min(round(size / model.cell_fraction), longer_side))
    return SquareROI(round(centre[0] - side / 2), round(centre[1] - side / 2), side)


def predict_close_ups(
    patches: Iterable[NDArray[np.uint8]], regions: Sequence[SquareROI], model: CloseUpModel, shape: tuple[int, ...]
) -> Iterator[CloseUp]:
    """Yield the predictions for regions of a field of view, in their order.

    Args:
        patches: The pixels of each region, ``uint8[side, side, 3]`` (:meth:`SquareROI.crop`).
        regions: The regions. They may extend beyond the field; close-ups are clipped to it.
        model: The model.
        shape: Height and width of the field.
    """
    remaining = iter(patches)
    for start in range(0, len(regions), BATCH_SIZE):
        batch = regions[start : start + BATCH_SIZE]
        patches = [_shrink(next(remaining)) for _ in batch]
        squares, placements = zip(
            *(pad_to_square(patch, model.input_size, enlarge=True) for patch in patches), strict=True
        )
        predictions = model.predict_squares(np.stack(squares))
        for region, patch, prediction, placement in zip(batch, patches, predictions, placements, strict=True):
            pause()
            probabilities = unpad(prediction, placement)
            if model.refinement is not None:
                cell_size = model.cell_fraction * len(patch)
                probabilities = refine_edges(probabilities, patch, cell_size, model.refinement)
            if len(patch) < region.side:
                probabilities = unpad(probabilities, compute_placement((region.side, region.side), len(patch)))
            yield _clip(region, probabilities, shape[0], shape[1])


def _shrink(patch: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a square in at most the size in which outlines are refined."""
    if len(patch) <= MAX_REFINED_SIDE:
        return patch
    return np.asarray(Image.fromarray(patch).resize((MAX_REFINED_SIDE, MAX_REFINED_SIDE), Image.Resampling.BOX))


def _clip(region: SquareROI, probabilities: NDArray[np.float32], height: int, width: int) -> CloseUp:
    """Return the part of a region that lies in the field."""
    bbox = BBox(
        max(0, region.top),
        max(0, region.left),
        min(height, region.top + region.side),
        min(width, region.left + region.side),
    )
    inside = probabilities[
        bbox.top - region.top : bbox.bottom - region.top, bbox.left - region.left : bbox.right - region.left
    ]
    return CloseUp(bbox, np.ascontiguousarray(inside))
