"""Corrections of the cells of a field: reading them, applying them, and what follows from them."""

from __future__ import annotations

import math

import pytest

from wbcseg.errors import EditError, ErrorCode
from wbcseg.pipeline.edits import MAX_EDITS, MAX_POINTS, Edit, parse_edits, parse_points


def test_edits_are_read_from_json_values() -> None:
    values = [
        {"kind": "add_point", "ids": [], "points": [[3, 4.5]], "box": None},
        {"kind": "add_box", "ids": [], "points": [], "box": [50, 60, 10, 20]},
        {"kind": "delete", "ids": [7, 7]},
        {"kind": "split", "ids": [2], "points": [[0, 0], [9, 9]]},
        {"kind": "merge", "ids": [3, 1]},
    ]
    assert parse_edits(values) == (
        Edit("add_point", points=((3.0, 4.5),)),
        Edit("add_box", box=(10.0, 20.0, 50.0, 60.0)),
        Edit("delete", ids=(7,)),
        Edit("split", ids=(2,), points=((0.0, 0.0), (9.0, 9.0))),
        Edit("merge", ids=(3, 1)),
    )
    assert parse_edits([]) == ()


@pytest.mark.parametrize(
    "value",
    [
        None,
        "add_point",
        {"kind": "delete", "ids": [1]},
        [None],
        [[]],
        [{}],
        [{"kind": "erase", "ids": [1]}],
        [{"kind": ["delete"], "ids": [1]}],
        [{"kind": "add_point"}],
        [{"kind": "add_point", "points": [[1]]}],
        [{"kind": "add_point", "points": [["1", "2"]]}],
        [{"kind": "add_point", "points": [[math.nan, 1]]}],
        [{"kind": "add_point", "points": [[math.inf, 1]]}],
        [{"kind": "add_point", "points": [[10**400, 1]]}],
        [{"kind": "add_point", "points": [[True, 1]]}],
        [{"kind": "add_box", "box": [1, 2, 3]}],
        [{"kind": "delete", "ids": []}],
        [{"kind": "delete", "ids": [0]}],
        [{"kind": "delete", "ids": [-1]}],
        [{"kind": "delete", "ids": [70_000]}],
        [{"kind": "delete", "ids": [1.5]}],
        [{"kind": "delete", "ids": [True]}],
        [{"kind": "delete", "ids": "12"}],
        [{"kind": "merge", "ids": [4]}],
        [{"kind": "merge", "ids": [4, 4]}],
        [{"kind": "split", "ids": [1], "points": [[1, 1]]}],
    ],
)
def test_values_that_are_not_edits_are_rejected(value: object) -> None:
    with pytest.raises(EditError) as error:
        parse_edits(value)
    assert error.value.code == ErrorCode.INVALID_VALUE


def test_lists_that_are_too_long_are_rejected() -> None:
    with pytest.raises(EditError) as error:
        parse_edits([{"kind": "delete", "ids": [1]}] * (MAX_EDITS + 1))
    assert error.value.code == ErrorCode.TOO_LARGE
    with pytest.raises(EditError) as error:
        parse_points([[1, 2]] * (MAX_POINTS + 1))
    assert error.value.code == ErrorCode.TOO_LARGE
