"""Where models disagree on a cell by more than the usual."""

from __future__ import annotations

import numpy as np
import pytest

from wbcseg.labels import Labels
from wbcseg.pipeline import Disagreement, find_disagreement
from wbcseg.pipeline.disagreement import USUAL_DICE
from wbcseg.results import CellResult, build_in_memory_loader

SIDE = 100


def draw_labels(nucleus: slice = slice(40, 60), cell: slice = slice(20, 80)) -> Labels:
    """Return a square cell with a nucleus of 20 columns by 20 rows."""
    labels = np.zeros((SIDE, SIDE), np.uint8)
    labels[20:80, cell] = 1
    labels[40:60, nucleus] = 2
    return labels


def make_cell(labels: Labels, model: str, left: int = 0, number: int = 0) -> CellResult:
    """Return the cell of a crop or, with a number, that of a field of view three crops wide."""
    size, offset = ((SIDE, 3 * SIDE), (left, 0)) if number else ((SIDE, SIDE), None)
    image = np.zeros((*labels.shape, 3), np.uint8)
    return CellResult("x", build_in_memory_loader(image, labels), model, None, size, offset, number, number)


def compare_crops(**labels: Labels) -> Disagreement | None:
    return find_disagreement({name: (make_cell(item, name),) for name, item in labels.items()})


def test_equal_results_and_a_single_one_do_not_disagree() -> None:
    assert compare_crops(a=draw_labels()) is None
    assert compare_crops(a=draw_labels(), b=draw_labels()) is None
    assert find_disagreement({}) is None
    assert find_disagreement({"a": (), "b": ()}) is None


def test_results_as_different_as_usual_do_not_disagree() -> None:
    # Dice of the nucleus: 2 · 19 / (20 + 19) = 0.974.
    assert compare_crops(a=draw_labels(), b=draw_labels(slice(40, 59))) is None


def test_nucleus_that_one_model_sees_elsewhere_is_marked() -> None:
    found = compare_crops(a=draw_labels(), b=draw_labels(), c=draw_labels(slice(50, 70)))
    assert found is not None
    assert found.regions == ("nucleus",)
    assert found.dice["nucleus"] == pytest.approx(0.5)
    assert found.dice["nucleus"] < USUAL_DICE["nucleus"]
    assert "c" in found.models
    # The two halves that only one of them calls nucleus.
    points = np.concatenate(found.outlines)
    assert (points.min(axis=0) == [40, 40]).all()
    assert (points.max(axis=0) == [70, 60]).all()


def test_cell_that_one_model_does_not_find_is_marked_as_a_whole() -> None:
    found = compare_crops(a=draw_labels(), b=np.zeros((SIDE, SIDE), np.uint8))
    assert found is not None
    assert found.regions == ("nucleus", "cell")
    assert found.dice == {"nucleus": 0.0, "cell": 0.0}
    points = np.concatenate(found.outlines)
    assert (points.min(axis=0) == [20, 20]).all()
    assert (points.max(axis=0) == [80, 80]).all()


def test_cells_of_a_field_are_compared_one_by_one() -> None:
    found = find_disagreement(
        {
            name: tuple(make_cell(draw_labels(), name, left, i) for i, left in enumerate(lefts, start=1))
            for name, lefts in (("a", (0, SIDE)), ("b", (0, 2 * SIDE)))
        }
    )
    assert found is not None
    assert found.is_field_of_view
    assert found.cell_count == 2
    assert sorted(int(outline[:, 0].min()) for outline in found.outlines) == [SIDE + 20, 2 * SIDE + 20]


def test_cell_of_a_field_that_only_one_model_found_is_marked() -> None:
    found = find_disagreement({"a": (make_cell(draw_labels(), "a", SIDE, 1),), "b": ()})
    assert found is not None
    assert (found.cell_count, found.is_field_of_view) == (1, True)


def test_crop_and_field_are_not_compared() -> None:
    labels = draw_labels()
    assert find_disagreement({"a": (make_cell(labels, "a"),), "b": (make_cell(labels, "b", 0, 1),)}) is None
