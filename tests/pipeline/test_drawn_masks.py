"""A mask that a person drew: the cells, their measurements and their types follow; cells that did not change stay."""

from __future__ import annotations

import numpy as np
import pytest
from fields import KnowingSegmenter, build_segmentation, draw_field, draw_truth

import wbcseg
from wbcseg.datasets import open_dataset
from wbcseg.labels import Labels
from wbcseg.pipeline.edits import CellEditor, Edit, apply_edits

LABELS, NUMBERS = draw_truth()
FIELD = draw_field(LABELS)


def encode(labels: Labels) -> str:
    values = labels.ravel()
    starts = np.flatnonzero(np.concatenate([[True], values[1:] != values[:-1]]))
    lengths = np.diff(np.append(starts, len(values)))
    return ",".join(f"{length}x{values[start]}" for length, start in zip(lengths, starts, strict=True))


def correct(labels: Labels, *more: Edit) -> object:
    segmentation = build_segmentation(LABELS, NUMBERS, ([1], [2], [4, 5]), "m")
    editor = CellEditor(FIELD, segmentation, KnowingSegmenter(LABELS, NUMBERS))
    return segmentation, editor.apply((*more, Edit("paint", mask=encode(labels))))


def test_only_the_cells_that_were_drawn_on_change() -> None:
    segmentation, _ = correct(LABELS)  # type: ignore[misc]
    labels = segmentation.labels.copy()
    first = segmentation.instances == 1
    rows = np.flatnonzero(first.any(axis=1))
    labels[: rows[0] + 3][first[: rows[0] + 3]] = 0
    before, correction = correct(labels)  # type: ignore[misc]
    old, new = ({cell.id: cell for cell in each.cells} for each in (before, correction.segmentation))
    assert list(new) == list(old)
    assert new[1].origin == "person"
    assert new[1].cell_mask.sum() < old[1].cell_mask.sum()
    assert [new[number].origin for number in (2, 3)] == ["model", "model"]
    assert (correction.segmentation.labels == labels).all()


def test_a_cell_is_erased_drawn_and_keeps_its_type() -> None:
    segmentation, _ = correct(LABELS)  # type: ignore[misc]
    labels = segmentation.labels.copy()
    labels[segmentation.instances == 1] = 0
    labels[2:22, 2:22] = 1
    labels[8:16, 8:16] = 2
    labels[-1, -1] = 1  # a speck
    types = Edit("set_type", (1, 2), type="monocyte")
    _, correction = correct(labels, types)  # type: ignore[misc]
    cells = {cell.id: cell for cell in correction.segmentation.cells}
    assert list(cells) == [2, 3, 4]
    assert cells[4].cell_mask.sum() == 400
    assert dict(correction.types) == {2: "monocyte"}


@pytest.mark.parametrize("mask", ["5x1", "axb", "1x9"])
def test_what_is_no_mask_of_the_image_changes_nothing(mask: str) -> None:
    segmentation = build_segmentation(LABELS, NUMBERS, ([1], [2]), "m")
    segmenter = KnowingSegmenter(LABELS, NUMBERS)
    correction = apply_edits(FIELD, segmentation, [Edit("paint", mask=mask)], segmenter)
    assert correction.edits == ()
    assert "could not be read" in str(correction.problem)


def test_a_crop_stays_a_crop_and_is_measured_and_typed_anew() -> None:
    sample = open_dataset("synthetic").read("synthetic/003")
    result = wbcseg.segment(sample.image, types=True)
    labels = np.zeros_like(result.labels)
    labels[20:60, 20:60] = 1
    labels[30:50, 30:50] = 2
    corrected = result.correct([Edit("paint", mask=encode(labels))])
    assert not corrected.is_field_of_view
    assert (corrected.labels == labels).all()
    (cell,) = corrected.cell_results
    assert cell.features is not None
    assert (cell.features.values["cell_area"], cell.features.values["nucleus_area"]) == (1600, 400)
    assert (cell.origin, cell.id, cell.offset) == ("person", 1, None)
    assert cell.type
    assert cell.type_evidence != result.cell_results[0].type_evidence
    assert result.correct([]).cells[0].features == result.cells[0].features
    same = result.correct([Edit("paint", mask=encode(result.labels))])
    assert same.cell_results[0].origin == "model"
