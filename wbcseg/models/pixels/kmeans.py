"""K-means clustering with a start that is not random, so that the same image always gives the same clusters."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

MAX_STEPS: Final = 12
"""Steps of Lloyd's algorithm: in images of cells, the centres hardly move any more after these."""

Points = NDArray[np.float32]


def find_clusters(points: Points, count: int, order: NDArray[np.float32]) -> tuple[Points, NDArray[np.intp]]:
    """Divide points into clusters.

    Args:
        points: ``float32[n, D]``, at least one.
        count: Number of clusters; fewer if there are fewer points.
        order: A number for each point, ``float32[n]``: the first centres are the means of its quantiles.

    Returns:
        The centres, ``float32[K, D]``, and the cluster of each point.
    """
    parts = np.array_split(np.argsort(order, kind="stable"), min(count, len(points)))
    centres = np.stack([points[part].mean(axis=0) for part in parts])
    for _ in range(MAX_STEPS):
        clusters = assign_clusters(points, centres)
        sizes = np.bincount(clusters, minlength=len(centres))
        sums = np.stack(
            [np.bincount(clusters, points[:, d], minlength=len(centres)) for d in range(points.shape[1])], axis=1
        )
        moved = np.where(sizes[:, None] > 0, sums / np.maximum(sizes, 1)[:, None], centres).astype(np.float32)
        if np.allclose(moved, centres, atol=1e-3):
            break
        centres = moved
    return centres, assign_clusters(points, centres)


def assign_clusters(points: Points, centres: Points) -> NDArray[np.intp]:
    """Return the nearest centre of each point, ``intp[n]``."""
    distances = (centres * centres).sum(axis=1) - 2 * np.einsum("nd,kd->nk", points, centres)
    nearest: NDArray[np.intp] = distances.argmin(axis=1)
    return nearest
