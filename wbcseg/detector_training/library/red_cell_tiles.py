"""Synthetic red cells: how thick they are, in tiles that continue at their opposite edge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy import ndimage

from wbcseg.detector_training.composing.field import Density
from wbcseg.detector_training.library.arrays import TILE_DIAMETER, TILE_THICKNESS

TILE_SIDE: Final = 288
"""Side of a tile in pixels."""

MAX_THICKNESS: Final = 1.9


@dataclass(frozen=True)
class _Smear:
    """What all red cells of a tile have in common.

    Attributes:
        pallor: How pale their centre is.
        rim: How dark their rim is.
        centre_width: Size of the pale centre relative to the radius.
        irregularity: Share of cells of unusual shape.
        is_crenated: Whether many have a spiky outline.
        is_ghost: Whether only their outline is seen.
        stacking: Probability that a cell lies on another one.
        overlap_density: How much two that overlap absorb together: 0 as much as one, 1 as much as two.
        size_spread: Spread of the logarithm of their size.
        crowding: Share of the tile that they would cover side by side.
        is_rouleaux: Whether they are stacked like coins.
        direction: Direction of the stacks in radians.
        softness: Width of their edge in pixels.
    """

    pallor: float
    rim: float
    centre_width: float
    irregularity: float
    is_crenated: bool
    is_ghost: bool
    stacking: float
    overlap_density: float
    size_spread: float
    crowding: float
    is_rouleaux: bool
    direction: float
    softness: float

    @classmethod
    def draw(cls, rng: Generator) -> Self:
        pallor, rim = rng.uniform(0, 1.0), rng.uniform(0, 0.5)
        centre_width = rng.uniform(0.25, 0.6)
        irregularity, is_crenated, stacking = rng.random() ** 3, rng.random() < 0.12, rng.random()
        is_ghost = rng.random() < 0.10
        stacking = rng.uniform(0, 0.6) if stacking < 0.6 else rng.uniform(0.6, 0.95)
        overlap_density, size_spread = rng.uniform(0.1, 0.9), rng.uniform(0.04, 0.16)
        crowding = rng.uniform(0.05, 1.1) if rng.random() < 0.9 else rng.uniform(1.0, 1.8)
        return cls(
            pallor,
            rim,
            centre_width,
            irregularity,
            is_crenated,
            is_ghost,
            stacking,
            overlap_density,
            size_spread,
            crowding,
            is_rouleaux=rng.random() < 0.15,
            direction=rng.uniform(0, 2 * np.pi),
            softness=rng.uniform(1.0, 3.5),
        )


def draw_tile(rng: Generator) -> NDArray[np.uint8]:
    """Return one tile, ``uint8[288, 288]``: 130 is the thickness of a usual red cell."""
    smear = _Smear.draw(rng)
    tile = np.zeros((TILE_SIDE, TILE_SIDE), np.float32)
    for y, x in _place_red_cells(rng, smear):
        thickness, top, left = _draw_red_cell(rng, smear, y, x)
        rows, columns = ((np.arange(start, start + len(thickness))) % TILE_SIDE for start in (top, left))
        there = np.ix_(rows, columns)
        below = tile[there]
        tile[there] = np.maximum(below, thickness) + smear.overlap_density * np.minimum(below, thickness)
    tile = np.minimum(tile, MAX_THICKNESS)
    if rng.random() < 0.3:
        tile = ndimage.gaussian_filter(tile, rng.uniform(0.5, 2.5), mode="wrap")
    return np.asarray(np.clip(tile * TILE_THICKNESS, 0, 255).astype(np.uint8))


def _place_red_cells(rng: Generator, smear: _Smear) -> list[tuple[float, float]]:
    """Return the centres of red cells."""
    wanted = int(smear.crowding * TILE_SIDE**2 / (np.pi * (TILE_DIAMETER / 2) ** 2))
    direction = smear.direction
    centres: list[tuple[float, float]] = []
    for _ in range(6 * wanted):
        if len(centres) >= wanted:
            break
        if centres and rng.random() < smear.stacking:
            y, x = centres[-1] if smear.is_rouleaux else centres[int(rng.integers(len(centres)))]
            angle = direction + rng.normal(0, 0.25) if smear.is_rouleaux else rng.uniform(0, 2 * np.pi)
            if rng.random() < 0.1:
                direction += rng.normal(0, 0.8)
            step = TILE_DIAMETER * (rng.uniform(0.25, 0.6) if smear.is_rouleaux else rng.uniform(0.55, 1.0))
            y, x = y + step * np.sin(angle), x + step * np.cos(angle)
            min_distance = (0.2 if smear.is_rouleaux else 0.5) * TILE_DIAMETER
        else:
            y, x, min_distance = rng.uniform(0, TILE_SIDE), rng.uniform(0, TILE_SIDE), 0.95 * TILE_DIAMETER
        y, x = y % TILE_SIDE, x % TILE_SIDE
        if centres:
            offset = np.abs(np.array(centres) - (y, x))
            offset = np.minimum(offset, TILE_SIDE - offset)
            if np.hypot(offset[:, 0], offset[:, 1]).min() < min_distance:
                continue
        centres.append((y, x))
    return centres


def _draw_red_cell(rng: Generator, smear: _Smear, y: float, x: float) -> tuple[Density, int, int]:
    """Return the thickness of a red cell, ``float32[h, h]``, and the first row and column of this window."""
    radius = TILE_DIAMETER / 2 * np.exp(rng.normal(0, smear.size_spread))
    flattening = rng.uniform(0.85, 1.0) if rng.random() > smear.irregularity else rng.uniform(0.35, 0.9)
    tilt = rng.uniform(0, np.pi)
    reach = int(radius / min(1.0, flattening**0.5)) + 4
    top, left = int(y) - reach, int(x) - reach
    dy = np.arange(top, top + 2 * reach, dtype=np.float32)[:, None] - np.float32(y)
    dx = np.arange(left, left + 2 * reach, dtype=np.float32)[None, :] - np.float32(x)
    along = (np.cos(tilt) * dx + np.sin(tilt) * dy) / (radius / flattening**0.5)
    across = (np.cos(tilt) * dy - np.sin(tilt) * dx) / (radius * flattening**0.5)
    distance, angle = np.hypot(along, across), np.arctan2(across, along)
    if smear.is_crenated and rng.random() < 0.6:
        distance = distance / (1 + 0.08 * np.cos(int(rng.integers(9, 18)) * angle + tilt))
    else:
        waves = 0.05 * rng.standard_normal(2) * (1 + 3 * smear.irregularity * rng.random())
        distance = distance / (1 + waves[0] * np.cos(2 * angle + tilt) + waves[1] * np.cos(3 * angle - tilt))
    inside = np.clip((1 - distance) * radius / smear.softness + 0.5, 0, 1)
    pallor = np.clip(smear.pallor + rng.normal(0, 0.15), 0, 1.05)
    profile = 1 - pallor * np.exp(-((distance / smear.centre_width) ** (2 if pallor < 0.6 else 3)))
    profile = profile + smear.rim * np.exp(-(((distance - 0.92) / 0.10) ** 2))
    if smear.irregularity > 0.3 and rng.random() < 0.25:
        # A target cell: a dark spot in the pale centre.
        profile = profile + rng.uniform(0.4, 0.8) * np.exp(-((distance / 0.22) ** 2))
    if smear.is_ghost:
        profile = 0.15 + (0.6 + 0.4 * np.cos(angle - tilt)) * np.exp(-(((distance - 0.9) / 0.09) ** 2))
    return np.asarray(inside * profile * np.exp(rng.normal(0, 0.10)), np.float32), top, left
