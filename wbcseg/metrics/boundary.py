"""Boundary metrics: distance between the outlines of a segmentation and of an expert's mask, in pixels.

The outline of a region consists of its pixels with a 4-neighbour outside the region or outside the image. If neither
mask has the region, a metric is undefined (NaN). If only one has it, it takes the worst value: the image's diagonal as
the distance, 0 as the surface Dice.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

SURFACE_TOLERANCE: Final = 2.0
"""Distance in pixels within which outlines count as equal: about the difference between two experts here."""

_MAX_DISTANCES: Final = 4_000_000
"""Distances held in memory at a time."""
"""Distances held in memory at a time."""


def find_outline(region_mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the pixels of a region's outline, ``int64[N, 2]`` (row, column).

    Args:
        region_mask: ``bool[H, W]``, true within the region.
    """
    padded = np.pad(region_mask, 1)
    inside = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return np.argwhere(region_mask & ~inside)


def compute_outline_distances(
    truth: NDArray[np.bool_], prediction: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the distance of each outline pixel to the nearest pixel of the other outline.

    Args:
        truth: ``bool[H, W]``.
        prediction: Same shape.

    Returns:
        Distances in pixels, ``float64[N]`` from the ground truth and ``float64[M]`` from the prediction. Empty if a
        mask has no outline; the image's diagonal if the other mask has none.

    Raises:
        ValueError: If the shapes differ.
    """
    if truth.shape != prediction.shape or truth.ndim != 2:
        raise ValueError(
            "Arguments `truth` and `prediction` must have the same shape [H, W]. "
            f"Received: {list(truth.shape)} and {list(prediction.shape)}"
        )
    truth_points, prediction_points = find_outline(truth), find_outline(prediction)
    if not len(truth_points) or not len(prediction_points):
        diagonal = float(np.hypot(*truth.shape))
        return np.full(len(truth_points), diagonal), np.full(len(prediction_points), diagonal)
    truth_distances, prediction_distances = np.empty(len(truth_points)), np.full(len(prediction_points), np.inf)
    chunk_rows = max(1, _MAX_DISTANCES // len(prediction_points))
    for start in range(0, len(truth_points), chunk_rows):
        offsets = truth_points[start : start + chunk_rows, None, :] - prediction_points[None, :, :]
        squares = (offsets * offsets).sum(axis=-1, dtype=np.float64)
        truth_distances[start : start + chunk_rows] = squares.min(axis=1)
        np.minimum(prediction_distances, squares.min(axis=0), out=prediction_distances)
    return np.sqrt(truth_distances), np.sqrt(prediction_distances)


def hausdorff_95(truth: NDArray[np.bool_], prediction: NDArray[np.bool_]) -> float:
    """Return the 95th percentile of the Hausdorff distance (Huttenlocher et al., 1993), in pixels.

    The larger of the 95th percentiles of the distances in both directions.

    Raises:
        ValueError: If the shapes differ.
    """
    distances = [d for d in compute_outline_distances(truth, prediction) if len(d)]
    return max((float(np.percentile(d, 95)) for d in distances), default=float("nan"))


def surface_dice(
    truth: NDArray[np.bool_], prediction: NDArray[np.bool_], tolerance: float = SURFACE_TOLERANCE
) -> float:
    """Return the normalised surface Dice (Nikolov et al., 2018): the fraction of both outlines close to the other one.

    Args:
        truth: ``bool[H, W]``.
        prediction: Same shape.
        tolerance: Distance that counts as close, in pixels.

    Returns:
        0 to 1; NaN if neither mask has an outline.

    Raises:
        ValueError: If the shapes differ.
    """
    distances = np.concatenate(compute_outline_distances(truth, prediction))
    return float((distances <= tolerance).mean()) if len(distances) else float("nan")
