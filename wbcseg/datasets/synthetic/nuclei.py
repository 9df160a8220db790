"""Shapes of nuclei: lobes on a string, a bean, a round ball.

Every function takes the rows and columns of a grid relative to the cell's centre, the cell's radius and the nucleus'
radius (that of the disc of the same area), all in pixels, and returns a field that is about negative inside; the
caller shifts it so that the area comes out exactly.
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


def _place_lobes(rng: Generator, steps: int, length: float, turn: tuple[float, float], zigzag: bool) -> ScalarField:
    # Centres of lobes, float64[steps + 1, 2], around their own centre: a walk that keeps turning one way (C, U, ring)
    # or changes its mind (S, Z).
    heading, side = rng.uniform(0, 2 * np.pi), 1.0 if rng.random() < 0.5 else -1.0
    points = [np.zeros(2)]
    for _ in range(steps):
        points.append(points[-1] + length * rng.uniform(0.88, 1.15) * np.array([np.sin(heading), np.cos(heading)]))
        heading += side * rng.uniform(*turn)
        side = -side if zigzag else side
    centres = np.array(points)
    return np.asarray(centres - centres.mean(axis=0))


def _chain_lobes(
    rng: Generator,
    y: ScalarField,
    x: ScalarField,
    centres: ScalarField,
    lobe: float,
    aspect: tuple[float, float],
    width: float,
) -> ScalarField:
    # Lobes of radius `lobe` around the centres, each drawn out along the string or at random, joined by bridges.
    parts = []
    for i, (row, column) in enumerate(centres):
        ahead, behind = centres[min(i + 1, len(centres) - 1)], centres[max(i - 1, 0)]
        angle = float(np.arctan2(*(ahead - behind))) + rng.normal(0, 0.6)
        stretch, size = np.sqrt(rng.uniform(*aspect)), lobe * rng.uniform(0.80, 1.18)
        parts.append(Lobe(row, column, size * stretch, size / stretch, angle).compute_distance(y, x))
    field: ScalarField = np.minimum.reduce(parts)
    for start, end in pairwise(centres):
        strand = compute_bridge(y, x, (start[0], start[1]), (end[0], end[1]), width * rng.uniform(0.7, 1.3))
        field = join(field, strand, 0.25 * lobe)
    return field


def _fit_into_cell(
    rng: Generator, centres: ScalarField, lobe: float, cell: float, push: tuple[float, float]
) -> ScalarField:
    # Pull the string together until its lobes are inside the cell, then push it aside by a share of the room left.
    farthest, limit = float(np.hypot(*centres.T).max()), max(0.95 * cell - 1.1 * lobe, 0.0)
    angle, distance = rng.uniform(0, 2 * np.pi), max(limit - farthest, 0.0) * rng.uniform(*push)
    shift = distance * np.array([np.sin(angle), np.cos(angle)])
    return centres * min(1.0, limit / max(farthest, 1e-9)) + shift


def _choose_offset(rng: Generator, cell: float, radius: float, share: tuple[float, float]) -> tuple[float, float]:
    angle, distance = rng.uniform(0, 2 * np.pi), (cell - radius) * rng.uniform(*share)
    return distance * np.sin(angle), distance * np.cos(angle)


def shape_segmented(rng: Generator, y: ScalarField, x: ScalarField, cell: float, radius: float) -> ScalarField:
    """Return the nucleus of a neutrophil: two to five lobes on thin bridges, now and then a band."""
    if rng.random() < 0.18:
        lobe = 0.47 * radius
        centres = _place_lobes(rng, 7, 0.50 * lobe, (0.22, 0.42), zigzag=False)
        return _chain_lobes(
            rng, y, x, _fit_into_cell(rng, centres, lobe, cell, (0.0, 0.8)), lobe, (1.0, 1.2), 0.9 * lobe
        )
    lobes = int(rng.choice((2, 3, 4, 5), p=(0.20, 0.41, 0.28, 0.11)))
    lobe = radius / np.sqrt(lobes) * 0.97
    # The lobes lie on a ring along the membrane, or zigzag across the cell.
    zigzag = lobes == 3 and rng.random() < 0.2
    step, ring = rng.uniform(2.3, 2.75) * lobe, 0.93 * cell - 1.1 * lobe
    turn = 2 * float(np.arcsin(min(0.95, step / (2 * ring))))
    centres = _place_lobes(rng, lobes - 1, step, (0.75 * turn, 1.15 * turn), zigzag)
    width = lobe * rng.uniform(0.06, 0.28)
    return _chain_lobes(rng, y, x, _fit_into_cell(rng, centres, lobe, cell, (0.0, 0.9)), lobe, (1.0, 1.5), width)


def shape_bilobed(rng: Generator, y: ScalarField, x: ScalarField, cell: float, radius: float) -> ScalarField:
    """Return the nucleus of an eosinophil: two lobes like spectacles, seldom three."""
    lobes = 3 if rng.random() < 0.15 else 2
    lobe = radius / np.sqrt(lobes)
    centres = _place_lobes(rng, lobes - 1, rng.uniform(2.35, 2.85) * lobe, (0.6, 1.2), zigzag=False)
    return _chain_lobes(rng, y, x, _fit_into_cell(rng, centres, lobe, cell, (0.4, 1.0)), lobe, (1.0, 1.5), 0.15 * lobe)


def shape_merged(rng: Generator, y: ScalarField, x: ScalarField, cell: float, radius: float) -> ScalarField:
    """Return the nucleus of a basophil: broad lobes that run into one another."""
    lobes = int(rng.integers(2, 4))
    lobe = radius / np.sqrt(lobes) * 1.05
    centres = _place_lobes(rng, lobes - 1, 1.5 * lobe, (0.5, 1.5), zigzag=bool(rng.random() < 0.5))
    return _chain_lobes(rng, y, x, _fit_into_cell(rng, centres, lobe, cell, (0.0, 0.8)), lobe, (1.0, 1.6), 0.7 * lobe)


def shape_round(rng: Generator, y: ScalarField, x: ScalarField, cell: float, radius: float) -> ScalarField:
    """Return the nucleus of a lymphocyte: round, to one side, sometimes with a dent."""
    row, column = _choose_offset(rng, cell, radius, (0.45, 1.15))
    field = Outline.make_random(rng, radius, rng.uniform(0.02, 0.07), roughness=0.2).compute_distance(y - row, x - column)
    if rng.random() < 0.35:
        angle, depth = rng.uniform(0, 2 * np.pi), rng.uniform(1.02, 1.22)
        row, column = row + depth * radius * np.sin(angle), column + depth * radius * np.cos(angle)
        field = -join(-field, Lobe(row, column, 0.36 * radius, 0.24 * radius, angle).compute_distance(y, x), 0.3 * radius)
    return field


def shape_indented(rng: Generator, y: ScalarField, x: ScalarField, cell: float, radius: float) -> ScalarField:
    """Return the nucleus of a monocyte: a kidney, a horseshoe or a folded cloth."""
    kind = rng.random()
    if kind < 0.22:
        lobe = 0.56 * radius
        centres = _place_lobes(rng, 6, 0.62 * lobe, (0.38, 0.55), zigzag=False)
        return _chain_lobes(
            rng, y, x, _fit_into_cell(rng, centres, lobe, cell, (0.1, 0.9)), lobe, (1.0, 1.2), 0.95 * lobe
        )
    if kind < 0.45:
        lobe = 0.66 * radius
        centres = _place_lobes(rng, 2, 0.95 * lobe, (0.7, 1.7), zigzag=False)
        return _chain_lobes(
            rng, y, x, _fit_into_cell(rng, centres, lobe, cell, (0.1, 0.9)), lobe, (1.0, 1.6), 0.8 * lobe
        )
    row, column = _choose_offset(rng, cell, radius, (0.1, 0.8))
    stretch, angle = np.sqrt(rng.uniform(1.05, 1.6)), rng.uniform(0, 2 * np.pi)
    outline = Outline.make_random(rng, radius, rng.uniform(0.03, 0.09), roughness=0.5)
    c, s = np.cos(angle), np.sin(angle)
    along, beside = c * (x - column) + s * (y - row), c * (y - row) - s * (x - column)
    field = outline.compute_distance(beside * stretch, along / stretch)
    depth = rng.uniform(0.85, 1.35)
    long, short = rng.uniform(0.40, 0.60) * radius, rng.uniform(0.30, 0.50) * radius
    notch = Lobe(depth * radius / stretch, rng.normal(0, 0.2) * radius, long, short, np.pi / 2)
    return -join(-field, notch.compute_distance(beside, along), 0.6 * radius)


NUCLEUS_FUNCTIONS: Final[dict[CellType, NucleusFunction]] = {
    "neutrophil": shape_segmented,
    "lymphocyte": shape_round,
    "monocyte": shape_indented,
    "eosinophil": shape_bilobed,
    "basophil": shape_merged,
}
