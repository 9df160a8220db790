"""What the viewer shows of the cells of a field of view: outlines in pixels of the image."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from wbcseg.labels import BACKGROUND, NUCLEUS
from wbcseg.pipeline.edits import Point
from wbcseg.quality import STATUS_LABELS
from wbcseg.results import CellResult, Pixels
from wbcseg.ui.viewer.props import CellProps

MAX_CORNERS: Final = 160
"""Corners of an outline, apart from the ends of straight pieces: enough for a smooth line at any size of a cell."""

MIN_STRAIGHT: Final = 3.0
"""A piece of an outline of at least this many pixels without a corner is straight, and both of its ends are kept."""

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
    )


def _trace_cell(cell: CellResult) -> tuple[Ring, tuple[Ring, ...]]:
    """Return the outline of a cell and those of the pieces of its nucleus."""
    labels, offset = cell.load()[1], cell.offset or (0, 0)
    rings = _trace(labels != BACKGROUND.id, offset)
    return max(rings, key=_measure_extent, default=()), tuple(_trace(labels == NUCLEUS.id, offset))


def _trace(mask: NDArray[np.bool_], offset: tuple[int, int]) -> list[Ring]:
    """Return the outlines of the pieces and of the holes of a mask."""
    # Imported here, because it takes long and no other page needs it.
    from skimage.measure import find_contours

    contours = find_contours(np.pad(mask, 1).astype(np.float32), 0.5)
    rings = [_simplify(contour[:-1, ::-1]) + np.asarray(offset) - 0.5 for contour in contours]
    return [tuple((round(x, 1), round(y, 1)) for x, y in ring.tolist()) for ring in rings if len(ring) >= 3]


def _simplify(ring: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the corners of a ring, not closed, and of many only some."""
    step = ring - np.roll(ring, 1, axis=0)
    next_step = np.roll(step, -1, axis=0)
    corners = ring[np.abs(step[:, 0] * next_step[:, 1] - step[:, 1] * next_step[:, 0]) > 1e-6]
    is_straight = np.hypot(*(np.roll(corners, -1, axis=0) - corners).T) >= MIN_STRAIGHT
    every = -(-len(corners) // MAX_CORNERS)
    is_kept = (np.arange(len(corners)) % max(every, 1) == 0) | is_straight | np.roll(is_straight, 1)
    kept: NDArray[np.float64] = corners[is_kept]
    return kept


def _measure_extent(ring: Ring) -> float:
    """Return the area of the box around a ring."""
    points = np.asarray(ring)
    return float(np.prod(np.ptp(points, axis=0)))
