"""Which cells are in a region that a person drew."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from wbcseg.inference import DetectedCell
from wbcseg.pipeline.edits import Point


def count_in_region(cells: Iterable[DetectedCell], region: Sequence[Point]) -> int:
    """Return how many cells have their centroid in a polygon.

    Args:
        cells: The cells.
        region: Corners of the polygon, at least three.
    """
    return int(np.count_nonzero(contain_points(region, [cell.centroid for cell in cells])))


def contain_points(region: Sequence[Point], points: Sequence[Point]) -> NDArray[np.bool_]:
    """Return for each point whether it is in a polygon, by the even-odd rule.

    Args:
        region: Corners of the polygon, at least three.
        points: The points.
    """
    # Imported here, so that listing models does not wait for it.
    from skimage.measure import points_in_poly

    inside: NDArray[np.bool_] = points_in_poly(np.reshape(points, (-1, 2)), np.asarray(region))
    return inside
