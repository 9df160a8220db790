"""Where the white cells of a composed field lie."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.random import Generator

from wbcseg.detector_training.composing.canvas import CellPatch

MIN_TOUCHING_DISTANCE: Final = 0.60
MAX_TOUCHING_DISTANCE: Final = 1.08
"""Distance of the centres of two touching cells, relative to the sum of their radii. Discs at the minimum overlap by
28 % of their area."""


@dataclass(frozen=True)
class Placement:
    """Where a cell lies.

    Attributes:
        y: Row of its centre.
        x: Column of its centre.
        diameter: In pixels.
        partner: Index of the cell that it touches, or ``None``.
    """

    y: float
    x: float
    diameter: float
    partner: int | None


def place_cells(rng: Generator, side: int, diameter: float, count: int) -> list[Placement]:
    """Return random places for up to ``count`` cells that overlap only where they touch.

    Args:
        rng: Random generator.
        side: Side of the field in pixels.
        diameter: Typical diameter in pixels.
        count: Number of cells; fewer if there is no room.
    """
    may_touch = rng.random() < 0.5
    spread = rng.uniform(0.03, 0.18)
    places: list[Placement] = []
    for _ in range(12 * count):
        if len(places) >= count:
            break
        own = diameter * float(np.exp(np.clip(rng.normal(0, spread), -0.45, 0.35)))
        partner = None
        if places and may_touch and rng.random() < 0.75:
            partner = int(rng.integers(len(places)))
            other = places[partner]
            angle = rng.uniform(0, 2 * np.pi)
            distance = (own + other.diameter) / 2 * rng.uniform(MIN_TOUCHING_DISTANCE, MAX_TOUCHING_DISTANCE)
            y, x = other.y + distance * np.sin(angle), other.x + distance * np.cos(angle)
        elif rng.random() < 0.25:
            # At an edge of the field.
            y, x = rng.uniform(0, side, 2)
            inward = rng.uniform(-0.35, 0.5) * own
            y, x = ((inward, x), (side - inward, x), (y, inward), (y, side - inward))[int(rng.integers(4))]
        else:
            y, x = rng.uniform(0.0, side, 2)
        clashes = any(
            np.hypot(y - place.y, x - place.x)
            < (own + place.diameter) / 2 * (MIN_TOUCHING_DISTANCE if index == partner else 1.0)
            for index, place in enumerate(places)
        )
        if not clashes and -0.3 * own < y < side + 0.3 * own and -0.3 * own < x < side + 0.3 * own:
            places.append(Placement(float(y), float(x), own, partner))
    return places


def place_at_overlap(
    fixed: CellPatch, y: float, x: float, moving: CellPatch, angle: float, overlap: float
) -> tuple[float, float]:
    """Return where a cell must lie to overlap another one by a share of the smaller one's area.

    Args:
        fixed: The cell that is already placed.
        y: Row of its centre.
        x: Column of its centre.
        moving: The other cell.
        angle: Direction from the first to the second, in radians.
        overlap: Wanted overlap, 0 (just touching) to 1.

    Returns:
        Row and column of the second cell's centre, exact to half a pixel.
    """
    first, second = fixed.coverage > 0.5, moving.coverage > 0.5
    smaller = max(1, min(int(first.sum()), int(second.sum())))
    reach = (len(first) + len(second)) // 2 + 1
    size = 2 * reach + len(first)
    board = np.zeros((size, size), np.bool_)
    start = (size - len(first)) // 2
    board[start : start + len(first), start : start + len(first)] = first
    centre = start + len(first) / 2

    def measure_overlap(distance: float) -> float:
        top = round(centre + distance * np.sin(angle) - len(second) / 2)
        left = round(centre + distance * np.cos(angle) - len(second) / 2)
        window = board[max(top, 0) : top + len(second), max(left, 0) : left + len(second)]
        part = second[max(-top, 0) : max(-top, 0) + window.shape[0], max(-left, 0) : max(-left, 0) + window.shape[1]]
        return float((window & part).sum()) / smaller

    near, far = 0.0, float(reach)
    while far - near > 0.5:
        middle = (near + far) / 2
        if measure_overlap(middle) > overlap:
            near = middle
        else:
            far = middle
    return y + far * np.sin(angle), x + far * np.cos(angle)
