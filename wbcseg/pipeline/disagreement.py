"""Find where models disagree on a cell by more than the usual."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from wbcseg.inference import BBox
from wbcseg.inference.postprocess import keep_main_cell
from wbcseg.labels import BACKGROUND, NUCLEUS, Labels
from wbcseg.metrics import CELL, score
from wbcseg.results import CellResult
from wbcseg.visualization import Outline, trace_outlines

USUAL_DICE: Final = {"nucleus": 0.95, CELL: 0.93}
"""Dice between two general models that 19 of 20 results exceed; measured by ``benchmarks/model_agreement.py``."""

MIN_WIDTH: Final = 0.04
"""Narrower strips are not marked, as a fraction of the cell's diameter: outlines always differ a bit."""


@dataclass(frozen=True, eq=False)
class Disagreement:
    """Where models disagree on the cells of an image.

    Attributes:
        regions: On what: ``"nucleus"``, ``"cell"`` or both; keys of :data:`USUAL_DICE`.
        dice: The lowest Dice between two models by region, of the regions above.
        models: The two models that agree least, by name.
        cell_count: On how many cells.
        is_field_of_view: Whether the image is a field of view.
        outlines: Where, in pixels of the image.
    """

    regions: tuple[str, ...]
    dice: Mapping[str, float]
    models: tuple[str, str]
    cell_count: int
    is_field_of_view: bool
    outlines: tuple[Outline, ...]


@dataclass(frozen=True, eq=False)
class _Pair:
    """How two models agree on one cell; ``first`` and ``second`` hold the cell alone in its crop."""

    models: tuple[str, str]
    offset: tuple[int, int]
    first: Labels
    second: Labels
    dice: Mapping[str, float]

    @property
    def regions(self) -> tuple[str, ...]:
        return tuple(region for region, usual in USUAL_DICE.items() if self.dice[region] < usual)

    def trace(self) -> list[Outline]:
        """Return outlines of the pixels on which the models disagree, or of the cell where these are all narrow."""
        differs = np.zeros(self.first.shape, np.bool_)
        for region in self.regions:
            differs |= _select_region(self.first, region) ^ _select_region(self.second, region)
        is_cell = (self.first != BACKGROUND.id) | (self.second != BACKGROUND.id)
        return trace_outlines(_drop_narrow(differs, is_cell), self.offset)


def find_disagreement(cells_by_model: Mapping[str, Sequence[CellResult]]) -> Disagreement | None:
    """Return where models disagree by more than the usual, or ``None`` if they do not.

    Models of which some take the image for a crop and others for a field of view are not compared.

    Args:
        cells_by_model: The cells of one image, by model, with pixels in memory.
    """
    # A crop always has one result; a field of view may have none.
    kinds = {not cells or cells[0].cell_index > 0 for cells in cells_by_model.values()}
    if len(kinds) != 1:
        return None
    is_field = kinds.pop()
    compare = _compare_field if is_field else _compare_crop
    pairs = [
        pair
        for names in itertools.combinations(cells_by_model, 2)
        for pair in compare((names[0], names[1]), cells_by_model)
        if pair.regions
    ]
    if not pairs:
        return None
    worst = min(pairs, key=lambda pair: min(pair.dice[region] for region in pair.regions))
    dice = {
        region: min(pair.dice[region] for pair in pairs if region in pair.regions)
        for region in USUAL_DICE
        if any(region in pair.regions for pair in pairs)
    }
    places = _drop_duplicates(pairs) if is_field else pairs
    outlines = tuple(outline for pair in places for outline in pair.trace())
    return Disagreement(tuple(dice), dice, worst.models, len(places) if is_field else 1, is_field, outlines)


def _compare_crop(models: tuple[str, str], cells_by_model: Mapping[str, Sequence[CellResult]]) -> Iterator[_Pair]:
    """Yield how two models agree on the main cell of a crop."""
    first, second = (cells_by_model[name][0].load()[1] for name in models)
    yield _Pair(models, (0, 0), first, second, _score(first, second))


def _compare_field(models: tuple[str, str], cells_by_model: Mapping[str, Sequence[CellResult]]) -> Iterator[_Pair]:
    """Yield how two models agree on each cell that either of them found in a field of view."""
    sizes = [cell.image_size for name in models for cell in cells_by_model[name]]
    labels_by_model = {name: _paint_cells(cells_by_model[name], sizes[0]) for name in models} if sizes else {}
    for own, other in (models, models[::-1]):
        for cell in cells_by_model[own]:
            bbox, cell_labels = _get_bbox(cell), cell.load()[1]
            # Which of two touching cells a pixel belongs to is not compared.
            is_free = (cell_labels != BACKGROUND.id) | (labels_by_model[own][bbox.slices] == BACKGROUND.id)
            second = keep_main_cell(np.where(is_free, labels_by_model[other][bbox.slices], np.uint8(BACKGROUND.id)))
            yield _Pair(models, (bbox.left, bbox.top), cell_labels, second, _score(cell_labels, second))


def _paint_cells(cells: Sequence[CellResult], size: tuple[int, int]) -> Labels:
    """Return the class ids of a field of view, ``uint8[H, W]``."""
    labels = np.zeros(size, np.uint8)
    for cell in cells:
        part, cell_labels = labels[_get_bbox(cell).slices], cell.load()[1]
        part[cell_labels != BACKGROUND.id] = cell_labels[cell_labels != BACKGROUND.id]
    return labels


def _get_bbox(cell: CellResult) -> BBox:
    (left, top), (height, width) = cell.offset or (0, 0), cell.load()[1].shape
    return BBox(top, left, top + height, left + width)


def _score(first: Labels, second: Labels) -> dict[str, float]:
    """Return the Dice by region; 1 where neither model found the region."""
    dice = score(first, second).dice
    return {region: 1.0 if math.isnan(dice[region]) else dice[region] for region in USUAL_DICE}


def _select_region(labels: Labels, region: str) -> NDArray[np.bool_]:
    return np.asarray(labels != BACKGROUND.id if region == CELL else labels == NUCLEUS.id, np.bool_)


def _drop_narrow(differs: NDArray[np.bool_], is_cell: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the wide parts of a region or, if it has none, the cell."""
    # Imported here, so that listing models does not wait for it.
    from scipy import ndimage

    diameter = 2.0 * math.sqrt(float(is_cell.sum()) / math.pi)
    width = max(1, round(MIN_WIDTH * diameter))
    wide: NDArray[np.bool_] = ndimage.binary_opening(differs, np.ones((width, width), np.bool_))
    return wide if wide.any() else is_cell


def _drop_duplicates(pairs: Sequence[_Pair]) -> list[_Pair]:
    """Return pairs of different cells: a cell may be found by several models."""
    kept: list[tuple[BBox, _Pair]] = []
    for pair in pairs:
        (left, top), (rows, columns) = pair.offset, np.nonzero(pair.first != BACKGROUND.id)
        bbox = BBox(int(top + rows.min()), int(left + columns.min()), int(top + rows.max()), int(left + columns.max()))
        middle_x, middle_y = (bbox.left + bbox.right) / 2, (bbox.top + bbox.bottom) / 2
        if not any(b.left <= middle_x <= b.right and b.top <= middle_y <= b.bottom for b, _ in kept):
            kept.append((bbox, pair))
    return [pair for _, pair in kept]
