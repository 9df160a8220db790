"""One white blood cell of a result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from wbcseg.counting import list_cut_edges
from wbcseg.export import trace_polygons
from wbcseg.labels import NUCLEUS, Labels
from wbcseg.quality import STATUS_LABELS
from wbcseg.results import CellResult

Polygons = list[list[list[tuple[int, int]]]]
"""Polygons, each a list of closed rings of x and y: the outer one and its holes."""


@dataclass(frozen=True)
class Quality:
    """The quality check of one cell.

    Attributes:
        status: ``ok``, ``unfamiliar``, ``review`` or ``out_of_range``.
        reasons: Reasons, as short sentences; none if the status is ``ok``.
    """

    status: str
    reasons: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """The status for people, such as “No issues found”."""
        return STATUS_LABELS[self.status]


@dataclass(frozen=True, eq=False)
class Cell:
    """One white blood cell.

    Attributes:
        index: Number of the cell in its field of view, from 1 and without gaps; 0 if the image is a crop of one cell.
        offset: Column and row of its crop in the image.
        labels: Class ids of its crop without other cells, ``uint8[h, w]``: 0 background, 1 cytoplasm, 2 nucleus.
        features: Measurements in pixels by the names of :data:`wbcseg.features.FEATURES`; NaN if not defined.
        quality: Quality check; ``None`` if the model has none.
        dice: Dice by region against the expert mask, if there is one.
        cut_edges: Names of the image edges that cut the cell: ``top``, ``bottom``, ``left``, ``right``.
        type: A person's type, else the type model's, such as ``neutrophil`` or ``unsure``; empty without types.
        subtype: The type model's subtype if it is clear, such as ``band neutrophil``; else empty.
        type_probabilities: The type model's probability of each type; empty without types.
        id: What an :class:`Edit` names the cell by. It stays when corrections change the number.
    """

    index: int
    offset: tuple[int, int]
    labels: Labels = field(repr=False)
    features: Mapping[str, float] = field(repr=False)
    quality: Quality | None
    dice: Mapping[str, float] = field(default_factory=dict)
    cut_edges: tuple[str, ...] = ()
    type: str = ""
    subtype: str = ""
    type_probabilities: Mapping[str, float] = field(default_factory=dict)
    id: int = 1

    @cached_property
    def outline(self) -> Polygons:
        """Outline of the whole cell in pixels of the image."""
        return self._trace(self.labels > 0)

    @cached_property
    def nucleus_outline(self) -> Polygons:
        """Outline of the nucleus in pixels of the image."""
        return self._trace(self.labels == NUCLEUS.id)

    def _trace(self, mask: NDArray[np.bool_]) -> Polygons:
        x, y = self.offset
        polygons = trace_polygons(mask)
        return [[[(column + x, row + y) for column, row in ring] for ring in polygon] for polygon in polygons]


def build_cell(cell: CellResult) -> Cell:
    """Return the cell of a record."""
    return Cell(
        index=cell.cell_index,
        offset=cell.offset or (0, 0),
        labels=cell.load()[1],
        features=dict(cell.features.values) if cell.features else {},
        quality=Quality(cell.status, cell.reasons) if cell.status else None,
        dice=dict(cell.dice),
        cut_edges=list_cut_edges(cell),
        type=cell.type,
        subtype=cell.subtype,
        type_probabilities=dict(cell.type_probabilities),
        id=cell.id,
    )
