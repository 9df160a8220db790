"""Synthetic red cells around the white cell: crops from many laboratories are full of them."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from wbcseg.labels import BACKGROUND, CYTOPLASM, Labels
from wbcseg.transforms.regions import soften_region

MAX_RED_CELLS: Final = 14

# Smallest and largest optical density of a red cell for red, green and blue light: pink to brown to violet grey.
DENSITY_RANGE: Final = ((0.02, 0.22, 0.08), (0.38, 0.75, 0.62))


CROWDED_PROBABILITY: Final = 0.35
"""Fraction of crops in which red cells overlap the cytoplasm up to the nucleus, as in crowded areas."""


def add_red_cells(
    image: NDArray[np.float32], labels: Labels, rng: np.random.Generator, *, diameter: float
) -> tuple[NDArray[np.float32], Labels]:
    """Add red cells around the white cell: behind it, or over its cytoplasm, which is then hidden.

    Args:
        image: ``float32[S, S, 3]`` in 0 to 1.
        labels: ``uint8[S, S]``; red cells often touch the white cell.
        rng: Random generator.
        diameter: Diameter of the white cell in pixels.

    Returns:
        The image and its mask.
    """
    # Slow to import: imported only where it is needed.

    side = image.shape[0]
    cell_density = rng.uniform(*DENSITY_RANGE)
    if rng.random() < 0.3:
        cell_density = cell_density * rng.uniform(0.25, 0.6)
    thickness = np.zeros((side, side), np.float32)
    radius = diameter * rng.uniform(0.22, 0.42)
    pallor, rim = rng.uniform(0.0, 0.7), rng.uniform(0.0, 0.35)
    cell_pixels = np.argwhere(labels > 0)
    is_crowded = rng.random() < CROWDED_PROBABILITY
    covered = np.zeros((side, side), np.bool_)
    for _ in range(int(rng.integers(2, MAX_RED_CELLS))):
        y, x = rng.uniform(-0.15 * side, 1.15 * side, 2)
        if len(cell_pixels) and rng.random() < 0.55:
            # Next to the white cell: at a distance from its centre at which the two just touch.
            angle = rng.uniform(0, 2 * np.pi)
            middle = cell_pixels.mean(axis=0)
            centre_distance = diameter / 2 + radius * (rng.uniform(-0.2, 0.7) if is_crowded else rng.uniform(0.3, 1.1))
            y, x = middle[0] + np.sin(angle) * centre_distance, middle[1] + np.cos(angle) * centre_distance
        tilt, flattening, own_radius = rng.uniform(0, np.pi), rng.uniform(0.72, 1.0), radius * rng.uniform(0.8, 1.2)
        wave_amplitude, wave_count = rng.uniform(0, 0.06), rng.integers(3, 12)
        # Only the part of the image that it covers is changed.
        top, left = (max(0, int(position - 1.1 * own_radius)) for position in (y, x))
        bottom, right = (min(side, int(position + 1.1 * own_radius) + 2) for position in (y, x))
        if top >= bottom or left >= right:
            continue
        dy, dx = (np.arange(a, b, dtype=np.float32) - c for a, b, c in ((top, bottom, y), (left, right, x)))
        along = (np.cos(tilt) * dx + np.sin(tilt) * dy[:, None]) / own_radius
        across = (-np.sin(tilt) * dx + np.cos(tilt) * dy[:, None]) / (own_radius * flattening)
        waves = 1.0 + wave_amplitude * np.sin(wave_count * np.arctan2(across, along) + tilt)
        distance = np.hypot(along, across) / waves
        inside = np.clip((1.0 - distance) * own_radius / 1.5, 0.0, 1.0)
        profile = 1.0 - pallor * np.exp(-((distance / 0.45) ** 2)) + rim * np.exp(-(((distance - 0.9) / 0.12) ** 2))
        # Where two overlap, both absorb, though not twice as much.
        part = thickness[top:bottom, left:right]
        covered[top:bottom, left:right] |= inside > 0.5
        part[...] = np.maximum(part, inside * profile) + 0.35 * np.minimum(part, inside * profile)
    lost = covered & (labels == CYTOPLASM.id)
    # If most of the cytoplasm were hidden, it would no longer be the same cell.
    if is_crowded and lost.sum() < 0.6 * (labels == CYTOPLASM.id).sum():
        plasma = np.median(image[labels == BACKGROUND.id], axis=0) if (labels == BACKGROUND.id).any() else 1.0
        soft_lost = soften_region(lost, 0.5)[..., None]
        image = (image * (1 - soft_lost) + plasma * soft_lost).astype(np.float32)
        labels = np.where(lost, BACKGROUND.id, labels).astype(np.uint8)
    behind = soften_region(labels == BACKGROUND.id, 0.7)
    result: NDArray[np.float32] = (image * np.exp(-(thickness * behind)[..., None] * cell_density)).astype(np.float32)
    return result, labels
