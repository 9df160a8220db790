"""Augmentations of the background around a cell: its colour, texture and light, and what else lies there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from wbcseg.labels import BACKGROUND, CYTOPLASM, Labels
from wbcseg.transforms.regions import soften_region

FloatImage = NDArray[np.float32]
Change = Callable[[FloatImage, Labels, np.random.Generator], FloatImage]

BACKGROUND_DENSITIES: Final = (
    (0.04, 0.08, 0.42),
    (0.22, 0.07, 0.36),
    (0.05, 0.24, 0.48),
    (0.24, 0.24, 0.26),
    (0.08, 0.28, 0.14),
    (0.30, 0.16, 0.06),
)
"""Optical densities of stained plasma for red, green and blue light: yellow, yellow-green, orange, grey, pink, blue."""


def vary_background(image: FloatImage, labels: Labels, rng: np.random.Generator) -> FloatImage:
    """Change what surrounds the cell in one to three ways: colour, texture, precipitate, blurred red cells, light.

    Args:
        image: ``float32[H, W, 3]`` in 0 to 1.
        labels: ``uint8[H, W]``.
        rng: Random generator.

    Returns:
        ``float32[H, W, 3]`` in 0 to 1; the mask stays true.
    """
    names = list(CHANGES)
    chosen = set(rng.choice(names, size=int(rng.integers(1, 4)), replace=False))
    for name in names:
        if name in chosen:
            image = CHANGES[name](image, labels, rng)
    return np.clip(image, 0.0, 1.0).astype(np.float32)


def fade_cytoplasm(image: FloatImage, labels: Labels, rng: np.random.Generator) -> FloatImage:
    """Move the colour of the cytoplasm towards that of the background, as in pale cells and pale stains."""
    background, cytoplasm = labels == BACKGROUND.id, labels == CYTOPLASM.id
    if not background.any() or not cytoplasm.any():
        return image
    target, own = np.median(image[background], axis=0), np.median(image[cytoplasm], axis=0)
    amount = rng.uniform(0.2, 0.75) * soften_region(cytoplasm, 0.7)[..., None]
    return np.asarray(np.clip(image + amount * (target - own), 0.0, 1.0), np.float32)


def stain_background(image: FloatImage, labels: Labels, rng: np.random.Generator) -> FloatImage:
    """Stain the plasma: more than the cell, or all alike, as a coloured light does."""
    density = np.array(BACKGROUND_DENSITIES[rng.integers(len(BACKGROUND_DENSITIES))]) * rng.uniform(0.2, 1.3)
    density = density * np.exp(rng.normal(0.0, 0.25, 3))
    share_in_cell = rng.choice((rng.uniform(0.3, 1.0), 1.0))
    return _absorb(image, _weigh_background(labels, share_in_cell)[..., None] * density)


def add_texture(image: FloatImage, labels: Labels, rng: np.random.Generator) -> FloatImage:
    """Add a texture as of dried plasma: grains and clouds of several sizes, sometimes streaks."""
    from scipy import ndimage

    shape, side = image.shape[:2], max(image.shape)
    texture = np.zeros(shape)
    for _ in range(int(rng.integers(1, 4))):
        sigma = np.exp(rng.uniform(np.log(0.6), np.log(0.08 * side)))
        stretch = np.exp(rng.uniform(-0.9, 0.9)) if rng.random() < 0.4 else 1.0
        layer = ndimage.gaussian_filter(rng.normal(size=shape), (sigma * stretch, sigma / stretch))
        texture += rng.uniform(0.4, 1.0) * layer / max(float(layer.std()), 1e-6)
    texture /= max(float(texture.std()), 1e-6)
    if rng.random() < 0.4:
        # Ridges, as of cracks and folds.
        texture = np.abs(texture) - 0.8
    colour = np.exp(rng.normal(0.0, 0.35, 3))
    strength = np.exp(rng.uniform(np.log(0.015), np.log(0.13)))
    weight = _weigh_background(labels, rng.uniform(0.0, 0.7))
    return _absorb(image, (strength * texture * weight)[..., None] * colour)


def add_precipitate(image: FloatImage, labels: Labels, rng: np.random.Generator) -> FloatImage:
    """Add grains of dye, single or in heaps, on the background and over the edge of the cell."""
    from scipy import ndimage

    shape, side = image.shape[:2], max(image.shape)
    grains = np.zeros(shape, np.float32)
    centres = rng.uniform(0, shape, (int(rng.integers(1, 5)), 2))
    spread = rng.uniform(0.02, 0.5) * side
    count = int(rng.integers(3, 60))
    places = np.rint(centres[rng.integers(len(centres), size=count)] + rng.normal(0.0, spread, (count, 2))).astype(int)
    inside = ((places >= 0) & (places < shape)).all(axis=1)
    grains[tuple(places[inside].T)] = rng.uniform(0.4, 1.0, int(inside.sum()))
    size = np.exp(rng.uniform(np.log(0.5), np.log(2.2)))
    grains = np.minimum(ndimage.gaussian_filter(grains, size) * (2 * np.pi * size * size), 1.0)
    density = np.array([0.7, 1.1, 0.5]) * np.exp(rng.normal(0.0, 0.3, 3)) * rng.uniform(0.3, 1.2)
    return _absorb(image, (grains * _weigh_background(labels, rng.uniform(0.0, 0.4)))[..., None] * density)


def add_blurred_red_cells(image: FloatImage, labels: Labels, rng: np.random.Generator) -> FloatImage:
    """Add red cells out of focus, behind the cell."""
    from scipy import ndimage

    (height, width), side = image.shape[:2], max(image.shape)
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    thickness = np.zeros((height, width), np.float32)
    radius = rng.uniform(0.1, 0.25) * side
    for y, x in rng.uniform(-0.1, 1.1, (int(rng.integers(1, 9)), 2)) * (height, width):
        distance = np.hypot(rows - y, (columns - x) * rng.uniform(0.8, 1.2)) / radius
        ring = rng.uniform(0.0, 0.6) * np.exp(-(((distance - 0.9) / 0.15) ** 2))
        thickness = np.maximum(thickness, (distance < 1) * np.float32(0.7) + ring)
    thickness = ndimage.gaussian_filter(thickness, rng.uniform(0.015, 0.06) * side)
    density = rng.uniform((0.02, 0.12, 0.06), (0.3, 0.5, 0.5))
    return _absorb(image, (thickness * _weigh_background(labels, 0.0))[..., None] * density)


def add_vignette(image: FloatImage, labels: Labels, rng: np.random.Generator) -> FloatImage:  # noqa: ARG001
    """Darken the image away from a bright spot, as an eyepiece or a lamp that is not centred does."""
    (height, width), side = image.shape[:2], max(image.shape)
    y, x = rng.uniform(-0.2, 1.2, 2) * (height, width)
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    distance = np.hypot(rows - y, columns - x) / side
    falloff = rng.uniform(0.1, 0.7) * np.clip(distance - rng.uniform(0.0, 0.4), 0.0, None) ** rng.uniform(1.0, 2.5)
    colour = 1.0 + rng.uniform(-0.25, 0.25, 3)
    return _absorb(image, falloff[..., None] * colour)


CHANGES: Final[dict[str, Change]] = {
    "pale cytoplasm": fade_cytoplasm,
    "stained background": stain_background,
    "blurred red cells": add_blurred_red_cells,
    "textured background": add_texture,
    "stain precipitate": add_precipitate,
    "vignette": add_vignette,
}
"""The changes in the order in which they are made."""


def _weigh_background(labels: Labels, share_in_cell: float) -> FloatImage:
    """Return 1 on the background and less in the cell, with a soft border, ``float32[H, W]``."""
    background = soften_region(labels == BACKGROUND.id, 0.7)
    return np.asarray(share_in_cell + (1.0 - share_in_cell) * background, np.float32)


def _absorb(image: FloatImage, density: NDArray[np.floating]) -> FloatImage:
    """Return the image behind a further optical density."""
    return np.asarray(np.clip(image * np.exp(-density), 0.0, 1.0), np.float32)
