"""Backgrounds: red cells, synthetic or photographed, stained as in one laboratory."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image

from wbcseg.detector_training.composing.field import Density
from wbcseg.detector_training.composing.stains import RED_CELL_COLOURS, Laboratory
from wbcseg.detector_training.library.arrays import TILE_DIAMETER, TILE_THICKNESS, Library

PLASMA_PERCENTILE: Final = 88
"""Percentile of the brightness of an image that counts as empty background."""

FIELD_DIAMETER, SCENE_DIAMETER = 37, 35
"""Diameter of a red cell in fields of red cells and in scenes, in pixels."""


def compose_background(
    rng: Generator, library: Library, laboratory: Laboratory, side: int, diameter: float
) -> tuple[Density, str]:
    """Return the optical densities of everything but white cells.

    Args:
        rng: Random generator.
        library: The material.
        laboratory: How it is stained.
        side: Side of the field in pixels.
        diameter: Typical diameter of its white cells in pixels.

    Returns:
        ``float32[S, S, 3]``, and what it is made of: ``empty``, ``synthetic``, ``photographed`` or ``platelets``.
    """
    choice = rng.random()
    red_cell_diameter = diameter / rng.uniform(1.0, 2.3)
    if choice < 0.08:
        return np.zeros((side, side, 3), np.float32), "empty"
    if choice < 0.55:
        return _compose_synthetic(rng, library, laboratory, side, red_cell_diameter), "synthetic"
    if choice < 0.80:
        image = library.red_cell_fields[int(rng.integers(len(library.red_cell_fields)))]
        window = _cut_window(rng, image, side, red_cell_diameter / FIELD_DIAMETER, wraps=False)
        kind = "photographed"
    else:
        without_cell = np.flatnonzero(library.scene_boxes[:, 2] == 0)
        image = library.scenes[int(without_cell[int(rng.integers(len(without_cell)))])]
        window = _cut_window(rng, image, side, red_cell_diameter / SCENE_DIAMETER, wraps=False)
        kind = "platelets"
    density = compute_density(window, estimate_plasma(np.asarray(image)))
    return laboratory.stain_background(np.maximum(density, -0.05)), kind


def estimate_plasma(image: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the colour of the empty background of ``uint8[H, W, 3]``, ``float64[3]``."""
    return np.asarray(np.percentile(image[::4, ::4].reshape(-1, 3), PLASMA_PERCENTILE, axis=0))


def compute_density(image: NDArray[Any], plasma: NDArray[np.floating[Any]]) -> Density:
    """Return the optical densities of an image in 0 to 255 above the empty background, ``float32[H, W, 3]``."""
    ratio = np.maximum(plasma, 8.0) / np.maximum(image.astype(np.float32), 2.0)
    return np.asarray(np.log10(ratio), np.float32)


def _compose_synthetic(
    rng: Generator, library: Library, laboratory: Laboratory, side: int, red_cell_diameter: float
) -> Density:
    tile = library.red_cell_tiles[int(rng.integers(len(library.red_cell_tiles)))]
    thickness = _cut_window(rng, tile, side, red_cell_diameter / TILE_DIAMETER, wraps=True) / np.float32(TILE_THICKNESS)
    colour = laboratory.red_cell
    if colour is None:
        colour = RED_CELL_COLOURS[int(rng.integers(3))] * rng.uniform(0.3, 0.6)
    # Where a red cell is thick, its hue differs a little.
    lean = rng.normal(0, 0.12, 3).astype(np.float32)
    return np.asarray(thickness[..., None] * colour * (1 + lean * (thickness[..., None] - 0.7)), np.float32)


def _cut_window(rng: Generator, image: NDArray[np.uint8], side: int, zoom: float, *, wraps: bool) -> NDArray[np.uint8]:
    """Return a random part of an image, enlarged and turned, that fills the field.

    Args:
        rng: Random generator.
        image: ``uint8[H, W]`` or ``uint8[H, W, 3]``.
        side: Side of the field in pixels.
        zoom: Pixels of the field per pixel of the image.
        wraps: Whether an image that is too small continues at its opposite edge; otherwise it is mirrored.
    """
    needed = max(4, int(np.ceil(side / zoom)))
    height, width = image.shape[:2]
    if needed <= min(height, width):
        top, left = int(rng.integers(height - needed + 1)), int(rng.integers(width - needed + 1))
        part = np.asarray(image[top : top + needed, left : left + needed])
    else:
        rows = (np.arange(needed) + rng.integers(height)) % (height if wraps else 2 * height)
        columns = (np.arange(needed) + rng.integers(width)) % (width if wraps else 2 * width)
        if not wraps:
            rows, columns = (np.where(n < m, n, 2 * m - 1 - n) for n, m in ((rows, height), (columns, width)))
        part = image[rows][:, columns]
    part = np.rot90(part, int(rng.integers(4)))
    if rng.random() < 0.5:
        part = part[:, ::-1]
    method = Image.Resampling.BOX if needed > side else Image.Resampling.BICUBIC
    return np.asarray(Image.fromarray(np.ascontiguousarray(part)).resize((side, side), method))
