"""The data set ``synthetic``: drawn smears with exact masks."""

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

# Shares in the Zheng sets, with more basophils than their 4 in 400, so that there is something to see.
_CELL_TYPE_FRACTIONS: Final = (0.51, 0.22, 0.155, 0.085, 0.03)
_STAIN_FRACTIONS: Final[dict[StainName, float]] = {"yellow": 0.42, "white": 0.25, "purple": 0.33}
# The first ten show everything: whoever opens the set sees each type and each stain at once.
_FIRST_TYPES: Final[tuple[CellType, ...]] = (
    *("neutrophil", "lymphocyte", "monocyte", "eosinophil", "neutrophil"),
    *("basophil", "neutrophil", "lymphocyte", "neutrophil", "monocyte"),
)
_FIRST_STAINS: Final[tuple[StainName, ...]] = ("yellow", "purple", "white", "purple", "white")
_MAX_SIDE: Final = 2048
_MIN_SIDE: Final = 32


@dataclass(frozen=True)
class _SamplePlan:
    """What is decided before anything is drawn."""

    cell_type: CellType
    stain: StainName
    size: tuple[int, int]


def _plan_sample(rng: Generator, index: int) -> _SamplePlan:
    # The draws are the same in number whatever they come to, so that a caller's own choices change nothing else.
    chance = rng.random(5)
    cell_type = CELL_TYPES[int(np.searchsorted(np.cumsum(_CELL_TYPE_FRACTIONS)[:-1], chance[0], side="right"))]
    names = tuple(_STAIN_FRACTIONS)
    stain = names[int(np.searchsorted(np.cumsum(tuple(_STAIN_FRACTIONS.values()))[:-1], chance[1], side="right"))]
    if index < len(_FIRST_TYPES):
        cell_type, stain = _FIRST_TYPES[index], _FIRST_STAINS[index % len(_FIRST_STAINS)]
    if stain == "purple":
        size = (300, 300) if chance[2] < 0.5 else (120, 120)
    elif chance[2] < 0.25:
        size = (100 + 4 * int(5 * chance[3]), 100 + 4 * int(5 * chance[4]))
    else:
        size = (120, 120)
    return _SamplePlan(cell_type, stain, size)


def _check_integer(name: str, value: object, low: int, high: int) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or not low <= value <= high:
        raise ConfigError(
            f"Argument `{name}` of the drawn smears must be a whole number from {low} to {high}. Received: {value!r}"
        )


def _choose_clipped_normal(rng: Generator, mean: float, deviation: float) -> float:
    return mean + deviation * float(np.clip(rng.standard_normal(), -2, 2))


def _clamp_inside(side: int, place: float, reach: float) -> float:
    # The nearest place from which nothing reaches over the border; the middle where there is none.
    return float(np.clip(place, min(reach, side / 2), max(side - reach, side / 2)))


def _make_main_cell(rng: Generator, shape: tuple[int, int], stain: Stain, cell_type: CellType) -> WhiteCell:
    frame = min(shape)
    look = stain.cells[cell_type]
    radius = frame * np.sqrt(_choose_clipped_normal(rng, *look.area_fraction) / np.pi)
    share = float(np.clip(_choose_clipped_normal(rng, *look.nucleus_fraction), 0.22, 0.76))
    outline = outline_cell(rng, cell_type, radius, stain.irregularity)
    angle = rng.uniform(0, 2 * np.pi)
    away = frame * (rng.uniform(0.06, 0.16) if rng.random() < 0.15 else abs(rng.normal(0, 0.035)))
    row, column = (
        _clamp_inside(side, side / 2 + away * turn, outline.max_radius + 1.5)
        for side, turn in zip(shape, (np.sin(angle), np.cos(angle)), strict=True)
    )
    return shape_cell(rng, cell_type, outline, (row, column), share)


def _make_neighbour(
    rng: Generator, shape: tuple[int, int], stain: Stain, main: WhiteCell, reach: float
) -> WhiteCell | None:
    # A second white cell that the border cuts. None where it would be wholly inside or wholly outside.
    cell_type = CELL_TYPES[int(rng.choice(4, p=(0.6, 0.2, 0.12, 0.08)))]
    look = stain.cells[cell_type]
    radius = min(shape) * np.sqrt(look.area_fraction[0] / np.pi) * rng.uniform(0.9, 1.05)
    outline = outline_cell(rng, cell_type, radius, stain.irregularity)
    for _ in range(20):
        angle = rng.uniform(0, 2 * np.pi)
        away = reach + outline.max_radius + rng.uniform(2, 0.12 * min(shape) + 2)
        row, column = main.centre[0] + away * np.sin(angle), main.centre[1] + away * np.cos(angle)
        gaps = (row, shape[0] - row, column, shape[1] - column)
        if -0.75 * radius < min(gaps) < 0.6 * radius:
            return shape_cell(rng, cell_type, outline, (float(row), float(column)), look.nucleus_fraction[0])
    return None


def _compute_distance(shape: tuple[int, int], cells: list[WhiteCell]) -> ScalarField:
    # From the nearest white cell, over the whole picture: exact near a cell, that of a disc beyond its window.
    y = np.arange(shape[0])[:, None] + 0.5
    x = np.arange(shape[1])[None, :] + 0.5
    distance = np.full(shape, np.inf)
    for cell in cells:
        field = np.hypot(y - cell.centre[0], x - cell.centre[1]) - cell.radius
        there, part = cell.window.clip_to(shape)
        field[there] = cell.cell[part]
        np.minimum(distance, field, out=distance)
    return distance


