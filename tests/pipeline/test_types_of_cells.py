"""Types that a person gives cells are corrections like the others."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fields import KnowingSegmenter, build_segmentation, draw_field, draw_truth

import wbcseg
from wbcseg.datasets.synthetic import draw_sample
from wbcseg.errors import ErrorCode
from wbcseg.export import build_cell_rows
from wbcseg.pipeline import Edit
from wbcseg.pipeline.correct import retype
from wbcseg.pipeline.edits import Correction, apply_edits
from wbcseg.pipeline.image_result import ImageResult
from wbcseg.pipeline.merge import describe_edits
from wbcseg.results import CellResult

LABELS, NUMBERS = draw_truth()
IMAGE = draw_field(LABELS)


def correct(*edits: Edit) -> Correction:
    segmentation = build_segmentation(LABELS, NUMBERS, [[1], [2], [4, 5]])
    return apply_edits(IMAGE, segmentation, edits, KnowingSegmenter(LABELS, NUMBERS))


def file_as(cell_type: str, *ids: int) -> Edit:
    return Edit("set_type", ids, type=cell_type)


def test_the_last_type_counts_and_a_shorter_list_undoes() -> None:
    edits = file_as("monocyte", 1, 2), file_as("basophil", 2)
    assert correct(*edits).types == {1: "monocyte", 2: "basophil"}
    assert correct(*edits[:1]).types == {1: "monocyte", 2: "monocyte"}
    assert correct().types == {}
    # The cells themselves are those of the model.
    plain = correct()
    assert correct(*edits).segmentation is not None
    assert [cell.id for cell in correct(*edits).segmentation.cells] == [cell.id for cell in plain.segmentation.cells]


def test_a_cell_that_is_changed_is_to_be_typed_again() -> None:
    assert correct(file_as("monocyte", 1, 2), Edit("delete", (1,))).types == {2: "monocyte"}
    merged = correct(file_as("monocyte", 1, 2), Edit("delete", (1,)), file_as("basophil", 3))
    assert merged.types == {2: "monocyte", 3: "basophil"}


def test_the_type_of_a_cell_that_is_gone_does_nothing() -> None:
    result = correct(Edit("delete", (1,)), file_as("monocyte", 1))
    assert (result.types, len(result.edits)) == ({}, 1)
    assert result.problem is not None
    assert result.problem.code == ErrorCode.NOT_FOUND


def test_a_report_says_how_many_types_a_person_gave() -> None:
    text = describe_edits([file_as("monocyte", 1, 2), Edit("delete", (3,))])
    assert text == "Cells corrected by a person: 1 deleted, 2 given a type."


def test_a_crop_stays_a_crop() -> None:
    image = draw_sample(3, 1).image
    result = wbcseg.segment(image)
    corrected = result.correct([file_as("monocyte", 1)])
    assert not corrected.is_field_of_view
    (cell,) = corrected.image_result.cells
    assert (cell.type, cell.assigned_type) == ("monocyte", "monocyte")
    assert cell.features == result.image_result.cells[0].features
    head, row = build_cell_rows([cell])
    values = dict(zip(head, row, strict=True))
    assert (values["type"], values["type_origin"]) == ("monocyte", "person")
    assert corrected.correct([]).image_result.cells[0].type == result.image_result.cells[0].type


CELLS = tuple(
    CellResult("a.png", lambda: (IMAGE, LABELS), "m", None, (9, 9), id=number, predicted_type="neutrophil")
    for number in (1, 2, 3)
)


def make_result(*edits: Edit, cells: tuple[CellResult, ...] = CELLS) -> ImageResult:
    from wbcseg.datasets.uploads import InputImage

    return ImageResult(InputImage("a.png", "", lambda: b""), (9, 9), True, cells, edits=edits)


def test_types_follow_without_reading_the_image() -> None:
    edits = file_as("monocyte", 1, 2), file_as("neutrophil", 2)
    result = retype(make_result(), edits)
    assert result is not None
    assert [cell.type for cell in result.cells] == ["monocyte", "neutrophil", "neutrophil"]
    assert [cell.is_refiled for cell in result.cells] == [True, False, False]
    assert result.edits == edits
    undone = retype(result, edits[:1])
    assert undone is not None
    assert [cell.type for cell in undone.cells] == ["monocyte", "monocyte", "neutrophil"]


@pytest.mark.parametrize(
    "edits",
    [
        (Edit("delete", (1,)),),
        (Edit("split", (), ((0.0, 0.0), (5.0, 5.0))), file_as("monocyte", 1)),
        (file_as("monocyte", 9),),
    ],
)
def test_other_corrections_need_the_image(edits: tuple[Edit, ...]) -> None:
    assert retype(make_result(), edits) is None


def test_types_follow_after_other_corrections() -> None:
    deletion = Edit("delete", (3,))
    before = make_result(deletion, cells=CELLS[:2])
    result = retype(before, (file_as("monocyte", 3), deletion, file_as("basophil", 1)))
    assert result is not None
    assert [cell.type for cell in result.cells] == ["basophil", "neutrophil"]


def test_a_persons_type_stands_over_the_models() -> None:
    cell = replace(CELLS[0], assigned_type="neutrophil")
    assert (cell.type, cell.is_refiled) == ("neutrophil", False)
    assert replace(cell, predicted_type="unsure").is_refiled
    # Without a type model, there is nothing to file again.
    assert not replace(cell, predicted_type="").is_refiled
