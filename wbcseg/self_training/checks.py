"""Whether a mask that a model drew is good enough to train on: it is checked against everything else that is known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from wbcseg.datasets.sample import MarkedCell
from wbcseg.labels import BACKGROUND, NUCLEUS, Labels, find_bounds
from wbcseg.metrics.boxes import compute_iou

MIN_BOX_IOU: Final = 0.88
"""Least IoU of the mask's bounds and the box that a person drew."""

MIN_CONFIDENCE: Final = 0.875
"""Least mean probability of the chosen class over the cell and its surroundings."""

MIN_CELL_AGREEMENT: Final = 0.965
MIN_NUCLEUS_AGREEMENT: Final = 0.94
"""Least Dice of the whole cell and of the nucleus with the second model's mask."""

MIN_SOLIDITY: Final = 0.94
"""Least area of the cell, relative to that of its convex hull."""

NUCLEUS_SHARES: Final[dict[str, tuple[float, float]]] = {
    "neutrophil": (0.15, 0.65),
    "eosinophil": (0.12, 0.6),
    "basophil": (0.2, 0.85),
    "lymphocyte": (0.5, 0.98),
    "monocyte": (0.3, 0.85),
    "immature granulocyte": (0.25, 0.9),
    "erythroblast": (0.15, 0.85),
}
"""Plausible shares of the nucleus in the area of a cell, by type."""

ONE_LOBE_TYPES: Final = ("lymphocyte", "monocyte", "erythroblast")
"""Types with a nucleus in one piece."""


@dataclass(frozen=True, eq=False)
class Drawing:
    """A mask that models drew, with what the checks need.

    Attributes:
        labels: The first model's class ids, ``uint8[H, W]``.
        confidence: Its probability of the chosen class, ``float32[H, W]``; not a number where it was not asked.
        second: The second model's class ids, ``uint8[H, W]``.
        cell: What people said of the cell.
    """

    labels: Labels
    confidence: NDArray[np.float32]
    second: Labels
    cell: MarkedCell


def find_failed_check(drawing: Drawing) -> str | None:
    """Return the name of the first check that a mask fails, or ``None`` if it passes all."""
    return next((name for name, passes in _iter_checks(drawing) if not passes), None)


def _iter_checks(drawing: Drawing) -> Iterator[tuple[str, bool]]:
    """Yield the checks by name and whether the mask passes; later ones rely on earlier ones."""
    cell, nucleus = drawing.labels != BACKGROUND.id, drawing.labels == NUCLEUS.id
    bounds = find_bounds(cell)
    yield "cell and nucleus", bounds is not None and bool(nucleus.any())
    box = np.array([drawing.cell.box], np.float32)
    yield "box", float(compute_iou(np.array([bounds], np.float32), box)[0, 0]) >= MIN_BOX_IOU
    low, high = NUCLEUS_SHARES.get(drawing.cell.cell_type or "", (0.1, 0.98))
    yield "nucleus share", low <= nucleus.sum() / cell.sum() <= high
    if drawing.cell.cell_type in ONE_LOBE_TYPES:
        pieces, count = ndimage.label(nucleus)
        largest = np.bincount(pieces.ravel())[1:].max() if count else 0
        yield "nucleus in one piece", largest >= 0.95 * nucleus.sum()
    yield "solidity", float(cell.sum()) >= MIN_SOLIDITY * _measure_hull_area(cell)
    near = ndimage.binary_dilation(cell, iterations=6) & ~np.isnan(drawing.confidence)
    yield "confidence", float(drawing.confidence[near].mean()) >= MIN_CONFIDENCE
    second_cell, second_nucleus = drawing.second != BACKGROUND.id, drawing.second == NUCLEUS.id
    yield "second model, cell", _compute_dice(cell, second_cell) >= MIN_CELL_AGREEMENT
    yield "second model, nucleus", _compute_dice(nucleus, second_nucleus) >= MIN_NUCLEUS_AGREEMENT


def _compute_dice(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> float:
    return 2.0 * float((first & second).sum()) / max(1.0, float(first.sum() + second.sum()))


def _measure_hull_area(region: NDArray[np.bool_]) -> float:
    from scipy.spatial import ConvexHull

    rows, columns = np.nonzero(region)
    if np.ptp(rows) < 2 or np.ptp(columns) < 2:
        return float(region.sum())
    points = np.stack([rows, columns], 1).astype(float)
    corners = np.concatenate([points + offset for offset in ((0, 0), (0, 1), (1, 0), (1, 1))])
    return float(ConvexHull(corners).volume)