def _draw_smear(rng: Generator, plan: _SamplePlan) -> tuple[np.ndarray[tuple[int, ...], np.dtype[np.uint8]], Labels]:
    stain, shape = STAINS[plan.stain], plan.size
    unit = min(shape) / stain.reference_size
    dyes = DyeColors.make_random(rng, stain, plan.cell_type)
    main = _make_main_cell(rng, shape, stain, plan.cell_type)
    cells = [main]
    if rng.random() < 0.10:
        neighbour = _make_neighbour(rng, shape, stain, main, float(np.sqrt(main.window.height * main.window.width)) / 2)
        cells += [neighbour] if neighbour else []
    distance = _compute_distance(shape, cells)

    density = np.zeros((*shape, 3))
    # Plasma is never quite empty; where red cells have burst, their remains lie in patches.
    mottle = 0.5 * generate_noise(rng, shape, 7 * unit) + 0.5 * generate_noise(rng, shape, 2.2 * unit)
    patches = np.clip(0.6 + 0.7 * generate_noise(rng, shape, 22 * unit), 0.15, 2.0)
    strength = (0.024 if stain.ghost_red_cells else 0.004) * rng.uniform(0.2, 1.6)
    density += (strength * patches * mottle)[..., None] * rng.uniform((0.4, 0.8, 0.4), (0.8, 1.2, 1.2))
    density += draw_red_cells(rng, shape, stain, dyes, unit, distance)
    density += draw_platelets(rng, shape, stain, dyes, unit, distance)
    for cell in reversed(cells):
        there, part = cell.window.clip_to(shape)
        whole, own = stain_cell(rng, stain, dyes, cell)
        density[there] = density[there] * (1 - whole[part][..., None]) + own[part]
    labels = np.zeros(shape, dtype=np.uint8)
    there, part = main.window.clip_to(shape)
    labels[there] = main.labels[part]
    return photograph(rng, stain, dyes, density, unit), labels


def draw_sample(
    seed: int,
    index: int,
    *,
    size: tuple[int, int] | None = None,
    cell_type: CellType | None = None,
    stain: StainName | None = None,
) -> Sample:
    """Draw one smear crop with its exact mask.

    What is drawn depends on the arguments only: the same call gives the same pixels.

    Args:
        seed: From 0 up. Another seed gives another set.
        index: Number of the sample in its set, from 0.
        size: Height and width in pixels, 32 to 2048 each; ``None`` leaves it to the seed (100 to 120, or 300).
        cell_type: Type of the white cell in the middle; ``None`` leaves it to the seed.
        stain: Look of the smear: ``"yellow"`` or ``"white"`` as in Zheng Dataset 1, ``"purple"`` as in Dataset 2;
            ``None`` leaves it to the seed.

    Returns:
        The sample, with the id ``synthetic/<index + 1>``.

    Raises:
        ConfigError: If an argument is out of its range.
    """
    _check_integer("seed", seed, 0, 2**32 - 1)
    _check_integer("index", index, 0, 2**32 - 1)
    if size is not None:
        if not isinstance(size, tuple) or len(size) != 2:
            raise ConfigError(f"Argument `size` of a drawn sample must be a height and a width. Received: {size!r}")
        for side in size:
            _check_integer("size", side, _MIN_SIDE, _MAX_SIDE)
    if cell_type is not None and cell_type not in CELL_TYPES:
        raise ConfigError(f"Argument `cell_type` must be one of {', '.join(CELL_TYPES)}. Received: {cell_type!r}")
    if stain is not None and stain not in STAINS:
        raise ConfigError(f"Argument `stain` must be one of {', '.join(STAINS)}. Received: {stain!r}")
    rng = np.random.default_rng([seed, index])
    chosen = _plan_sample(rng, index)
    plan = _SamplePlan(cell_type or chosen.cell_type, stain or chosen.stain, size or chosen.size)
    image, labels = _draw_smear(rng, plan)
    return Sample(
        id=f"{DATASET_NAME}/{index + 1:03d}",
        image=image,
        mask=labels,
        cell_type=plan.cell_type,
        source=f"Drawn by the program (seed {seed}, number {index + 1})",
    )


def open_synthetic(count: int = 60, seed: int = 2) -> Dataset:
    """Open the drawn data set; a sample is drawn when it is read.

    Args:
        count: Number of samples, 1 to 100,000.
        seed: From 0 up.

    Raises:
        ConfigError: If an argument is out of its range.
    """
    _check_integer("count", count, 1, 100_000)
    _check_integer("seed", seed, 0, 2**32 - 1)
    entries = []
    for index in range(count):
        plan = _plan_sample(np.random.default_rng([seed, index]), index)
        entries.append(
            SampleInfo(f"{DATASET_NAME}/{index + 1:03d}", plan.cell_type, plan.size, partial(draw_sample, seed, index))
        )
    return Dataset(
        DATASET_NAME,
        "Drawn smears",
        entries,
        origin=f"Drawn by the program from seed {seed}. They look like smears and are none: no patient, exact masks.",
    )
