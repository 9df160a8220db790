"""Corrections of the cells of a field: reading them, applying them, and what follows from them."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from fields import HEIGHT, WIDTH, KnowingSegmenter, build_segmentation, draw_field, draw_truth
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage

import wbcseg
from wbcseg.datasets.synthetic import draw_sample
from wbcseg.errors import EditError, ErrorCode
from wbcseg.inference import Segmentation
from wbcseg.pipeline.edit_values import MAX_EDITS, MAX_LINE_POINTS, MAX_POINTS, parse_edits, parse_points
from wbcseg.pipeline.edits import CellEditor, Correction, Edit, apply_edits
from wbcseg.pipeline.merge import describe_edits
from wbcseg.pipeline.region import count_in_region


def test_edits_are_read_from_json_values() -> None:
    values = [
        {"kind": "add_point", "ids": [], "points": [[3, 4.5]], "box": None},
        {"kind": "add_box", "ids": [], "points": [], "box": [50, 60, 10, 20]},
        {"kind": "delete", "ids": [7, 7]},
        {"kind": "split", "ids": [2], "points": [[0, 0], [9, 9]]},
        {"kind": "merge", "ids": [3, 1]},
        {"kind": "set_type", "ids": [2], "type": "immature granulocyte"},
    ]
    assert parse_edits(values) == (
        Edit("add_point", points=((3.0, 4.5),)),
        Edit("add_box", box=(10.0, 20.0, 50.0, 60.0)),
        Edit("delete", ids=(7,)),
        Edit("split", ids=(2,), points=((0.0, 0.0), (9.0, 9.0))),
        Edit("merge", ids=(3, 1)),
        Edit("set_type", ids=(2,), type="immature granulocyte"),
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
        [{"kind": "set_type", "ids": [4]}],
        [{"kind": "set_type", "ids": [4], "type": "platelet"}],
        [{"kind": "set_type", "ids": [4], "type": ["neutrophil"]}],
        [{"kind": "set_type", "ids": [], "type": "neutrophil"}],
        [{"kind": "merge", "ids": [4, 4]}],
        [{"kind": "split", "ids": [1], "points": [[1, 1]]}],
    ],
)
def test_values_that_are_not_edits_are_rejected(value: object) -> None:
    with pytest.raises(EditError) as error:
        parse_edits(value)
    assert error.value.code == ErrorCode.INVALID_VALUE


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("add_point", {}),
        ("add_point", {"points": ((1.0, 1.0), (2.0, 2.0))}),
        ("add_box", {}),
        ("delete", {}),
        ("split", {"points": ((1.0, 1.0),)}),
        ("merge", {"ids": (3, 3)}),
        ("erase", {"ids": (3,)}),
    ],
)
def test_an_edit_has_what_its_kind_needs(kind: Any, values: Any) -> None:
    with pytest.raises(EditError) as error:
        Edit(kind, **values)
    assert error.value.code == ErrorCode.INVALID_VALUE


def test_lists_that_are_too_long_are_rejected() -> None:
    with pytest.raises(EditError) as error:
        parse_edits([{"kind": "delete", "ids": [1]}] * (MAX_EDITS + 1))
    assert error.value.code == ErrorCode.TOO_LARGE
    with pytest.raises(EditError) as error:
        parse_edits([{"kind": "split", "points": [[1, 2]] * (MAX_LINE_POINTS + 1)}])
    assert error.value.code == ErrorCode.TOO_LARGE
    with pytest.raises(EditError) as error:
        parse_points([[1, 2]] * (MAX_POINTS + 1))
    assert error.value.code == ErrorCode.TOO_LARGE


LABELS, NUMBERS = draw_truth()
IMAGE = draw_field(LABELS)
FOUND = [[1], [2], [4, 5]]
"""What the model finds: it misses the third and the last cell, and takes the fourth and the fifth for one."""


def correct(*edits: Edit, groups: Sequence[Sequence[int]] = FOUND) -> Correction:
    segmenter = KnowingSegmenter(LABELS, NUMBERS)
    return apply_edits(IMAGE, build_segmentation(LABELS, NUMBERS, groups), edits, segmenter)


def get_masks(correction: Correction) -> dict[int, NDArray[np.bool_]]:
    instances = correction.segmentation.instances
    return {cell.id: instances == cell.id for cell in correction.segmentation.cells}


ADD = Edit("add_point", points=((262.0, 95.0),))
SPLIT = Edit("split", points=((79.5, 120.0), (79.5, 180.0)))


def test_no_edits_leave_the_segmentation_as_it_is() -> None:
    segmentation = build_segmentation(LABELS, NUMBERS, FOUND)
    assert apply_edits(IMAGE, segmentation, [], KnowingSegmenter(LABELS, NUMBERS)).segmentation is segmentation


@pytest.mark.parametrize("edit", [ADD, Edit("add_box", box=(235.0, 75.0, 285.0, 125.0))])
def test_an_added_cell_has_the_next_id_and_the_mask_that_the_model_sees(edit: Edit) -> None:
    correction = correct(edit)
    masks = get_masks(correction)
    assert list(masks) == [1, 2, 3, 4]
    assert (masks[4] == (NUMBERS == 3)).all()
    assert (correction.segmentation.labels[masks[4]] == LABELS[masks[4]]).all()
    assert [cell.origin for cell in correction.segmentation.cells] == ["model", "model", "model", "person"]
    assert correction.edits == (edit,)
    assert correction.problem is None


def test_a_deleted_cell_leaves_background_and_its_id_is_not_given_again() -> None:
    correction = correct(Edit("delete", ids=(3, 1)), ADD)
    assert list(get_masks(correction)) == [2, 4]
    assert (correction.segmentation.labels[NUMBERS == 1] == 0).all()


def test_a_line_splits_a_cell_into_two() -> None:
    correction = correct(SPLIT)
    masks = get_masks(correction)
    assert list(masks) == [1, 2, 3, 4]
    overlaps = sorted(max(np.mean(masks[cell_id] == (number == NUMBERS)) for number in (4, 5)) for cell_id in (3, 4))
    assert overlaps[0] > 0.998
    assert ((masks[3] | masks[4]) == np.isin(NUMBERS, (4, 5))).all()
    assert masks[3].sum() >= masks[4].sum()


def test_a_split_cell_can_be_merged_again() -> None:
    correction = correct(SPLIT, Edit("merge", ids=(4, 3)))
    masks = get_masks(correction)
    assert list(masks) == [1, 2, 3]
    assert (masks[3] == np.isin(NUMBERS, (4, 5))).all()
    assert correction.segmentation.cells[2].origin == "person"


def test_the_gap_between_merged_cells_becomes_cytoplasm() -> None:
    labels, numbers = draw_truth([(100.0, 100.0), (148.0, 100.0)])
    segmentation = build_segmentation(labels, numbers, [[1], [2]])
    merged = apply_edits(
        draw_field(labels), segmentation, [Edit("merge", ids=(1, 2))], KnowingSegmenter(labels, numbers)
    )
    (mask,) = get_masks(merged).values()
    assert (mask & (numbers > 0)).sum() == (numbers > 0).sum()
    assert ndimage.label(mask)[1] == 1
    gap = mask & (numbers == 0)
    assert 0 < gap.sum() < 0.3 * mask.sum()
    assert (merged.segmentation.labels[gap] == 1).all()
    np.testing.assert_allclose(merged.segmentation.probabilities.sum(axis=-1), 1.0)


@pytest.mark.parametrize(
    ("edit", "code"),
    [
        (Edit("add_point", points=((42.0, 41.0),)), ErrorCode.ALREADY_EXISTS),
        (Edit("add_point", points=((200.0, 10.0),)), ErrorCode.NO_CELL),
        (Edit("add_point", points=((-1.0, 10.0),)), ErrorCode.INVALID_VALUE),
        (Edit("add_point", points=((300.0, 10.0),)), ErrorCode.INVALID_VALUE),
        (Edit("add_box", box=(25.0, 25.0, 55.0, 55.0)), ErrorCode.ALREADY_EXISTS),
        (Edit("add_box", box=(400.0, 10.0, 500.0, 90.0)), ErrorCode.TOO_SMALL),
        (Edit("add_box", box=(200.0, 0.0, 230.0, 20.0)), ErrorCode.NO_CELL),
        (Edit("delete", ids=(9,)), ErrorCode.NOT_FOUND),
        (Edit("split", ids=(9,), points=((0.0, 0.0), (9.0, 9.0))), ErrorCode.NOT_FOUND),
        (Edit("split", points=((200.0, 0.0), (230.0, 0.0))), ErrorCode.NOT_DIVIDED),
        # Into the cell, but not across it.
        (Edit("split", points=((40.0, 0.0), (40.0, 40.0))), ErrorCode.NOT_DIVIDED),
        # Only cytoplasm on one side.
        (Edit("split", points=((27.0, 0.0), (27.0, 80.0))), ErrorCode.NO_CELL),
        (Edit("merge", ids=(1, 2)), ErrorCode.TOO_FAR_APART),
        (Edit("merge", ids=(1, 7)), ErrorCode.NOT_FOUND),
    ],
)
def test_an_edit_that_cannot_be_applied_does_nothing_and_says_why(edit: Edit, code: ErrorCode) -> None:
    correction = correct(ADD, edit)
    assert correction.problem is not None
    assert correction.problem.code == code
    assert correction.edits == (ADD,)
    assert list(get_masks(correction)) == [1, 2, 3, 4]
    assert correct(edit, ADD).problem is None


def test_the_cell_of_a_crop_is_kept_when_another_is_added() -> None:
    labels = LABELS * (NUMBERS == 1)
    crop = Segmentation(labels, np.eye(3, dtype=np.float32)[labels], "known")
    correction = apply_edits(IMAGE, crop, [ADD], KnowingSegmenter(LABELS, NUMBERS))
    masks = get_masks(correction)
    assert correction.segmentation.is_field_of_view
    assert (masks[1] == (NUMBERS == 1)).all()
    assert (masks[2] == (NUMBERS == 3)).all()
    assert apply_edits(IMAGE, crop, [], KnowingSegmenter(LABELS, NUMBERS)).segmentation is crop


def test_a_line_may_be_drawn_with_several_points_and_beyond_the_image() -> None:
    line = Edit("split", points=((79.0, 400.0), (80.0, 160.0), (79.0, 140.0), (82.0, -50.0)))
    assert len(correct(line).segmentation.cells) == 4


def test_only_new_edits_are_segmented() -> None:
    segmenter = KnowingSegmenter(LABELS, NUMBERS)
    editor = CellEditor(IMAGE, build_segmentation(LABELS, NUMBERS, FOUND), segmenter)
    box = Edit("add_box", box=(275.0, 150.0, 300.0, 200.0))
    first = editor.apply([ADD, box])
    assert segmenter.call_count == 2
    assert editor.apply([ADD]).segmentation.cells == first.segmentation.cells[:4]
    assert editor.apply([ADD, box]).segmentation.cells == first.segmentation.cells
    assert segmenter.call_count == 2


def test_corrections_are_described_by_their_numbers() -> None:
    edits = [
        ADD,
        Edit("delete", ids=(1, 2)),
        SPLIT,
        Edit("add_box", box=(0.0, 0.0, 9.0, 9.0)),
        Edit("merge", ids=(1, 2)),
    ]
    assert describe_edits(edits) == "Cells corrected by a person: 2 added, 2 deleted, 1 split, 1 merged."
    assert describe_edits([]) == ""


def test_cells_are_counted_in_a_region_by_their_centroid() -> None:
    cells = correct(SPLIT).segmentation.cells
    assert count_in_region(cells, [(0, 0), (200, 0), (200, 80), (0, 80)]) == 2
    assert count_in_region(cells, [(50, 0), (300, 0), (300, 200), (50, 200)]) == 3
    # A corner that points inwards leaves the first cell out.
    assert count_in_region(cells, [(0, 0), (300, 0), (300, 200), (0, 200), (120, 30)]) == 3
    assert count_in_region([], [(0, 0), (300, 0), (300, 200)]) == 0


edit_lists = st.lists(
    st.one_of(
        st.builds(lambda x, y: Edit("add_point", points=((x, y),)), st.floats(0, 299), st.floats(0, 199)),
        st.builds(
            lambda x, y, w, h: Edit("add_box", box=(x, y, x + w, y + h)),
            *(st.integers(0, 280), st.integers(0, 180), st.integers(1, 60), st.integers(1, 60)),
        ),
        st.builds(lambda cell_id: Edit("delete", ids=(cell_id,)), st.integers(1, 8)),
        st.builds(
            lambda *numbers: Edit("split", points=(numbers[:2], numbers[2:])),
            *(st.floats(0, 300), st.floats(0, 200), st.floats(0, 300), st.floats(0, 200)),
        ),
        st.builds(
            lambda ids: Edit("merge", ids=tuple(ids)), st.lists(st.integers(1, 8), min_size=2, max_size=3, unique=True)
        ),
        st.sampled_from([ADD, SPLIT, Edit("merge", ids=(3, 4))]),
    ),
    max_size=8,
)


@settings(max_examples=60, deadline=None)
@given(edit_lists)
def test_masks_never_overlap_ids_are_unique_and_the_result_is_the_same_every_time(edits: list[Edit]) -> None:
    correction, again = correct(*edits), correct(*edits)
    cells = correction.segmentation.cells
    assert len({cell.id for cell in cells}) == len(cells)
    occupied = np.zeros((HEIGHT, WIDTH), int)
    for cell in cells:
        assert cell.cell_mask.any()
        occupied[cell.bbox.slices] += cell.cell_mask
    assert occupied.max(initial=0) <= 1
    assert ((correction.segmentation.labels > 0) == (occupied > 0)).all()
    assert (correction.segmentation.instances == again.segmentation.instances).all()
    assert correct(*correction.edits).problem is None


def test_numbers_have_no_gaps_and_undo_brings_them_back() -> None:
    result = wbcseg.segment(IMAGE)
    assert len(result.cells) > 2

    def list_numbers(*edits: Edit) -> list[tuple[int, int]]:
        return [(cell.id, cell.index) for cell in result.correct(edits).cells]

    before = list_numbers()
    assert [number for _, number in before] == list(range(1, len(before) + 1))
    delete = Edit("delete", ids=(before[1][0],))
    ids = [cell_id for cell_id, _ in before if cell_id != before[1][0]]
    assert list_numbers(delete) == list(zip(ids, range(1, len(before)), strict=True))
    header, *rows = result.correct([delete]).to_rows()
    assert [int(row[header.index("cell_index")]) for row in rows] == list(range(1, len(before)))
    assert list_numbers() == before


def test_adding_a_cell_takes_at_most_300_milliseconds() -> None:
    """On a field of 720×576 pixels, with everything that is measured of it; in processor time."""
    field = np.full((576, 720, 3), (236, 226, 190), np.uint8)
    centres = ((100, 100), (400, 140), (620, 420))
    for number, (x, y) in enumerate(centres):
        sample = draw_sample(7, number, size=(120, 120))
        assert sample.mask is not None
        cell = sample.mask > 0
        field[y - 60 : y + 60, x - 60 : x + 60][cell] = sample.image[cell]
    result = wbcseg.segment(field)
    assert len(result.cells) == len(centres)
    edits, times = [Edit("delete", ids=(cell.id,)) for cell in result.cells], []
    result.correct(edits)
    for x, y in centres:
        edits.append(Edit("add_point", points=((float(x), float(y)),)))
        start = time.process_time()
        corrected = result.correct(edits)
        times.append(time.process_time() - start)
        assert corrected.edit_problem is None
    assert len(corrected.cells) == len(centres)
    assert min(times) < 0.3
