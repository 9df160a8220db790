"""The differential count of a sample."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence

import pytest
from cells_with_types import PIXELS, make_cell, make_cells
from hypothesis import given
from hypothesis import strategies as st

from wbcseg.differential import (
    ADULT_RANGES,
    TYPE_NAMES,
    WHITE_CELL_TYPES,
    build_differential_rows,
    count_types,
    scale_counts,
)
from wbcseg.results import UNSURE, CellResult


def test_percentages_and_intervals_by_hand() -> None:
    result = count_types(make_cells(neutrophil=5, lymphocyte=95), sample="A")
    neutrophils = result.get_count("neutrophil")
    assert (result.sample, result.total, neutrophils.count, neutrophils.percent) == ("A", 100, 5, 5.0)
    # Wilson, for 5 of 100.
    assert (neutrophils.low, neutrophils.high) == pytest.approx((2.154, 11.175), abs=5e-4)
    assert [item.type for item in result.types] == list(WHITE_CELL_TYPES)
    assert result.get_count("basophil").count == 0
    assert result.get_count("basophil").high == pytest.approx(3.699, abs=5e-4)


def test_what_is_no_white_cell_with_a_type_is_not_part_of_the_percentages() -> None:
    cells = make_cells(neutrophil=30, monocyte=10, erythroblast=2, not_a_white_cell=3, unsure=4)
    cells += [make_cell(""), CellResult("empty.png", lambda: PIXELS, "m", None, (4, 4))]
    result = count_types(cells)
    assert (result.total, result.get_count("neutrophil").percent) == (40, 75.0)
    assert (result.erythroblasts, result.erythroblasts_per_100) == (2, 5.0)
    assert (result.not_white_cells, result.unsure, result.untyped) == (3, 4, 1)


def test_a_persons_type_counts_instead_of_the_models() -> None:
    cells = make_cells(neutrophil=8)
    cells += [
        make_cell("neutrophil", "eosinophil"),
        make_cell("unsure", "eosinophil"),
        make_cell("monocyte", "monocyte"),
    ]
    result = count_types(cells)
    eosinophils = result.get_count("eosinophil")
    assert (eosinophils.count, eosinophils.refiled) == (2, 2)
    # The monocyte was confirmed, not moved.
    assert (result.refiled, result.reviewed, result.unsure) == (2, 3, 0)


def test_cells_at_the_edge_follow_the_edge_rule() -> None:
    cells = [*make_cells(neutrophil=3), make_cell("basophil", cut_edges=(False, True, False, False))]
    assert count_types(cells).total == 4
    by_rule = count_types(cells, edge_rule="two_edges")
    assert (by_rule.total, by_rule.not_counted, by_rule.get_count("basophil").count) == (3, 1, 0)


def test_nothing_to_count() -> None:
    result = count_types([])
    assert result.total == 0
    assert math.isnan(result.get_count("neutrophil").percent)
    assert math.isnan(result.erythroblasts_per_100)
    assert result.get_count("neutrophil").per_100 == 0
    assert result.get_count("neutrophil").position == ""
    with pytest.raises(KeyError):
        result.get_count("platelet")


@pytest.mark.parametrize(
    ("count", "position", "is_clear"),
    [(50, "within", False), (61, "above", False), (80, "above", True), (20, "below", True)],
)
def test_reference_ranges(count: int, position: str, is_clear: bool) -> None:
    result = count_types(make_cells(neutrophil=count, monocyte=100 - count), references=ADULT_RANGES)
    neutrophils = result.get_count("neutrophil")
    assert neutrophils.reference == (40.0, 60.0)
    assert (neutrophils.position, neutrophils.is_clearly_outside) == (position, is_clear)
    assert count_types(make_cells(neutrophil=count)).get_count("neutrophil").position == ""


def test_reference_ranges_are_of_types_that_make_up_the_count() -> None:
    assert set(ADULT_RANGES) < set(WHITE_CELL_TYPES)


@pytest.mark.parametrize(
    ("counts", "size", "expected"),
    [
        ([1, 1, 1], 100, [34, 33, 33]),
        ([1, 1, 1], 200, [67, 67, 66]),
        ([2, 0, 1], 100, [67, 0, 33]),
        ([50, 50], 100, [50, 50]),
        ([0, 0], 100, [0, 0]),
    ],
)
def test_counts_scaled_to_a_hundred(counts: list[int], size: int, expected: list[int]) -> None:
    assert scale_counts(counts, size) == expected


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=8), st.sampled_from([100, 200]))
def test_scaled_counts_add_up_and_are_off_by_less_than_one(counts: Sequence[int], size: int) -> None:
    scaled, total = scale_counts(counts, size), sum(counts)
    assert sum(scaled) == (size if total else 0)
    assert all(abs(number - count * size / total) < 1 for number, count in zip(scaled, counts, strict=True) if total)


def test_the_record_is_json() -> None:
    record = count_types(make_cells(neutrophil=1), sample="A", references=ADULT_RANGES).to_record()
    assert json.loads(json.dumps(record, allow_nan=False))["types"][0]["percent"] == 100.0
    assert record["types"][0]["position"] == "above"
    assert count_types([]).to_record()["types"][0]["percent"] is None


def test_the_table_has_a_row_for_each_type() -> None:
    cells = [*make_cells(neutrophil=2, erythroblast=1, unsure=1), make_cell("neutrophil", "basophil")]
    head, *rows = build_differential_rows([count_types(cells, sample="A", references=ADULT_RANGES)])
    by_type = {row[1]: dict(zip(head, row, strict=True)) for row in rows}
    assert list(by_type) == [*WHITE_CELL_TYPES, "erythroblast", "unsure"]
    assert by_type["neutrophil"] | {"percent_low": "", "percent_high": ""} == {
        **{"sample": "A", "type": "neutrophil", "count": "2", "total": "3", "percent": "66.67"},
        **{"percent_low": "", "percent_high": "", "per_100": "67", "per_200": "133", "refiled": "0"},
        **{"reference_low": "40", "reference_high": "60"},
    }
    assert (by_type["basophil"]["refiled"], by_type["erythroblast"]["per_100"]) == ("1", "33.33")


def test_every_type_has_its_place() -> None:
    assert UNSURE not in TYPE_NAMES
    assert set(TYPE_NAMES) - set(WHITE_CELL_TYPES) == {"erythroblast", "not a white cell"}
