"""Stain a white cell: chromatin, granules, vacuoles and membrane as optical densities."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from wbcseg.datasets.synthetic.cells import WhiteCell
from wbcseg.datasets.synthetic.shapes import ScalarField, compute_coverage, draw_dots, generate_noise
from wbcseg.datasets.synthetic.stain_presets import DyeColors, Stain


def _generate_cell_noise(rng: Generator, cell: WhiteCell, spacing: float) -> ScalarField:
    # Noise whose spacing is a fraction of the cell's radius.
    return generate_noise(rng, cell.cell.shape, spacing * cell.radius)


def _draw_granules(rng: Generator, cell: WhiteCell, spacing: float, size: float, region: ScalarField) -> ScalarField:
    # Dots on a jittered hexagonal grid, where the field `region` is negative; spacing and size in pixels.
    height, width = cell.cell.shape
    grid = np.stack(np.meshgrid(np.arange(0, height, 0.87 * spacing), np.arange(0, width, spacing), indexing="ij"), -1)
    grid[1::2, :, 1] += spacing / 2
    positions = (grid + rng.normal(0, 0.20 * spacing, grid.shape)).reshape(-1, 2)
    radii = size * rng.uniform(0.75, 1.25, len(positions))
    strengths = rng.uniform(0.65, 1.0, len(positions))
    rows = np.clip(positions[:, 0].astype(np.intp), 0, height - 1)
    columns = np.clip(positions[:, 1].astype(np.intp), 0, width - 1)
    inside = region[rows, columns] < 0
    return draw_dots(
        (height, width), positions[inside], radii[inside], strengths[inside], softness=max(1.0, 0.6 * size)
    )


def _draw_sparse_dots(rng: Generator, cell: WhiteCell, count: int, sizes: tuple[float, float]) -> ScalarField:
    # Random dots in the cytoplasm; sizes are fractions of the cell's radius.
    rows, columns = np.nonzero(cell.labels == 1)
    if not rows.size or not count:
        return np.zeros(cell.cell.shape)
    indices = rng.integers(0, rows.size, count)
    positions = np.stack([rows[indices], columns[indices]], axis=1) + rng.uniform(0, 1, (count, 2))
    radii = cell.radius * rng.uniform(*sizes, count)
    return draw_dots(
        cell.cell.shape, positions, radii, rng.uniform(0.5, 1.0, count), softness=max(1.2, 0.03 * cell.radius)
    )


def _texture_cytoplasm(rng: Generator, cell: WhiteCell, fine: bool) -> ScalarField:
    # Amount of cytoplasm dye, about 1 on average.
    depth = np.clip(-cell.cell / cell.radius, 0, 1)
    cloudiness = 0.16 * _generate_cell_noise(rng, cell, 0.30)
    if cell.cell_type == "neutrophil":
        amount = (
            1
            + cloudiness
            + (0.38 if fine else 0.26) * _generate_cell_noise(rng, cell, 0.026 if fine else 0.06)
            + 0.14 * _generate_cell_noise(rng, cell, 0.11)
        )
        amount += 0.55 * _draw_sparse_dots(rng, cell, int(rng.integers(0, 60 if fine else 12)), (0.012, 0.028))
    elif cell.cell_type == "lymphocyte":
        halo = np.exp(-np.maximum(cell.nucleus, 0) / (0.10 * cell.radius))
        amount = (
            1 + cloudiness + 0.20 * _generate_cell_noise(rng, cell, 0.06) - 0.22 * halo + 0.25 * np.exp(-depth / 0.08)
        )
        amount += 0.6 * _draw_sparse_dots(rng, cell, int(rng.integers(0, 6)), (0.015, 0.03))
    elif cell.cell_type == "monocyte":
        amount = (
            1
            + cloudiness
            + 0.26 * _generate_cell_noise(rng, cell, 0.032)
            + 0.14 * _generate_cell_noise(rng, cell, 0.10)
        )
        amount *= 1 - 0.75 * _draw_sparse_dots(rng, cell, int(rng.integers(0, 14 if fine else 5)), (0.02, 0.075))
        amount += 0.4 * _draw_sparse_dots(rng, cell, int(rng.integers(0, 25 if fine else 4)), (0.010, 0.018))
    elif cell.cell_type == "eosinophil":
        size = cell.radius * rng.uniform(0.045, 0.06)
        grain = _draw_granules(rng, cell, 1.95 * size, size, np.maximum(cell.cell + size, -cell.nucleus - 0.3 * size))
        granule_free = np.clip(0.8 * _generate_cell_noise(rng, cell, 0.30) - 0.6, 0, 1)
        if fine:
            amount = (
                0.30
                + 1.1 * grain * (1 - granule_free)
                + 0.12 * _generate_cell_noise(rng, cell, 0.05)
                + 0.5 * cloudiness
            )
        else:
            amount = (
                0.65
                + 0.6 * grain * (1 - granule_free)
                + 0.30 * _generate_cell_noise(rng, cell, 0.10)
                + 0.9 * cloudiness
            )
    else:
        amount = 0.65 + cloudiness + 0.15 * _generate_cell_noise(rng, cell, 0.05)
    if not fine:
        # Cells that are not flattened are thicker on one side.
        y, x = cell.window.make_grid(cell.centre)
        slope = rng.uniform(0.15, 0.65) if cell.cell_type == "lymphocyte" else rng.uniform(0.0, 0.25)
        angle = rng.uniform(0, 2 * np.pi)
        amount *= 1 + slope * (np.sin(angle) * y + np.cos(angle) * x) / cell.radius
    return np.clip(amount, 0.08, 2.5)


def _texture_chromatin(rng: Generator, cell: WhiteCell, fine: bool) -> ScalarField:
    # Amount of nucleus dye, about 1 on average: clumps, lighter gaps between them, a darker membrane.
    clumps = _generate_cell_noise(rng, cell, 0.16)
    amount = 1 + 0.11 * clumps + 0.10 * _generate_cell_noise(rng, cell, 0.06)
    membrane = np.exp(-np.clip(-cell.nucleus, 0, None) / (0.05 * cell.radius))
    if not fine:
        amount += 0.12 * membrane + 0.10 * _generate_cell_noise(rng, cell, 0.35)
    elif cell.cell_type == "monocyte":
        network = 0.9 * np.abs(_generate_cell_noise(rng, cell, 0.035)) + 0.3 * np.abs(
            _generate_cell_noise(rng, cell, 0.09)
        )
        amount += 0.36 * (network - 0.95) + 0.20 * membrane
    elif cell.cell_type == "lymphocyte":
        amount += 0.24 * _generate_cell_noise(rng, cell, 0.025) + 0.15 * membrane
    else:
        depth = 0.55 if cell.cell_type == "neutrophil" else 0.3
        gap = np.exp(-((_generate_cell_noise(rng, cell, 0.085) / 0.20) ** 2)) * np.clip(
            0.4 + 0.5 * _generate_cell_noise(rng, cell, 0.3), 0, 1
        )
        amount += 0.19 * _generate_cell_noise(rng, cell, 0.025) - depth * gap * (1 - membrane) + 0.08 * membrane
    return np.clip(amount, 0.25, 2.0)


def _draw_rim(rng: Generator, stain: Stain, cell: WhiteCell) -> ScalarField:
    # The dark line of the outline: all around, or on one side in oblique light.
    if cell.cell_type == "eosinophil" and stain.ghost_red_cells:
        strength = rng.uniform(0.4, 1.6)
    elif stain.ghost_red_cells:
        strength = rng.uniform(0.0, 0.45)
    else:
        strength = rng.uniform(0.0, 0.4) * (1.6 if cell.cell_type == "lymphocyte" else 0.5)
    y, x = cell.window.make_grid(cell.centre)
    angle = np.arctan2(y, x) - rng.uniform(0, 2 * np.pi)
    asymmetry = rng.uniform(0.3, 1.0)
    side = 1 - asymmetry * (0.5 - 0.5 * np.cos(angle))
    patches = np.clip(0.8 + (0.35 if stain.ghost_red_cells else 0.7) * _generate_cell_noise(rng, cell, 0.3), 0, 1.6)
    width = max(1.0, 0.022 * cell.radius)
    return np.asarray(strength * side * patches * np.exp(-(((cell.cell + width) / width) ** 2)))


def stain_cell(rng: Generator, stain: Stain, dyes: DyeColors, cell: WhiteCell) -> tuple[ScalarField, ScalarField]:
    """Stain a white cell.

    Args:
        rng: Random generator.
        stain: The stain.
        dyes: The colours of the image.
        cell: Its shape.

    Returns:
        The cell's coverage of each pixel, ``float64[h, w]``, 0 to 1, and its optical densities, ``float64[h, w, 3]``,
        both in the window of the cell.
    """
    fine = not stain.ghost_red_cells
    # Cytoplasm gets thinner towards its edge, most in flattened cells.
    max_edge_width = 0.13 if cell.cell_type in ("neutrophil", "monocyte") or not fine else 0.05
    cell_coverage = compute_coverage(cell.cell, max(1.0, cell.radius * rng.uniform(0.01, max_edge_width)))
    nucleus_coverage = compute_coverage(cell.nucleus)
    cytoplasm_coverage = np.maximum(cell_coverage - nucleus_coverage, 0)
    amount, chromatin = _texture_cytoplasm(rng, cell, fine), _texture_chromatin(rng, cell, fine)
    for texture, class_id in ((amount, 1), (chromatin, 2)):
        inside = cell.labels == class_id
        if cell.cell_type != "basophil" and inside.any():
            texture /= texture[inside].mean()
    density = (cytoplasm_coverage * amount)[..., None] * dyes.cytoplasm + (nucleus_coverage * chromatin)[
        ..., None
    ] * dyes.nucleus
    # Dyes never mix evenly: some regions are bluer, some redder.
    hue = 0.5 * _generate_cell_noise(rng, cell, 0.09) + 0.5 * _generate_cell_noise(rng, cell, 0.30)
    density += ((0.006 if fine else 0.018) * (cytoplasm_coverage + nucleus_coverage) * hue)[..., None] * np.array(
        [1.0, 0.0, -0.7]
    )
    if cell.cell_type == "basophil":
        size = cell.radius * rng.uniform(0.05, 0.075)
        gaps = np.clip(_generate_cell_noise(rng, cell, 0.15) + 0.35, -1, 1) * cell.radius
        grain = _draw_granules(rng, cell, 2.2 * size, size, np.maximum(cell.cell + size, gaps - 0.9 * cell.radius))
        grain = 0.9 * grain[..., None]
        density = density * (1 - grain) + grain * (1.12 * dyes.nucleus)
    blue = np.array([1.0, 0.55, 0.75]) * dyes.nucleus
    density += _draw_rim(rng, stain, cell)[..., None] * blue
    return cell_coverage, density
