"""A field in the making: optical densities, and which cell is where."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wbcseg.detector_training.composing.field import Boxes, Density
from wbcseg.labels import find_bounds

Slices = tuple[slice, slice]


@dataclass(frozen=True, eq=False)
class CellPatch:
    """A white cell, ready to be laid on a canvas.

    Attributes:
        density: Optical densities, ``float32[h, w, 3]``.
        coverage: Share of each pixel that the cell covers, ``float32[h, w]``.
        nucleus: Share that its nucleus covers, ``float32[h, w]``.
        has_exact_outline: Whether its outline is an expert's or exact.
    """

    density: Density
    coverage: Density
    nucleus: Density
    has_exact_outline: bool


@dataclass(frozen=True, eq=False)
class LaidCell:
    """A white cell on a canvas.

    Attributes:
        box: Box of the part inside the field, ``float32[4]``.
        whole_box: Box of the whole cell, which may extend beyond the field.
        nucleus_share: Share of its nucleus that is inside the field.
    """

    box: Boxes
    whole_box: Boxes
    nucleus_share: float


class Canvas:
    """A square field in the making.

    Args:
        density: Optical densities of the background, ``float32[S, S, 3]``.

    Attributes:
        density: Optical densities.
        coverage: Share of each pixel that white cells cover, ``float32[S, S]``.
        instances: ``uint16[S, S]``: id of the uppermost cell of each pixel, else 0.
        nuclei: ``bool[S, S]``: whether it is the nucleus of that cell.
    """

    def __init__(self, density: Density) -> None:
        self.side = len(density)
        self.density = density
        self.coverage = np.zeros((self.side, self.side), np.float32)
        self.instances = np.zeros((self.side, self.side), np.uint16)
        self.nuclei = np.zeros((self.side, self.side), np.bool_)

    def clip(self, shape: tuple[int, int], y: float, x: float) -> tuple[Slices, Slices] | None:
        """Return the slices of the canvas and of a patch centred at ``(y, x)``; ``None`` if it lies outside."""
        top, left = round(y - shape[0] / 2), round(x - shape[1] / 2)
        first_row, first_column = max(0, top), max(0, left)
        last_row, last_column = min(self.side, top + shape[0]), min(self.side, left + shape[1])
        if first_row >= last_row or first_column >= last_column:
            return None
        on_canvas = slice(first_row, last_row), slice(first_column, last_column)
        on_patch = (
            slice(first_row - top, last_row - top),
            slice(first_column - left, last_column - left),
        )
        return on_canvas, on_patch

    def add(self, density: Density, coverage: Density, y: float, x: float, *, absorbs: bool) -> None:
        """Add a patch that is no white cell.

        Args:
            density: ``float32[h, w, 3]``, or one colour, ``float32[3]``.
            coverage: Share of each pixel that it covers, ``float32[h, w]``.
            y: Row of its centre.
            x: Column of its centre.
            absorbs: Whether its density adds to what is below; otherwise it hides it.
        """
        slices = self.clip(coverage.shape, y, x)
        if slices is None:
            return
        there, part = slices
        share = coverage[part][..., None]
        patch = density[part] if density.ndim == 3 else density
        if absorbs:
            self.density[there] += patch * share
        else:
            self.density[there] = self.density[there] * (1 - share) + patch * share

    def lay_cell(self, cell: CellPatch, y: float, x: float, cell_id: int) -> LaidCell | None:
        """Lay a white cell over what is there; ``None`` if nothing of it is inside the field.

        Args:
            cell: The cell.
            y: Row of its centre.
            x: Column of its centre.
            cell_id: Its id in :attr:`instances`.
        """
        whole_box = locate(cell.coverage, y, x)
        slices = self.clip(cell.coverage.shape, y, x)
        if whole_box is None or slices is None:
            return None
        there, part = slices
        share = cell.coverage[part][..., None]
        self.density[there] = self.density[there] * (1 - share) + cell.density[part] * share
        self.coverage[there] = np.maximum(self.coverage[there], cell.coverage[part])
        is_cell = cell.coverage[part] > 0.5
        self.instances[there][is_cell] = cell_id
        self.nuclei[there][is_cell] = cell.nucleus[part][is_cell] > 0.5
        nucleus_share = float(cell.nucleus[part].sum() / max(float(cell.nucleus.sum()), 1e-3))
        return LaidCell(np.clip(whole_box, 0, self.side), whole_box, nucleus_share)


def locate(coverage: Density, y: float, x: float) -> Boxes | None:
    """Return the box, ``float32[4]``, of a patch centred at ``(y, x)`` where it covers more than half of a pixel."""
    bounds = find_bounds(coverage > 0.5)
    if bounds is None:
        return None
    top, left = round(y - coverage.shape[0] / 2), round(x - coverage.shape[1] / 2)
    return np.array((left + bounds[0], top + bounds[1], left + bounds[2], top + bounds[3]), np.float32)


def erase(instances: NDArray[np.uint16], cell_ids: list[int]) -> None:
    """Set the pixels of some cells to 0."""
    if cell_ids:
        instances[np.isin(instances, cell_ids)] = 0
