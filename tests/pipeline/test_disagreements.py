"""Cells on which models disagree."""

from __future__ import annotations

import numpy as np

from wbcseg.pipeline import flag_disagreements
from wbcseg.pipeline.cells import DISAGREEMENT_REASON
from wbcseg.quality import MAX_REASONS, OK, OUT_OF_RANGE, REVIEW
from wbcseg.results import CellResult, build_in_memory_loader

IMAGE = np.zeros((40, 40, 3), np.uint8)


def cell_result(model: str, left: int, status: str = OK, reasons: tuple[str, ...] = (), **more: object) -> CellResult:
    labels = np.zeros((40, 40), np.uint8)
    labels[10:30, left : left + 20] = 1
    return CellResult(
        "a", build_in_memory_loader(IMAGE, labels), model, None, (40, 40), status=status, reasons=reasons, **more
    )  # type: ignore[arg-type]


def flag(*results: CellResult) -> list[tuple[str, tuple[str, ...]]]:
    flagged = flag_disagreements({cell.model: (cell,) for cell in results})
    return [(cell.status, cell.reasons) for several in flagged.values() for cell in several]


def test_agreement_changes_nothing() -> None:
    assert flag(cell_result("a", 10), cell_result("b", 11, REVIEW, ("Blurred.",))) == [
        (OK, ()),
        (REVIEW, ("Blurred.",)),
    ]


def test_disagreement_turns_ok_into_review() -> None:
    assert flag(cell_result("a", 0), cell_result("b", 15)) == [(REVIEW, (DISAGREEMENT_REASON,))] * 2


def test_out_of_range_stays_and_reasons_are_limited() -> None:
    many = tuple(f"Reason {number}." for number in range(MAX_REASONS))
    (first, _) = flag(cell_result("a", 0, OUT_OF_RANGE, many), cell_result("b", 15))
    assert first == (OUT_OF_RANGE, (DISAGREEMENT_REASON, *many[:-1]))


def test_model_without_quality_check_counts_but_gets_no_status() -> None:
    assert flag(cell_result("a", 0), cell_result("b", 15, "")) == [(REVIEW, (DISAGREEMENT_REASON,)), ("", ())]


def test_fields_of_view_are_not_compared() -> None:
    cells = (cell_result("a", 0, cell_index=1), cell_result("a", 15, cell_index=2))
    assert flag_disagreements({"a": cells, "b": (cell_result("b", 10, cell_index=1),), "c": ()})["a"] == cells


def test_model_that_finds_no_cell_disagrees() -> None:
    none = cell_result("b", 40)
    assert flag(cell_result("a", 10), none) == [(REVIEW, (DISAGREEMENT_REASON,))] * 2
