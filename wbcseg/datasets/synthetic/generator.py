"""Generate synthetic smears with exact masks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
from numpy.random import Generator

from wbcseg.datasets.base import Dataset, SampleInfo
from wbcseg.datasets.sample import Sample
from wbcseg.datasets.synthetic.background import draw_platelets, draw_red_cells
from wbcseg.datasets.synthetic.camera import photograph
from wbcseg.datasets.synthetic.cells import WhiteCell, outline_cell, shape_cell
from wbcseg.datasets.synthetic.shapes import ScalarField, generate_noise
from wbcseg.datasets.synthetic.stain_presets import STAINS, DyeColors, Stain, StainName
from wbcseg.datasets.synthetic.staining import stain_cell
from wbcseg.errors import ConfigError
from wbcseg.labels import CELL_TYPES, CellType, Labels

DATASET_NAME: Final = "synthetic"
TITLE: Final = "Synthetic smears"
SAMPLE_COUNT: Final = 60

# Fractions in the Zheng data sets, with more basophils than their 4 in 400, so that some appear.
_CELL_TYPE_FRACTIONS: Final = (0.51, 0.22, 0.155, 0.085, 0.03)
_STAIN_FRACTIONS: Final[dict[StainName, float]] = {"yellow": 0.42, "white": 0.25, "purple": 0.33}
# The first ten show every cell type and every stain.
_FIRST_TYPES: Final[tuple[CellType, ...]] = (
    *("neutrophil", "lymphocyte", "monocyte", "eosinophil", "neutrophil"),
    *("basophil", "neutrophil", "lymphocyte", "neutrophil", "monocyte"),
)
_FIRST_STAINS: Final[tuple[StainName, ...]] = ("yellow", "purple", "white", "purple", "white")
_MAX_SIDE: Final = 2048
_MIN_SIDE: Final = 32


@dataclass(frozen=True)
class _SamplePlan:
    """Choices made before anything is drawn."""

    cell_type: CellType
    stain: StainName
    size: tuple[int, int]


def _plan_sample(rng: Generator, index: int) -> _SamplePlan:
    # The number of random values is constant, so that a caller's choices change nothing else.
    draws = rng.random(5)
    cell_type = CELL_TYPES[int(np.searchsorted(np.cumsum(_CELL_TYPE_FRACTIONS)[:-1], draws[0], side="right"))]
    names = tuple(_STAIN_FRACTIONS)
    stain = names[int(np.searchsorted(np.cumsum(tuple(_STAIN_FRACTIONS.values()))[:-1], draws[1], side="right"))]
    if index < len(_FIRST_TYPES):
        cell_type, stain = _FIRST_TYPES[index], _FIRST_STAINS[index % len(_FIRST_STAINS)]
    if stain == "purple":
        size = (300, 300) if draws[2] < 0.5 else (120, 120)
    elif draws[2] < 0.25:
        size = (100 + 4 * int(5 * draws[3]), 100 + 4 * int(5 * draws[4]))
    else:
        size = (120, 120)
    return _SamplePlan(cell_type, stain, size)


def _check_integer(name: str, value: object, minimum: int, maximum: int) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or not minimum <= value <= maximum:
        raise ConfigError(
            f"Argument `{name}` of the synthetic smears must be a whole number from {minimum} to {maximum}. "
            f"Received: {value!r}"
        )


def _choose_clipped_normal(rng: Generator, mean: float, deviation: float) -> float:
    return mean + deviation * float(np.clip(rng.standard_normal(), -2, 2))


def _clamp_inside(side: int, position: float, margin: float) -> float:
    # The nearest position at which nothing crosses the image edge; the centre if there is none.
    return float(np.clip(position, min(margin, side / 2), max(side - margin, side / 2)))


def _make_main_cell(rng: Generator, shape: tuple[int, int], stain: Stain, cell_type: CellType) -> WhiteCell:
    shorter_side = min(shape)
    appearance = stain.cells[cell_type]
    radius = shorter_side * np.sqrt(_choose_clipped_normal(rng, *appearance.area_fraction) / np.pi)
    nucleus_fraction = float(np.clip(_choose_clipped_normal(rng, *appearance.nucleus_fraction), 0.22, 0.76))
    outline = outline_cell(rng, cell_type, radius, stain.irregularity)
    angle = rng.uniform(0, 2 * np.pi)
    offset = shorter_side * (rng.uniform(0.06, 0.16) if rng.random() < 0.15 else abs(rng.normal(0, 0.035)))
    row, column = (
        _clamp_inside(side, side / 2 + offset * component, outline.max_radius + 1.5)
        for side, component in zip(shape, (np.sin(angle), np.cos(angle)), strict=True)
    )
    return shape_cell(rng, cell_type, outline, (row, column), nucleus_fraction)


def _make_neighbour(
    rng: Generator, shape: tuple[int, int], stain: Stain, main: WhiteCell, main_radius: float
) -> WhiteCell | None:
    # A second white cell, cut off by the image edge. None if it would be entirely inside or outside.
    cell_type = CELL_TYPES[int(rng.choice(4, p=(0.6, 0.2, 0.12, 0.08)))]
    appearance = stain.cells[cell_type]
    radius = min(shape) * np.sqrt(appearance.area_fraction[0] / np.pi) * rng.uniform(0.9, 1.05)
    outline = outline_cell(rng, cell_type, radius, stain.irregularity)
    for _ in range(20):
        angle = rng.uniform(0, 2 * np.pi)
        offset = main_radius + outline.max_radius + rng.uniform(2, 0.12 * min(shape) + 2)
        row, column = main.centre[0] + offset * np.sin(angle), main.centre[1] + offset * np.cos(angle)
        gaps = (row, shape[0] - row, column, shape[1] - column)
        if -0.75 * radius < min(gaps) < 0.6 * radius:
            return shape_cell(rng, cell_type, outline, (float(row), float(column)), appearance.nucleus_fraction[0])
    return None


def _compute_distance(shape: tuple[int, int], cells: list[WhiteCell]) -> ScalarField:
    # Distance from the nearest white cell: exact near a cell, that from a disc outside its window.
    y = np.arange(shape[0])[:, None] + 0.5
    x = np.arange(shape[1])[None, :] + 0.5
    distance = np.full(shape, np.inf)
    for cell in cells:
        field = np.hypot(y - cell.centre[0], x - cell.centre[1]) - cell.radius
        image_slice, window_slice = cell.window.clip_to(shape)
        field[image_slice] = cell.cell[window_slice]
        np.minimum(distance, field, out=distance)
    return distance


def _draw_smear(rng: Generator, plan: _SamplePlan) -> tuple[np.ndarray[tuple[int, ...], np.dtype[np.uint8]], Labels]:
    stain, shape = STAINS[plan.stain], plan.size
    scale = min(shape) / stain.reference_size
    dyes = DyeColors.make_random(rng, stain, plan.cell_type)
    main = _make_main_cell(rng, shape, stain, plan.cell_type)
    cells = [main]
    if rng.random() < 0.10:
        neighbour = _make_neighbour(rng, shape, stain, main, float(np.sqrt(main.window.height * main.window.width)) / 2)
        cells += [neighbour] if neighbour else []
    distance = _compute_distance(shape, cells)

    density = np.zeros((*shape, 3))
    # Plasma is never quite empty; burst red cells leave patches.
    texture = 0.5 * generate_noise(rng, shape, 7 * scale) + 0.5 * generate_noise(rng, shape, 2.2 * scale)
    patches = np.clip(0.6 + 0.7 * generate_noise(rng, shape, 22 * scale), 0.15, 2.0)
    strength = (0.024 if stain.ghost_red_cells else 0.004) * rng.uniform(0.2, 1.6)
    density += (strength * patches * texture)[..., None] * rng.uniform((0.4, 0.8, 0.4), (0.8, 1.2, 1.2))
    density += draw_red_cells(rng, shape, stain, dyes, scale, distance)
    density += draw_platelets(rng, shape, stain, dyes, scale, distance)
    for cell in reversed(cells):
        image_slice, window_slice = cell.window.clip_to(shape)
        cell_coverage, cell_density = stain_cell(rng, stain, dyes, cell)
        density[image_slice] = (
            density[image_slice] * (1 - cell_coverage[window_slice][..., None]) + cell_density[window_slice]
        )
    labels = np.zeros(shape, dtype=np.uint8)
    image_slice, window_slice = main.window.clip_to(shape)
    labels[image_slice] = main.labels[window_slice]
    return photograph(rng, stain, dyes, density, scale), labels


def draw_sample(
    seed: int,
    index: int,
    *,
    size: tuple[int, int] | None = None,
    cell_type: CellType | None = None,
    stain: StainName | None = None,
) -> Sample:
    """Generate one synthetic image with its exact mask.

    The result depends only on the arguments: the same call gives the same pixels.

    Args:
        seed: Random seed of the data set, at least 0.
        index: Index of the sample in its data set, from 0.
        size: Height and width in pixels, 32 to 2048 each; random (100 to 120, or 300) if ``None``.
        cell_type: Type of the main white cell; random if ``None``.
        stain: ``"yellow"`` or ``"white"`` as in Zheng Dataset 1, ``"purple"`` as in Dataset 2; random if ``None``.

    Returns:
        The sample, with the id ``synthetic/<index + 1>``.

    Raises:
        ConfigError: If an argument is out of its range.
    """
    _check_integer("seed", seed, 0, 2**32 - 1)
    _check_integer("index", index, 0, 2**32 - 1)
    if size is not None:
        if not isinstance(size, tuple) or len(size) != 2:
            raise ConfigError(f"Argument `size` of a synthetic sample must be a height and a width. Received: {size!r}")
        for side in size:
            _check_integer("size", side, _MIN_SIDE, _MAX_SIDE)
    if cell_type is not None and cell_type not in CELL_TYPES:
        raise ConfigError(f"Argument `cell_type` must be one of {', '.join(CELL_TYPES)}. Received: {cell_type!r}")
    if stain is not None and stain not in STAINS:
        raise ConfigError(f"Argument `stain` must be one of {', '.join(STAINS)}. Received: {stain!r}")
    rng = np.random.default_rng([seed, index])
    default_plan = _plan_sample(rng, index)
    plan = _SamplePlan(cell_type or default_plan.cell_type, stain or default_plan.stain, size or default_plan.size)
    image, labels = _draw_smear(rng, plan)
    return Sample(
        id=f"{DATASET_NAME}/{index + 1:03d}",
        image=image,
        mask=labels,
        cell_type=plan.cell_type,
        source=f"Synthetic (seed {seed}, number {index + 1})",
    )


def open_synthetic(count: int = SAMPLE_COUNT, seed: int = 2) -> Dataset:
    """Open the synthetic data set; a sample is generated when it is read.

    Args:
        count: Number of samples, 1 to 100,000.
        seed: Random seed, at least 0.

    Raises:
        ConfigError: If an argument is out of its range.
    """
    _check_integer("count", count, 1, 100_000)
    _check_integer("seed", seed, 0, 2**32 - 1)
    infos = []
    for index in range(count):
        plan = _plan_sample(np.random.default_rng([seed, index]), index)
        infos.append(
            SampleInfo(f"{DATASET_NAME}/{index + 1:03d}", plan.cell_type, plan.size, partial(draw_sample, seed, index))
        )
    return Dataset(
        DATASET_NAME,
        TITLE,
        infos,
        origin=f"Generated by this program from seed {seed}. Synthetic images with exact masks: they show no patient.",
    )
