"""Trace the outline of a mask as polygons along pixel edges, so that their area equals the mask's."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

Point = tuple[int, int]
Ring = list[Point]
Polygon = list[Ring]
"""An outer ring and then its holes; every ring ends where it begins."""


def trace_polygons(region_mask: NDArray[np.bool_]) -> list[Polygon]:
    """Return the pieces of a mask as polygons.

    Pixels that touch only at a corner belong to different pieces; the same holds for holes. No ring visits a point
    twice. Coordinates are (x, y) of pixel corners; the upper left corner of the image is (0, 0).

    Args:
        region_mask: ``bool[H, W]``.

    Returns:
        The pieces from top to bottom. Outer rings run clockwise as displayed, holes counterclockwise.
    """
    outer_rings: list[tuple[Ring, float]] = []
    holes: list[Ring] = []
    for ring in _trace_rings(region_mask):
        area = _compute_doubled_area(ring)
        if area > 0:
            outer_rings.append((ring, area))
        else:
            holes.append(ring)
    pieces: dict[int, Polygon] = {i: [ring] for i, (ring, _) in enumerate(outer_rings)}
    for hole in holes:
        inside = [i for i, (ring, _) in enumerate(outer_rings) if _contains(ring, hole)]
        pieces[min(inside, key=lambda i: outer_rings[i][1])].append(hole)
    return list(pieces.values())


def _trace_rings(region_mask: NDArray[np.bool_]) -> list[Ring]:
    """Follow the edges between pixels inside and outside, with the mask on the right."""
    padded = np.pad(region_mask, 1)
    inside, above, below = padded[1:-1, 1:-1], padded[:-2, 1:-1], padded[2:, 1:-1]
    left, right = padded[1:-1, :-2], padded[1:-1, 2:]
    ends: dict[Point, list[Point]] = {}
    # Start and end of an edge, relative to the upper left corner of its pixel.
    for border, (x1, y1), (x2, y2) in (
        (inside & ~above, (0, 0), (1, 0)),
        (inside & ~right, (1, 0), (1, 1)),
        (inside & ~below, (1, 1), (0, 1)),
        (inside & ~left, (0, 1), (0, 0)),
    ):
        for y, x in np.argwhere(border).tolist():
            ends.setdefault((x + x1, y + y1), []).append((x + x2, y + y2))
    rings = []
    for start in sorted(ends, key=lambda point: (point[1], point[0])):
        while ends.get(start):
            ring = [start]
            position, direction = ends[start].pop(), (0, 0)
            direction = (position[0] - start[0], position[1] - start[1])
            while position != start:
                options = ends[position]
                # Where two pieces touch at a corner, a right turn stays on this one.
                right_turn = (position[0] - direction[1], position[1] + direction[0])
                following = right_turn if right_turn in options else options[0]
                options.remove(following)
                new_direction = (following[0] - position[0], following[1] - position[1])
                if new_direction != direction:
                    ring.append(position)
                position, direction = following, new_direction
            rings += _split_ring(_start_at_corner(ring, direction))
    return rings


def _split_ring(ring: Ring) -> list[Ring]:
    """Split a ring into rings that visit no point twice."""
    rings: list[Ring] = []
    path: Ring = []
    index_by_point: dict[Point, int] = {}
    for point in ring[:-1]:
        if point not in index_by_point:
            index_by_point[point] = len(path)
            path.append(point)
            continue
        loop = path[index_by_point[point] :]
        del path[index_by_point[point] + 1 :]
        for passed in loop[1:]:
            del index_by_point[passed]
        rings.append([*loop, point])
    return [*rings, [*path, path[0]]]


def _start_at_corner(ring: Ring, direction: Point) -> Ring:
    """Remove the first point if it is not a corner, and close the ring."""
    first_direction = (ring[1][0] - ring[0][0], ring[1][1] - ring[0][1])
    is_straight = first_direction[0] * direction[1] == first_direction[1] * direction[0]
    points = ring[1:] if is_straight else ring
    return [*points, points[0]]


def _compute_doubled_area(ring: Ring) -> float:
    """Return twice the area, positive for a ring that runs clockwise as displayed (y points down)."""
    return float(sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in itertools.pairwise(ring)))


def _contains(ring: Ring, hole: Ring) -> bool:
    """Return whether a hole is inside a ring, by a ray to the left from the middle of the hole's first edge."""
    (x1, y1), (x2, y2) = hole[0], hole[1]
    # A point just outside the hole, which is in the mask: to the right of its edge.
    x, y = (x1 + x2) / 2 - np.sign(y2 - y1) * 0.25, (y1 + y2) / 2 + np.sign(x2 - x1) * 0.25
    crossings = sum((ya > y) != (yb > y) and xa < x for (xa, ya), (xb, yb) in itertools.pairwise(ring) if xa == xb)
    return bool(crossings % 2)
