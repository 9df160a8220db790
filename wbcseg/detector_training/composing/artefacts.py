"""What is no white cell: platelets, stain deposits, dust, a dot grid; and red cells that lie over a white cell."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.random import Generator
from PIL import Image, ImageFilter

from wbcseg.detector_training.composing.backgrounds import compute_density
from wbcseg.detector_training.composing.canvas import Canvas, locate
from wbcseg.detector_training.composing.field import Boxes, Density
from wbcseg.detector_training.composing.stains import RED_CELL_COLOURS, Laboratory
from wbcseg.detector_training.library.arrays import PLATELET_SIDE, Library
from wbcseg.labels import find_bounds

DEPOSIT_COLOUR: Final = np.array((0.9, 0.8, 0.5), np.float32)
"""Optical densities of a stain deposit."""

MAX_PLATELETS: Final = 25


def add_artefacts(
    rng: Generator, canvas: Canvas, library: Library, laboratory: Laboratory, diameter: float, amount: float
) -> None:
    """Add platelets, deposits, dust and, rarely, a grid of dots.

    Args:
        rng: Random generator.
        canvas: The field.
        library: The material.
        laboratory: How platelets are stained.
        diameter: Typical diameter of white cells in pixels.
        amount: How many, 1 for a usual field.
    """
    _add_platelets(rng, canvas, library, laboratory, diameter, amount)
    for _ in range(int(rng.poisson(0.9 * amount))):
        kind = rng.random()
        colour = (DEPOSIT_COLOUR * np.exp(rng.normal(0, 0.35, 3)) * rng.uniform(0.3, 1.5)).astype(np.float32)
        if kind < 0.35:
            _add_deposit_cluster(rng, canvas, colour, diameter)
        elif kind < 0.65:
            coverage = draw_blob(rng, max(2.0, diameter * rng.uniform(0.05, 0.5)), rng.uniform(0.05, 0.4))
            canvas.add(colour, coverage, *rng.uniform(0, canvas.side, 2), absorbs=False)
        elif kind < 0.85:
            _add_smear(rng, canvas, colour, diameter)
        else:
            _add_dust(rng, canvas, diameter)
    if rng.random() < 0.015 * amount:
        _add_dot_grid(rng, canvas)


def add_overlying_red_cells(rng: Generator, canvas: Canvas, laboratory: Laboratory, diameter: float) -> None:
    """Add red cells that lie over the rim of white cells."""
    rim = np.argwhere((canvas.coverage > 0.4) & (canvas.coverage < 0.6))
    if not len(rim):
        return
    colour = laboratory.red_cell if laboratory.red_cell is not None else RED_CELL_COLOURS[int(rng.integers(3))] * 0.45
    for _ in range(int(rng.integers(1, 6))):
        y, x = rim[int(rng.integers(len(rim)))] + rng.normal(0, 0.15 * diameter, 2)
        coverage = draw_blob(rng, diameter * rng.uniform(0.4, 0.8), 0.03)
        canvas.add(np.asarray(colour, np.float32), coverage * rng.uniform(0.3, 1), y, x, absorbs=True)


def add_pale_cytoplasm(rng: Generator, canvas: Canvas, diameter: float, y: float, x: float, cell_id: int) -> Boxes:
    """Add cytoplasm so wide and pale that the cell seems to end at its nucleus, before the cell is laid over it.

    Args:
        rng: Random generator.
        canvas: The field.
        diameter: Diameter of the cell in pixels.
        y: Row of its centre.
        x: Column of its centre.
        cell_id: Its id in the canvas's instances.

    Returns:
        Box of the cytoplasm, ``float32[4]``, which may extend beyond the field.
    """
    coverage = draw_blob(rng, diameter * rng.uniform(1.2, 1.7), rng.uniform(0.03, 0.15))
    y, x = y + rng.normal(0, 0.10) * diameter, x + rng.normal(0, 0.10) * diameter
    colour = np.array((0.5, 0.8, 0.45)) * np.exp(rng.normal(0, 0.25, 3)) * rng.uniform(0.06, 0.22)
    canvas.add(colour.astype(np.float32), coverage, y, x, absorbs=False)
    slices = canvas.clip(coverage.shape, y, x)
    if slices is not None:
        there, part = slices
        is_cell = coverage[part] > 0.5
        canvas.instances[there][is_cell] = cell_id
        canvas.nuclei[there][is_cell] = False
    box = locate(coverage, y, x)
    return np.array((x, y, x, y), np.float32) if box is None else box


def draw_blob(rng: Generator, size: float, roughness: float) -> Density:
    """Return an irregular spot with a soft edge, ``float32[h, w]`` in 0 to 1.

    Args:
        rng: Random generator.
        size: Its diameter in pixels.
        roughness: How much its radius varies.
    """
    side = max(5, int(1.5 * size) + 2)
    y, x = (np.mgrid[:side, :side] - (side - 1) / 2) / (size / 2)
    angle = np.arctan2(y, x)
    outline = 1.0 + sum(
        roughness * rng.normal() / wave**0.7 * np.cos(wave * angle + rng.uniform(0, 2 * np.pi)) for wave in range(2, 8)
    )
    stretch = np.exp(rng.normal(0, 0.25))
    inside = (outline - np.hypot(y * stretch, x / stretch)) * size / 2 / rng.uniform(0.8, 1.5 + 0.06 * size)
    return np.asarray(np.clip(inside + 0.5, 0, 1), np.float32)


def _add_platelets(
    rng: Generator, canvas: Canvas, library: Library, laboratory: Laboratory, diameter: float, amount: float
) -> None:
    cells_per_side = canvas.side / max(diameter, 25)
    for _ in range(min(MAX_PLATELETS, int(rng.poisson(0.25 * amount * cells_per_side**2)))):
        is_giant = rng.random() < 0.06
        size = diameter * (rng.uniform(0.34, 0.50) if is_giant else rng.uniform(0.08, 0.34))
        density, coverage = _draw_platelet(rng, library, laboratory, max(size, 2.0))
        y, x = rng.uniform(0, canvas.side, 2)
        canvas.add(density, coverage, y, x, absorbs=rng.random() < 0.4)
        if rng.random() < 0.12:
            # A clump.
            for _ in range(int(rng.integers(2, 14))):
                offset = rng.normal(0, 0.30 * diameter, 2)
                density, coverage = _draw_platelet(rng, library, laboratory, max(2.0, diameter * rng.uniform(0.1, 0.3)))
                canvas.add(density, coverage, y + offset[0], x + offset[1], absorbs=False)


def _draw_platelet(rng: Generator, library: Library, laboratory: Laboratory, size: float) -> tuple[Density, Density]:
    number = int(rng.integers(len(library.platelets)))
    patch = np.rot90(np.asarray(library.platelets[number]), int(rng.integers(4)))
    left, top, right, bottom = find_bounds(patch[..., 3] > 127) or (0, 0, PLATELET_SIDE, PLATELET_SIDE)
    side = max(3, round(PLATELET_SIDE * size / max(bottom - top, right - left)))
    method = Image.Resampling.BOX if side < PLATELET_SIDE else Image.Resampling.BICUBIC
    colours, coverage = (
        np.asarray(Image.fromarray(np.ascontiguousarray(plane)).resize((side, side), method), np.float32)
        for plane in (patch[..., :3], patch[..., 3])
    )
    density = np.maximum(compute_density(colours, library.platelet_plasma[number]), 0) @ laboratory.stain.T
    return density * np.float32(rng.uniform(0.4, 0.95)), coverage / np.float32(255)


def _add_deposit_cluster(rng: Generator, canvas: Canvas, colour: Density, diameter: float) -> None:
    y, x = rng.uniform(0, canvas.side, 2)
    reach = diameter * rng.uniform(0.1, 0.9)
    for _ in range(int(rng.integers(3, 40))):
        offset = rng.normal(0, reach, 2)
        coverage = draw_blob(rng, max(1.5, diameter * rng.uniform(0.02, 0.12)), 0.15)
        canvas.add(colour, coverage, y + offset[0], x + offset[1], absorbs=False)


def _add_smear(rng: Generator, canvas: Canvas, colour: Density, diameter: float) -> None:
    """Add a smear of protein or a cell out of focus: wide, pale and without a shape."""
    blob = draw_blob(rng, diameter * rng.uniform(0.5, 2.5), 0.2)
    soft = Image.fromarray((blob * 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(0.12 * diameter))
    pale = colour * rng.uniform(0.05, 0.35)
    canvas.add(pale, np.asarray(soft, np.float32) / np.float32(255), *rng.uniform(0, canvas.side, 2), absorbs=True)


def _add_dust(rng: Generator, canvas: Canvas, diameter: float) -> None:
    """Add dust on the sensor: dark and round, with a bright ring or centre."""
    size = diameter * rng.uniform(0.15, 0.8)
    ring = draw_blob(rng, size, 0.04)
    inner = draw_blob(rng, size * rng.uniform(0.3, 0.7), 0.04)
    margin = (len(ring) - len(inner)) // 2
    if margin >= 0:
        ring[margin : margin + len(inner), margin : margin + len(inner)] *= 1 - inner * rng.uniform(0, 1)
    grey = np.full(3, rng.uniform(0.1, 0.9), np.float32)
    canvas.add(grey, ring, *rng.uniform(0, canvas.side, 2), absorbs=True)


def _add_dot_grid(rng: Generator, canvas: Canvas) -> None:
    step = rng.uniform(6, 30)
    colour = (DEPOSIT_COLOUR * rng.uniform(0.5, 1.2)).astype(np.float32)
    coverage = draw_blob(rng, step * rng.uniform(0.2, 0.45), 0.03)
    for y in np.arange(rng.uniform(0, step), canvas.side, step):
        for x in np.arange(rng.uniform(0, step), canvas.side, step):
            canvas.add(colour, coverage, y, x, absorbs=False)
