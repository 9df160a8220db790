"""The tab *Cell types* of page Compare."""

from __future__ import annotations

from typing import Any

from quick_app import page_text, tables

from wbcseg.celltypes import TYPE_NAMES
from wbcseg.evaluation.types import TypeScore, TypesResult
from wbcseg.ui.compare import cell_types


def make_score(name: str, prior: str = "adult") -> TypeScore:
    confusions = [[0] * len(TYPE_NAMES) for _ in TYPE_NAMES]
    confusions[0][0], confusions[0][1], confusions[3][3] = 8, 2, 10
    return TypeScore(name, prior, 20, 0.9, 0.9, 0.02, 0.5, 1.0, 0, 0, tuple(map(tuple, confusions)))


def test_every_test_and_prior_has_a_row_with_its_intervals(open_page: Any, monkeypatch: Any) -> None:
    result = TypesResult(
        "other", 0.8, (make_score("pbc"), make_score("lisc", "none")), {"Trees": (make_score("zheng-1"),)}
    )
    monkeypatch.setattr(cell_types, "load_types_result", lambda: result)
    at = open_page("compare", tab=cell_types.TAB_TITLE)
    scores = next(table for table in tables(at) if table[0][0] == "Test")
    assert [row[1] for row in scores[1:]] == ["Adult", "None"]
    # Wilson, for 18 of 20 and 10 of 20.
    assert [text.replace("\N{NO-BREAK SPACE}", " ") for text in scores[1][3:5]] == ["90.0 % (70–97)", "50.0 % (30–70)"]
    others = [table for table in tables(at) if table[0][0] == "Test"][1]
    assert [row[0] for row in others[1:]] == ["Zheng 1 (Jiangxi)"]
    assert "LISC (Tehran), whole fields: **nothing; a laboratory that it does not know**." in page_text(at)
    assert "PBC (Barcelona): other images: types" in page_text(at)
    assert any("another version" in item.value for item in at.warning)
    confusions = next(table for table in tables(at) if table[0][0].startswith("Is"))
    assert confusions[0][1:] == ["Neutrophil", "Eosinophil", "Lymphocyte", "Right"]
    row = [cell.strip("*").replace("\N{NO-BREAK SPACE}", " ") for cell in confusions[1]]
    assert row == ["Neutrophil", "8", "2", "·", "80.0 % (49–94)"]


def test_the_committed_result_is_shown(open_page: Any) -> None:
    at = open_page("compare", tab=cell_types.TAB_TITLE)
    assert "Which types are confused?" in page_text(at)
    at.selectbox(key="types_test").select("zheng-2").run()
    assert not at.exception


def test_without_a_result_the_command_is_named(open_page: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(cell_types, "load_types_result", lambda: None)
    assert "wbcseg types evaluate" in str(
        [block.value for block in open_page("compare", tab=cell_types.TAB_TITLE).code]
    )
