"""Which cells count, when the image edge cuts some of them."""

from __future__ import annotations

import numpy as np
import pytest

from wbcseg.counting import EDGE_RULES, CellCounts, count_cells, is_counted, list_cut_edges
from wbcseg.errors import ConfigError, ErrorCode
from wbcseg.features import extract_features
from wbcseg.results import CellResult, ImageEdges, build_in_memory_loader, find_cut_edges

SIZE = (40, 60)


def cell_at(top: int, left: int, side: int = 10) -> CellResult:
    """Return a square cell in an image of :data:`SIZE`."""
    image, labels = np.full((*SIZE, 3), 200, np.uint8), np.zeros(SIZE, np.uint8)
    labels[max(0, top) : top + side, max(0, left) : left + side] = 1
    return CellResult(
        "field",
        build_in_memory_loader(image, labels),
        "m",
        extract_features(image, labels),
        SIZE,
        cut_edges=find_cut_edges(labels > 0),
    )


NO_CELL = CellResult("crop", cell_at(5, 5).load, "m", None, SIZE)
CELLS = {
    "inside": cell_at(10, 20),
    "top": cell_at(-2, 20),
    "bottom": cell_at(35, 20),
    "left": cell_at(10, 0),
    "right": cell_at(10, 50),
    "top left": cell_at(-3, -3),
    "top right": cell_at(0, 55),
    "bottom left": cell_at(33, -1),
}


@pytest.mark.parametrize(
    ("edge_rule", "counted"),
    [
        ("all", set(CELLS)),
        ("two_edges", {"inside", "top", "left", "top left"}),
        ("complete", {"inside"}),
    ],
)
def test_an_edge_rule_decides_which_cells_count(edge_rule: str, counted: set[str]) -> None:
    assert {name for name, cell in CELLS.items() if is_counted(cell, edge_rule)} == counted
    assert count_cells(CELLS.values(), edge_rule) == CellCounts(8, 7, len(counted))


def test_a_crop_without_a_cell_never_counts() -> None:
    for edge_rule in EDGE_RULES:
        assert count_cells([NO_CELL], edge_rule) == CellCounts(0, 0, 0)


def test_the_two_edge_rule_counts_a_cell_on_the_border_of_neighbouring_fields_once() -> None:
    left_field = cell_at(10, 55)  # Its right part is in the next field.
    right_field = cell_at(10, -5)
    counts = {name: count_cells([left_field, right_field], name).counted for name in EDGE_RULES}
    assert counts == {"all": 2, "two_edges": 1, "complete": 0}


def test_an_unknown_rule_is_an_error_even_without_cells() -> None:
    with pytest.raises(ConfigError) as error:
        count_cells([], "three_edges")
    assert error.value.code == ErrorCode.INVALID_VALUE


def test_sides_of_a_crop_inside_the_field_cut_nothing() -> None:
    cell_mask = np.ones((5, 6), np.bool_)
    edges: ImageEdges = (True, False, False, True)
    assert find_cut_edges(cell_mask, edges) == edges
    assert [" ".join(list_cut_edges(cell)) for cell in CELLS.values()] == ["", *list(CELLS)[1:]]
