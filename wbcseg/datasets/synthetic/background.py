"""Draw the surroundings of the white cell: red cells, platelets and specks of dye."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from wbcseg.datasets.synthetic.cells import Window
from wbcseg.datasets.synthetic.shapes import Outline, ScalarField, compute_coverage, generate_noise
from wbcseg.datasets.synthetic.stain_presets import DyeColors, Stain


def _place_red_cells(
    rng: Generator, shape: tuple[int, int], radius: float, crowding: float, distance: ScalarField
) -> list[tuple[float, float]]:
    # Centres of red cells: single ones and small clusters, none inside a white cell.
    height, width = shape
    target_count = crowding * (height + 2 * radius) * (width + 2 * radius) / (np.pi * radius**2)
    centres: list[tuple[float, float]] = []
    cluster_probability = rng.uniform(0.0, 0.45)
    for _ in range(int(6 * target_count) + 4):
        if len(centres) >= target_count:
            break
        if centres and rng.random() < cluster_probability:
            row, column = centres[int(rng.integers(len(centres)))]
            angle, step = rng.uniform(0, 2 * np.pi), radius * rng.uniform(0.9, 1.8)
            row, column, min_distance = row + step * np.sin(angle), column + step * np.cos(angle), 0.8 * radius
        else:
            row, column = rng.uniform(-radius, height + radius), rng.uniform(-radius, width + radius)
            min_distance = 1.95 * radius
        nearest_distance = min((np.hypot(row - r, column - c) for r, c in centres), default=np.inf)
        cell_distance = distance[int(np.clip(row, 0, height - 1)), int(np.clip(column, 0, width - 1))]
        if nearest_distance >= min_distance and cell_distance > 0.62 * radius:
            centres.append((row, column))
    return centres


def _draw_intact_cell(
    rng: Generator, depth: float, radius: float, y: ScalarField, x: ScalarField, field: ScalarField
) -> ScalarField:
    # Thickness of a biconcave disc: a paler centre and a faint dark line at the edge.
    shift = rng.normal(0, 0.07, 2) * radius
    distance = np.hypot(y - shift[0], x - shift[1]) / radius
    depth, width = np.clip(depth + rng.normal(0, 0.12), 0, 0.95), rng.uniform(0.30, 0.55)
    thickness = 1.06 - depth * np.exp(-((distance / width) ** (3 if depth > 0.6 else 2))) - 0.16 * (1 - distance)
    return np.asarray(thickness + 0.06 * np.exp(-(((field + 0.06 * radius) / (0.05 * radius)) ** 2)))


def _draw_ghost_cell(rng: Generator, radius: float, y: ScalarField, x: ScalarField, field: ScalarField) -> ScalarField:
    # A burst red cell: an uneven outline, sometimes a second one inside, and almost no fill.
    angle = np.arctan2(y, x)
    rim_strength = (
        0.6 + 0.4 * np.cos(angle - rng.uniform(0, 2 * np.pi)) + 0.3 * np.cos(2 * angle - rng.uniform(0, 2 * np.pi))
    )
    rim_strength = np.clip(rim_strength + 0.30 * generate_noise(rng, field.shape, 0.35 * radius), 0, 1.5)
    width = 0.07 * radius * rng.uniform(0.8, 1.6)
    ring = rim_strength * np.exp(-(((field + width) / width) ** 2))
    if rng.random() < 0.4:
        inner_rim = field + rng.uniform(0.25, 0.55) * radius
        ring = ring + 0.35 * rim_strength * np.exp(-((inner_rim / (1.6 * width)) ** 2))
    return np.asarray(ring + rng.uniform(-0.03, 0.12) * compute_coverage(field, 0.3 * radius))


def draw_red_cells(
    rng: Generator, shape: tuple[int, int], stain: Stain, dyes: DyeColors, scale: float, distance: ScalarField
) -> ScalarField:
    """Draw the red cells.

    Args:
        rng: Random generator.
        shape: Height and width of the image in pixels.
        stain: The stain.
        dyes: The colours of the image.
        scale: Pixels of the image per pixel of ``stain.reference_size``.
        distance: Distance from the white cells in pixels, negative inside, ``float64[H, W]``.

    Returns:
        Optical densities, ``float64[H, W, 3]``.
    """
    radius = stain.red_cell_radius * scale * float(np.clip(rng.normal(1, 0.13), 0.8, 1.35))
    crowding = rng.uniform(0.05, 0.60) if stain.ghost_red_cells else rng.uniform(0.12, 0.75)
    irregularity = 0.25 * rng.random() ** 2
    depth, strength = rng.uniform(0.1, 0.85), rng.uniform(0.12, 1.0)
    strongest, total = np.zeros(shape), np.zeros(shape)
    for centre in _place_red_cells(rng, shape, radius, crowding, distance):
        wobble = 0.02 + (0.12 if rng.random() < 2 * irregularity else 0.045) * rng.random()
        outline = Outline.make_random(
            rng, radius * rng.uniform(0.9, 1.1), wobble, roughness=0.15 + irregularity, max_wave=14
        )
        window = Window.from_centre(centre, outline.max_radius + 2)
        image_slice, window_slice = window.clip_to(shape)
        y, x = window.make_grid(centre)
        y, x = y[window_slice[0]], x[:, window_slice[1]]
        if not (y.size and x.size):
            continue
        # A red cell is deformed by the white cell next to it.
        gap = scale * rng.uniform(0.0, 1.5)
        field = np.maximum(outline.compute_distance(y, x), gap - distance[image_slice])
        if stain.ghost_red_cells:
            amount = _draw_ghost_cell(rng, radius, y, x, field) * strength * rng.uniform(0.5, 1.4)
        else:
            amount = (
                _draw_intact_cell(rng, depth, radius, y, x, field)
                * compute_coverage(field, 1.2)
                * rng.uniform(0.9, 1.1)
            )
        total[image_slice] += amount
        np.maximum(strongest[image_slice], amount, out=strongest[image_slice])
    amount = strongest + (0.5 if stain.ghost_red_cells else 0.16) * (total - strongest)
    return np.asarray(amount[..., None] * dyes.red_cell)


def draw_platelets(
    rng: Generator, shape: tuple[int, int], stain: Stain, dyes: DyeColors, scale: float, distance: ScalarField
) -> ScalarField:
    """Draw platelets and specks of dye; arguments and result as in :func:`draw_red_cells`."""
    density = np.zeros((*shape, 3))
    frame_size = stain.reference_size * scale
    count = int(rng.poisson(shape[0] * shape[1] / frame_size**2 * (0.55 if stain.ghost_red_cells else 0.9)))
    for i in range(count + int(rng.integers(0, 9) if rng.random() < 0.2 else 0)):
        centre = float(rng.uniform(0, shape[0])), float(rng.uniform(0, shape[1]))
        is_speck = i >= count
        radius = stain.red_cell_radius * scale * (rng.uniform(0.03, 0.07) if is_speck else rng.uniform(0.15, 0.32))
        if distance[int(centre[0]), int(centre[1])] < radius + 1.5 * scale:
            continue
        outline = Outline.make_random(rng, radius, 0.03 if is_speck else 0.16, roughness=0.5)
        window = Window.from_centre(centre, outline.max_radius + 3)
        image_slice, window_slice = window.clip_to(shape)
        y, x = window.make_grid(centre)
        field = outline.compute_distance(y, x)[window_slice]
        if not field.size:
            continue
        if is_speck:
            amount = rng.uniform(0.4, 1.1) * compute_coverage(field, 1.3)
        else:
            grains = np.clip(0.75 + 0.30 * generate_noise(rng, field.shape, max(1.0, 0.3 * radius)), 0.2, 1.4)
            body = compute_coverage(field + 0.25 * radius, max(1.5, 0.8 * radius))
            amount = rng.uniform(0.4, 0.85) * grains * body + 0.10 * compute_coverage(field - 0.1 * radius, 2 * scale)
        density[image_slice] += amount[..., None] * (0.75 * dyes.nucleus + 0.1 * dyes.cytoplasm)
    return density
