"""Cells with types, for tests of what is counted."""

from __future__ import annotations

import numpy as np

from wbcseg.results import CellFeatures, CellResult, ImageEdges

PIXELS = (np.zeros((4, 4, 3), np.uint8), np.ones((4, 4), np.uint8))


def make_cell(predicted: str, assigned: str = "", *, cut_edges: ImageEdges = (False,) * 4) -> CellResult:
    features = CellFeatures({"cell_area": 16.0})
    return CellResult(
        *("a.png", lambda: PIXELS, "m", features, (4, 4)),
        cut_edges=cut_edges,
        predicted_type=predicted,
        assigned_type=assigned,
    )


def make_cells(**counts: int) -> list[CellResult]:
    return [make_cell(name.replace("_", " ")) for name, count in counts.items() for _ in range(count)]
