"""Shapes of nuclei: connected lobes, a bean or a ball.

Every function takes the rows and columns of a grid relative to the cell's centre, the cell's radius and the nucleus'
radius (that of the disc of the same area), all in pixels, and returns a field that is negative inside. The area
is approximate: the caller shifts the field until it is exact.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.random import Generator

from wbcseg.datasets.synthetic.shapes import Lobe, Outline, ScalarField, compute_bridge, join
from wbcseg.labels import CellType

NucleusFunction = Callable[[Generator, ScalarField, ScalarField, float, float], ScalarField]


def _place_lobes(
    rng: Generator, steps: int, length: float, turn_range: tuple[float, float], zigzag: bool
) -> ScalarField:
    # Centres of lobes, float64[steps + 1, 2], around their own centre: a walk that keeps turning one way (C, U, ring)
    # or changes direction (S, Z).
    heading, direction = rng.uniform(0, 2 * np.pi), 1.0 if rng.random() < 0.5 else -1.0
    points = [np.zeros(2)]
    for _ in range(steps):
        points.append(points[-1] + length * rng.uniform(0.88, 1.15) * np.array([np.sin(heading), np.cos(heading)]))
        heading += direction * rng.uniform(*turn_range)
        direction = -direction if zigzag else direction
    centres = np.array(points)
    return np.asarray(centres - centres.mean(axis=0))


def _chain_lobes(
    rng: Generator,
    y: ScalarField,
    x: ScalarField,
    centres: ScalarField,
    lobe_radius: float,
    aspect_range: tuple[float, float],
    width: float,
) -> ScalarField:
    # Lobes around the centres, stretched along the chain or at random, and joined by bridges.
    parts = []
    for i, (row, column) in enumerate(centres):
        following, preceding = centres[min(i + 1, len(centres) - 1)], centres[max(i - 1, 0)]
        angle = float(np.arctan2(*(following - preceding))) + rng.normal(0, 0.6)
        stretch, size = np.sqrt(rng.uniform(*aspect_range)), lobe_radius * rng.uniform(0.80, 1.18)
        parts.append(Lobe(row, column, size * stretch, size / stretch, angle).compute_distance(y, x))
    field: ScalarField = np.minimum.reduce(parts)
    for start, end in pairwise(centres):
        bridge_field = compute_bridge(y, x, (start[0], start[1]), (end[0], end[1]), width * rng.uniform(0.7, 1.3))
        field = join(field, bridge_field, 0.25 * lobe_radius)
    return field


def _fit_into_cell(
    rng: Generator, centres: ScalarField, lobe_radius: float, cell_radius: float, offset_range: tuple[float, float]
) -> ScalarField:
    # Shrink the chain until its lobes are inside the cell, then shift it by a fraction of the remaining distance.
    max_distance, limit = float(np.hypot(*centres.T).max()), max(0.95 * cell_radius - 1.1 * lobe_radius, 0.0)
    angle, distance = rng.uniform(0, 2 * np.pi), max(limit - max_distance, 0.0) * rng.uniform(*offset_range)
    shift = distance * np.array([np.sin(angle), np.cos(angle)])
    return centres * min(1.0, limit / max(max_distance, 1e-9)) + shift


def _choose_offset(
    rng: Generator, cell_radius: float, radius: float, offset_range: tuple[float, float]
) -> tuple[float, float]:
    angle, distance = rng.uniform(0, 2 * np.pi), (cell_radius - radius) * rng.uniform(*offset_range)
    return distance * np.sin(angle), distance * np.cos(angle)


def shape_segmented(rng: Generator, y: ScalarField, x: ScalarField, cell_radius: float, radius: float) -> ScalarField:
    """Return the nucleus of a neutrophil: two to five lobes joined by thin bridges, sometimes a band."""
    if rng.random() < 0.18:
        lobe_radius = 0.47 * radius
        centres = _place_lobes(rng, 7, 0.50 * lobe_radius, (0.22, 0.42), zigzag=False)
        return _chain_lobes(
            rng,
            y,
            x,
            _fit_into_cell(rng, centres, lobe_radius, cell_radius, (0.0, 0.8)),
            lobe_radius,
            (1.0, 1.2),
            0.9 * lobe_radius,
        )
    lobe_count = int(rng.choice((2, 3, 4, 5), p=(0.20, 0.41, 0.28, 0.11)))
    lobe_radius = radius / np.sqrt(lobe_count) * 0.97
    # The lobes lie on a ring along the membrane, or zigzag across the cell.
    zigzag = lobe_count == 3 and rng.random() < 0.2
    step, ring_radius = rng.uniform(2.3, 2.75) * lobe_radius, 0.93 * cell_radius - 1.1 * lobe_radius
    turn_angle = 2 * float(np.arcsin(min(0.95, step / (2 * ring_radius))))
    centres = _place_lobes(rng, lobe_count - 1, step, (0.75 * turn_angle, 1.15 * turn_angle), zigzag)
    bridge_width = lobe_radius * rng.uniform(0.06, 0.28)
    return _chain_lobes(
        rng,
        y,
        x,
        _fit_into_cell(rng, centres, lobe_radius, cell_radius, (0.0, 0.9)),
        lobe_radius,
        (1.0, 1.5),
        bridge_width,
    )


def shape_bilobed(rng: Generator, y: ScalarField, x: ScalarField, cell_radius: float, radius: float) -> ScalarField:
    """Return the nucleus of an eosinophil: two lobes like spectacles, rarely three."""
    lobe_count = 3 if rng.random() < 0.15 else 2
    lobe_radius = radius / np.sqrt(lobe_count)
    centres = _place_lobes(rng, lobe_count - 1, rng.uniform(2.35, 2.85) * lobe_radius, (0.6, 1.2), zigzag=False)
    return _chain_lobes(
        rng,
        y,
        x,
        _fit_into_cell(rng, centres, lobe_radius, cell_radius, (0.4, 1.0)),
        lobe_radius,
        (1.0, 1.5),
        0.15 * lobe_radius,
    )


def shape_merged(rng: Generator, y: ScalarField, x: ScalarField, cell_radius: float, radius: float) -> ScalarField:
    """Return the nucleus of a basophil: broad lobes that merge."""
    lobe_count = int(rng.integers(2, 4))
    lobe_radius = radius / np.sqrt(lobe_count) * 1.05
    centres = _place_lobes(rng, lobe_count - 1, 1.5 * lobe_radius, (0.5, 1.5), zigzag=bool(rng.random() < 0.5))
    return _chain_lobes(
        rng,
        y,
        x,
        _fit_into_cell(rng, centres, lobe_radius, cell_radius, (0.0, 0.8)),
        lobe_radius,
        (1.0, 1.6),
        0.7 * lobe_radius,
    )


def shape_round(rng: Generator, y: ScalarField, x: ScalarField, cell_radius: float, radius: float) -> ScalarField:
    """Return the nucleus of a lymphocyte: round, off-centre, sometimes indented."""
    row, column = _choose_offset(rng, cell_radius, radius, (0.45, 1.15))
    field = Outline.make_random(rng, radius, rng.uniform(0.02, 0.07), roughness=0.2).compute_distance(
        y - row, x - column
    )
    if rng.random() < 0.35:
        angle, depth = rng.uniform(0, 2 * np.pi), rng.uniform(1.02, 1.22)
        row, column = row + depth * radius * np.sin(angle), column + depth * radius * np.cos(angle)
        field = -join(
            -field, Lobe(row, column, 0.36 * radius, 0.24 * radius, angle).compute_distance(y, x), 0.3 * radius
        )
    return field


def shape_indented(rng: Generator, y: ScalarField, x: ScalarField, cell_radius: float, radius: float) -> ScalarField:
    """Return the nucleus of a monocyte: kidney-shaped, horseshoe-shaped or folded."""
    draw = rng.random()
    if draw < 0.22:
        lobe_radius = 0.56 * radius
        centres = _place_lobes(rng, 6, 0.62 * lobe_radius, (0.38, 0.55), zigzag=False)
        return _chain_lobes(
            rng,
            y,
            x,
            _fit_into_cell(rng, centres, lobe_radius, cell_radius, (0.1, 0.9)),
            lobe_radius,
            (1.0, 1.2),
            0.95 * lobe_radius,
        )
    if draw < 0.45:
        lobe_radius = 0.66 * radius
        centres = _place_lobes(rng, 2, 0.95 * lobe_radius, (0.7, 1.7), zigzag=False)
        return _chain_lobes(
            rng,
            y,
            x,
            _fit_into_cell(rng, centres, lobe_radius, cell_radius, (0.1, 0.9)),
            lobe_radius,
            (1.0, 1.6),
            0.8 * lobe_radius,
        )
    row, column = _choose_offset(rng, cell_radius, radius, (0.1, 0.8))
    stretch, angle = np.sqrt(rng.uniform(1.05, 1.6)), rng.uniform(0, 2 * np.pi)
    outline = Outline.make_random(rng, radius, rng.uniform(0.03, 0.09), roughness=0.5)
    cos, sin = np.cos(angle), np.sin(angle)
    along, across = cos * (x - column) + sin * (y - row), cos * (y - row) - sin * (x - column)
    field = outline.compute_distance(across * stretch, along / stretch)
    depth = rng.uniform(0.85, 1.35)
    semi_major, semi_minor = rng.uniform(0.40, 0.60) * radius, rng.uniform(0.30, 0.50) * radius
    notch = Lobe(depth * radius / stretch, rng.normal(0, 0.2) * radius, semi_major, semi_minor, np.pi / 2)
    return -join(-field, notch.compute_distance(across, along), 0.6 * radius)


NUCLEUS_FUNCTIONS: Final[dict[CellType, NucleusFunction]] = {
    "neutrophil": shape_segmented,
    "lymphocyte": shape_round,
    "monocyte": shape_indented,
    "eosinophil": shape_bilobed,
    "basophil": shape_merged,
}
