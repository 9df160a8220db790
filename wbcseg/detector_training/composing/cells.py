"""White cells: a cut-out of the library, turned, sized and stained as in one laboratory."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image

from wbcseg.detector_training.composing.backgrounds import compute_density
from wbcseg.detector_training.composing.canvas import CellPatch
from wbcseg.detector_training.composing.stains import Laboratory
from wbcseg.detector_training.library.arrays import CUTOUT_FACTOR, CUTOUT_SIDE, PBC, Library
from wbcseg.labels import NUCLEUS

SOURCE_SHARES: Final = (0.80, 0.93, 1.0)
"""Up to which random number a cell comes from ``pbc``, Zheng or the synthetic cells."""

MAX_DENSITY: Final = 2.2


def draw_cell(
    rng: Generator, library: Library, laboratory: Laboratory, diameter: float, *, exact_only: bool = False
) -> CellPatch:
    """Return a random white cell.

    Args:
        rng: Random generator.
        library: The material.
        laboratory: How it is stained.
        diameter: Longer side of the cell in pixels.
        exact_only: Whether to take only cells whose outline is an expert's or exact.
    """
    number = _choose_cutout(rng, library.sources, exact_only=exact_only)
    image, mask = np.asarray(library.cutouts[number]), np.asarray(library.masks[number])
    cell = np.where(mask > 0, 255, 0).astype(np.uint8)
    nucleus = np.where(mask == NUCLEUS.id, 255, 0).astype(np.uint8)
    colours, coverage, nucleus_coverage = _transform(
        rng, (image, cell, nucleus), max(8, round(diameter * CUTOUT_FACTOR))
    )
    coverage, nucleus_coverage = coverage / np.float32(255), nucleus_coverage[..., None] / np.float32(255)
    density = np.maximum(compute_density(colours, library.plasma[number]), -0.03) @ laboratory.stain.T
    own_cytoplasm = laboratory.cytoplasm * np.exp(rng.normal(0, 0.12, 3)).astype(np.float32)
    own_nucleus = laboratory.nucleus * np.float32(np.exp(rng.normal(0, 0.10)))
    density = density * (nucleus_coverage * own_nucleus + (1 - nucleus_coverage) * own_cytoplasm)
    is_exact = bool(library.sources[number] != PBC)
    return CellPatch(np.minimum(density, MAX_DENSITY), coverage, nucleus_coverage[..., 0], is_exact)


def _choose_cutout(rng: Generator, sources: NDArray[np.uint8], *, exact_only: bool) -> int:
    counts = np.bincount(sources, minlength=len(SOURCE_SHARES))
    choice = rng.random() if not exact_only else rng.uniform(SOURCE_SHARES[PBC], 1.0)
    source = int(np.searchsorted(SOURCE_SHARES, choice, side="right"))
    if not counts[source]:
        source = int(counts.argmax())
    return int(counts[:source].sum()) + int(rng.integers(counts[source]))


def _transform(rng: Generator, planes: tuple[NDArray[np.uint8], ...], size: int) -> list[NDArray[np.float32]]:
    """Return planes of a cut-out turned, mirrored, stretched and resized alike, ``float32[size, size, …]`` in 0 to 255.

    Each plane is resized by itself: Pillow would take a fourth channel for transparency and lose the colours where it
    is 0.
    """
    angle = float(rng.uniform(0, 360)) if rng.random() < 0.7 else 90.0 * int(rng.integers(4))
    stretch = float(np.exp(rng.normal(0, 0.07)))
    cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    flip = -1.0 if rng.random() < 0.5 else 1.0
    zoom, half = CUTOUT_SIDE / size, size / 2
    a, b = flip * cos * zoom * stretch, flip * sin * zoom * stretch
    d, e = -sin * zoom / stretch, cos * zoom / stretch
    middle = CUTOUT_SIDE / 2
    if zoom > 1.6:
        # Shrunk first, or pixels would be skipped.
        side = max(8, round(CUTOUT_SIDE / zoom))
        planes = tuple(np.asarray(Image.fromarray(p).resize((side, side), Image.Resampling.BOX)) for p in planes)
        a, b, d, e = (value * side / CUTOUT_SIDE for value in (a, b, d, e))
        middle = side / 2
    table = (a, b, middle - a * half - b * half, d, e, middle - d * half - e * half)
    return [
        np.asarray(
            Image.fromarray(plane).transform((size, size), Image.Transform.AFFINE, table, Image.Resampling.BILINEAR)
        ).astype(np.float32)
        for plane in planes
    ]
