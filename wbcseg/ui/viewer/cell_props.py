"""What the viewer shows of the cells of a field of view: outlines in pixels of the image."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from weakref import WeakKeyDictionary

import numpy as np

from wbcseg.labels import BACKGROUND, NUCLEUS
from wbcseg.pipeline.edits import Point
from wbcseg.quality import STATUS_LABELS
from wbcseg.results import CellResult, Pixels
from wbcseg.ui.viewer.props import CellProps
from wbcseg.ui.viewer.type_props import get_type_index
from wbcseg.visualization import Outline, trace_outlines

Ring = tuple[Point, ...]

_outlines: WeakKeyDictionary[Callable[[], Pixels], tuple[Ring, tuple[Ring, ...]]] = WeakKeyDictionary()
"""Outlines by the loader of the cell's pixels, which copies of a record share."""


def build_cell_props(cells: Iterable[CellResult]) -> tuple[CellProps, ...]:
    """Return what the viewer shows of the cells of a field of view; those without measurements are left out.

    Args:
        cells: The cells, with pixels in memory.
    """
    return tuple(_build_props(cell) for cell in cells if cell.features is not None)


def _build_props(cell: CellResult) -> CellProps:
    if cell.load not in _outlines:
        _outlines[cell.load] = _trace_cell(cell)
    outline, nuclei = _outlines[cell.load]
    x, y = cell.centroid or (0.0, 0.0)
    return CellProps(
        id=cell.id,
        number=cell.cell_index,
        outline=outline,
        nuclei=nuclei,
        centroid=(round(x, 1), round(y, 1)),
        status=cell.status,
        status_label=STATUS_LABELS.get(cell.status, ""),
        cut_off=any(cell.cut_edges),
        origin=cell.origin,
        type=get_type_index(cell.type),
    )


def _trace_cell(cell: CellResult) -> tuple[Ring, tuple[Ring, ...]]:
    """Return the outline of a cell and those of the pieces of its nucleus."""
    labels, offset = cell.load()[1], cell.offset or (0, 0)
    outlines = trace_outlines(labels != BACKGROUND.id, offset)
    # The outermost one.
    outline = max(outlines, key=lambda corners: float(np.prod(np.ptp(corners, axis=0))))
    return _round(outline), tuple(map(_round, trace_outlines(labels == NUCLEUS.id, offset)))


def _round(outline: Outline) -> Ring:
    return tuple((round(x, 1), round(y, 1)) for x, y in outline.tolist())
