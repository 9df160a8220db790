"""Cells that models found: what is said where they disagree."""

from __future__ import annotations

import numpy as np

from wbcseg.pipeline import flag_disagreements
from wbcseg.pipeline.cells import DISAGREEMENT_REASON
from wbcseg.quality import MAX_REASONS, OK, OUT_OF_RANGE, REVIEW
from wbcseg.results import CellResult, build_in_memory_loader

IMAGE = np.zeros((40, 40, 3), np.uint8)


def finding(model: str, left: int, status: str = OK, reasons: tuple[str, ...] = (), **more: object) -> CellResult:
    labels = np.zeros((40, 40), np.uint8)
    labels[10:30, left : left + 20] = 1
    return CellResult(
        "a", build_in_memory_loader(IMAGE, labels), model, None, (40, 40), status=status, reasons=reasons, **more
    )  # type: ignore[arg-type]


def told(*findings: CellResult) -> list[tuple[str, tuple[str, ...]]]:
    found = flag_disagreements({one.model: (one,) for one in findings})
    return [(one.status, one.reasons) for several in found.values() for one in several]


def test_models_that_agree_stay_as_they_are() -> None:
    assert told(finding("a", 10), finding("b", 11, REVIEW, ("Blurred.",))) == [(OK, ()), (REVIEW, ("Blurred.",))]


def test_what_looked_fine_is_to_be_checked_where_another_model_says_otherwise() -> None:
    assert told(finding("a", 0), finding("b", 15)) == [(REVIEW, (DISAGREEMENT_REASON,))] * 2


def test_what_is_unlike_stays_so_and_the_reasons_are_few() -> None:
    many = tuple(f"Reason {number}." for number in range(MAX_REASONS))
    (first, _) = told(finding("a", 0, OUT_OF_RANGE, many), finding("b", 15))
    assert first == (OUT_OF_RANGE, (DISAGREEMENT_REASON, *many[:-1]))


def test_a_model_that_nobody_judges_has_a_say_but_gets_no_status() -> None:
    assert told(finding("a", 0), finding("b", 15, "")) == [(REVIEW, (DISAGREEMENT_REASON,)), ("", ())]


def test_cells_of_a_field_and_empty_fields_stay_as_they_are() -> None:
    cells = (finding("a", 0, number=1), finding("a", 15, number=2))
    assert flag_disagreements({"a": cells, "b": (finding("b", 10, number=1),), "c": ()})["a"] == cells


def test_a_model_that_finds_no_cell_disagrees() -> None:
    none = finding("b", 40)
    assert told(finding("a", 10), none) == [(REVIEW, (DISAGREEMENT_REASON,))] * 2
