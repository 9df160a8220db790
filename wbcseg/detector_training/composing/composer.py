"""Compose fields without end."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Final

import numpy as np

from wbcseg.detector_training.composing.artefacts import add_artefacts, add_overlying_red_cells, add_pale_cytoplasm
from wbcseg.detector_training.composing.backgrounds import compose_background
from wbcseg.detector_training.composing.camera import photograph
from wbcseg.detector_training.composing.canvas import Canvas, LaidCell
from wbcseg.detector_training.composing.cells import draw_cell
from wbcseg.detector_training.composing.field import Boxes, ComposedField
from wbcseg.detector_training.composing.mosaics import compose_mosaic
from wbcseg.detector_training.composing.placement import Placement, place_at_overlap, place_cells
from wbcseg.detector_training.composing.stains import Laboratory
from wbcseg.detector_training.composing.truth import Truth, finish_field
from wbcseg.detector_training.library.arrays import Library
from wbcseg.errors import ConfigError

MIN_DIAMETER: Final = 13.0
MAX_DIAMETER: Final = 115.0
"""Diameters of the cells of training fields, in pixels."""

REALISTIC_SEVERITY: Final = 0.35
"""Severity of the fields that tests are made of: unlike each other, but as a microscope may show them."""

MOSAIC_SHARE: Final = 0.24
EMPTY_SHARE: Final = 0.14
"""Shares of training fields that are mosaics, and that have no white cell."""

MIN_MOSAIC_DIAMETER: Final = 18.0


class Composer:
    """Composes fields.

    Args:
        library: The material.
        seed: Seed of the random generator.
        side: Side of the fields in pixels.
        diameters: Smallest and largest diameter of the cells in pixels.
        severity: How extreme stain, light and camera are, 0 to 1. Mosaics, whose seams no microscope shows, are
            composed above 0.5 only.

    Raises:
        ConfigError: If the severity is not 0 to 1.
    """

    def __init__(
        self,
        library: Library,
        seed: int,
        *,
        side: int = 192,
        diameters: tuple[float, float] = (MIN_DIAMETER, MAX_DIAMETER),
        severity: float = 1.0,
    ) -> None:
        if not 0.0 <= severity <= 1.0:
            raise ConfigError(f"The severity of composed fields must be from 0 to 1. Received: {severity}")
        self._library = library
        self._rng = np.random.default_rng(seed)
        self._side, self._diameters, self._severity = side, diameters, severity

    def __iter__(self) -> Iterator[ComposedField]:
        while True:
            yield self.compose()

    def compose(self) -> ComposedField:
        """Compose the next field."""
        choice = self._rng.random()
        if choice < MOSAIC_SHARE * max(0.0, 2 * self._severity - 1):
            return self._compose_mosaic()
        return self._compose_smear(is_empty=choice > 1 - EMPTY_SHARE)

    def compose_touching(
        self, count: int, overlap: float, *, exact_only: bool = True, max_shift: float = 0.0
    ) -> ComposedField:
        """Compose a field with one cluster of cells that overlap by a share of their area.

        Args:
            count: Number of cells, 2 or more; each overlaps the one before.
            overlap: Shared area of two neighbours, relative to the smaller one's area, 0 to 1.
            exact_only: Whether to take only cells whose outline is an expert's or exact.
            max_shift: How far the cluster may lie from the middle of the field, relative to its side.
        """
        rng, side = self._rng, self._side
        low, high = np.log(self._diameters)
        diameter = float(np.exp(rng.uniform(low, min(high, np.log(side / (count + 1))))))
        laboratory = Laboratory.draw(rng, self._severity)
        canvas, kind = self._start(laboratory, diameter, amount=0.5)
        truth, laid_counts = Truth(), {}
        cells = [
            draw_cell(
                rng, self._library, laboratory, diameter * float(np.exp(rng.normal(0, 0.08))), exact_only=exact_only
            )
            for _ in range(count)
        ]
        places = [(side / 2, side / 2)]
        angle = rng.uniform(0, 2 * np.pi)
        for previous, cell in itertools.pairwise(cells):
            places.append(place_at_overlap(previous, *places[-1], cell, angle, overlap))
            angle += rng.uniform(-0.9, 0.9)
        shift = np.array([side / 2, side / 2]) - np.mean(places, axis=0)
        if max_shift:
            shift = shift + rng.uniform(-max_shift * side, max_shift * side, 2)
        for cell_id, (cell, place) in enumerate(zip(cells, places, strict=True), start=1):
            y, x = (np.array(place) + shift).tolist()
            laid = canvas.lay_cell(cell, y, x, cell_id)
            laid_counts[cell_id] = int((canvas.instances == cell_id).sum())
            if laid is not None and truth.add(cell_id, laid, is_exact=cell.has_exact_outline) and cell_id > 1:
                truth.pairs.append((cell_id - 1, cell_id))
        return self._finish(canvas, laboratory, truth, laid_counts, diameter, f"touching, {kind}")

    def _compose_smear(self, *, is_empty: bool) -> ComposedField:
        rng, side = self._rng, self._side
        diameter = float(np.exp(rng.uniform(*np.log(self._diameters))))
        laboratory = Laboratory.draw(rng, self._severity)
        canvas, kind = self._start(laboratory, diameter, amount=None, is_empty=is_empty)
        max_count = max(1.0, 0.35 * (side / diameter) ** 2)
        count = 0 if is_empty else 1 + int(rng.exponential(min(max_count, 4.0) / 2))
        truth, laid_counts = Truth(), {}
        for index, place in enumerate(place_cells(rng, side, diameter, min(count, int(max_count) + 1))):
            cell_id = index + 1
            laid, is_exact = self._lay_cell(canvas, laboratory, place, cell_id)
            laid_counts[cell_id] = int((canvas.instances == cell_id).sum())
            if laid is None or not truth.add(cell_id, laid, is_exact=is_exact):
                continue
            if place.partner is not None and place.partner + 1 in truth.boxes:
                truth.pairs.append((place.partner + 1, cell_id))
        if rng.random() < 0.2:
            add_overlying_red_cells(rng, canvas, laboratory, diameter)
        return self._finish(canvas, laboratory, truth, laid_counts, diameter, f"smear, {kind}")

    def _start(
        self, laboratory: Laboratory, diameter: float, *, amount: float | None, is_empty: bool = False
    ) -> tuple[Canvas, str]:
        """Return a canvas with red cells and artefacts, and the kind of its background."""
        rng = self._rng
        density, kind = compose_background(rng, self._library, laboratory, self._side, diameter)
        canvas = Canvas(density * np.float32(rng.uniform(0.85, 1.15)))
        if amount is None:
            amount = rng.uniform(0.5, 2.0) if is_empty else rng.uniform(0, 1)
        add_artefacts(rng, canvas, self._library, laboratory, diameter, amount)
        return canvas, kind

    def _lay_cell(
        self, canvas: Canvas, laboratory: Laboratory, place: Placement, cell_id: int
    ) -> tuple[LaidCell | None, bool]:
        """Lay a random cell on the canvas; also return whether its outline is exact."""
        rng = self._rng
        pale_box: Boxes | None = None
        if rng.random() < 0.10 * self._severity:
            pale_box = add_pale_cytoplasm(rng, canvas, place.diameter, place.y, place.x, cell_id)
        cell = draw_cell(rng, self._library, laboratory, place.diameter)
        laid = canvas.lay_cell(cell, place.y, place.x, cell_id)
        if laid is None or pale_box is None:
            return laid, cell.has_exact_outline
        corners = np.minimum(laid.whole_box[:2], pale_box[:2]), np.maximum(laid.whole_box[2:], pale_box[2:])
        whole_box = np.concatenate(corners)
        return LaidCell(np.clip(whole_box, 0, self._side), whole_box, laid.nucleus_share), False

    def _compose_mosaic(self) -> ComposedField:
        rng = self._rng
        laboratory = Laboratory.draw(rng, self._severity)
        low, high = np.log(self._diameters)
        diameter = float(np.exp(rng.uniform(max(low, np.log(MIN_MOSAIC_DIAMETER)), high)))
        canvas, truth = compose_mosaic(rng, self._library, laboratory, self._side, diameter)
        if rng.random() < 0.3:
            add_artefacts(rng, canvas, self._library, laboratory, diameter, 0.3)
        laid_counts = {cell_id: int((canvas.instances == cell_id).sum()) for cell_id in truth.boxes}
        return self._finish(canvas, laboratory, truth, laid_counts, diameter, "mosaic")

    def _finish(
        self,
        canvas: Canvas,
        laboratory: Laboratory,
        truth: Truth,
        laid_counts: dict[int, int],
        diameter: float,
        kind: str,
    ) -> ComposedField:
        image, is_inside = photograph(self._rng, canvas.density * laboratory.strength, diameter, self._severity)
        return finish_field(image, truth, canvas.instances, canvas.nuclei, laid_counts, is_inside, kind)
