"""The answer at the top of page Compare: the default model, at home and at laboratories that it never saw."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from quick_app import page_text

from wbcseg.evaluation.fields.result import load_fields_result
from wbcseg.evaluation.types import load_types_result
from wbcseg.inference import Catalog
from wbcseg.ui import cache
from wbcseg.ui.compare import answer
from wbcseg.ui.compare.answer import Figure, Part
from wbcseg.ui.formatting import escape_markdown


def make_part(home: float, *elsewhere: float) -> Part:
    figures = [Figure(value, f"{value:.3f}", "", index == 0) for index, value in enumerate((home, *elsewhere))]
    return Part("Outlines", "Dice", tuple(figures), "")


def test_figures_are_those_of_the_result_files(open_page: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(cache, "Catalog", Catalog)
    text = page_text(open_page("compare")).replace("\N{NO-BREAK SPACE}", " ")
    default = Catalog().default_model
    assert default is not None
    assert f"**{escape_markdown(default.title)}**" in text
    metrics = default.card.test_metrics
    assert f"**{metrics.regions['cell'].dice:.2f}** at home: {metrics.images} held-out cells" in text
    fields, types = load_fields_result(), load_types_result()
    assert fields is not None
    assert types is not None
    for score in fields.scores:
        shown = f"{score.detected} of {score.cells}, {score.false} false" in text
        assert shown == (score.name in answer.FIELD_TITLES)
    lisc = next(score for score in types.scores if (score.name, score.prior) == ("lisc", "adult"))
    assert f"**{100 * (lisc.accuracy or 0):.0f} %** never seen" in text
    assert "45 cells of LISC" in text


def test_what_is_weaker_elsewhere_is_said(open_page: Any, monkeypatch: Any) -> None:
    assert make_part(0.9, 0.95, 0.7).drop == 0.9 - 0.7
    assert "hardly weaker elsewhere" in answer.summarise("U-Net", [make_part(0.98, 0.96)])
    assert "no weaker elsewhere" in answer.summarise("U-Net", [make_part(0.96, 0.98)])
    assert "**Outlines" not in answer.summarise("U-Net", [make_part(0.98, 0.91)])
    worse = answer.summarise("U-Net", [make_part(0.9, 0.95, 0.7)])
    assert "**Outlines: much weaker elsewhere, 0.950 and 0.700" in worse
    assert "not tested" in answer.summarise("U-Net", [make_part(0.9)])
    # With another result, the page says something else.
    result = load_types_result()
    assert result is not None
    scores = tuple(replace(score, accuracy=0.5 if score.name == "pbc" else 0.9) for score in result.scores)
    monkeypatch.setattr(answer, "load_types_result", lambda: replace(result, scores=scores, comparison={}))
    assert "Cell types: no weaker elsewhere" in page_text(open_page("compare"))


def test_without_results_there_is_no_answer(open_page: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(answer, "load_types_result", lambda: None)
    monkeypatch.setattr(answer, "load_fields_result", lambda: None)
    at = open_page("compare")
    assert not at.exception
    assert "Finding cells" not in page_text(at)
