"""The page Quiz: a cell is drawn first, and compared then."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from quick_app import page_text, payloads, tables, viewer_props

from wbcseg.datasets import open_dataset
from wbcseg.ui.cache import LoadedImage
from wbcseg.ui.quiz import answers
from wbcseg.ui.quiz.answers import Answer

CELL = {"cells": "Synthetic", "cell": "003"}


@pytest.fixture
def sample():
    return open_dataset("synthetic").read("synthetic/003")


@pytest.fixture
def session(monkeypatch):
    """A session outside a page."""
    state = {}
    monkeypatch.setattr(answers.st, "session_state", state)
    return state


def encode_rle(labels):
    return ",".join(f"1x{class_id}" for class_id in labels.ravel())


def check(sample, value):
    answers.check_drawing(value, LoadedImage(sample, sample.compute_digest()))


def test_neither_mask_nor_results_are_sent_while_the_cell_is_drawn(open_page):
    at = open_page("quiz", **CELL)
    props = viewer_props(at)
    assert [panel["key"] for panel in props["panels"]] == ["drawing"]
    assert props["starts_editing"]
    assert props["mask_button"]["text"] == "Check"
    assert [list(parts) for _, parts in payloads(at).values()] == [["image", "drawing"]]
    assert not tables(at)
    assert "Press" in page_text(at) or "press" in page_text(at)


def test_checked_drawing_is_shown_beside_the_mask_and_the_models(open_page, sample):
    at = open_page("quiz", **CELL)
    dice = {"nucleus": 1.0, "cytoplasm": 1.0, "cell": 1.0}
    at.session_state["quiz_answers"] = {sample.id: Answer(sample.id, sample.mask, dice)}
    at.session_state["quiz_open"] = {sample.id}
    at.run()
    props = viewer_props(at)
    assert props["default_panels"] == ["quiz.mask", "quiz.drawing", "quiz.unet-16"]
    assert not props["starts_editing"]
    (parts,) = [parts for _, parts in payloads(at).values() if "unet-16" in parts]
    assert list(parts) == ["image", "mask", "drawing", "unet-16"]
    scores = next(table for table in tables(at) if "Your mask" in table[0])
    assert [row[1] for row in scores[1:4]] == ["1.000"] * 3
    assert "Mean of 1 cell" in page_text(at)
    next(button for button in at.button if button.label == "Try again").click().run()
    assert viewer_props(at)["starts_editing"]
    next(button for button in at.button if button.label == "Clear scores").click().run()
    assert "Your scores" not in [heading.value for heading in at.subheader]


def test_next_goes_to_the_next_cell(open_page):
    at = open_page("quiz", **CELL)
    next(button for button in at.button if button.label == "Next").click().run()
    assert viewer_props(at)["image_id"] == "synthetic/004"


def test_only_data_sets_with_masks_are_offered(open_page):
    at = open_page("quiz")
    options = at.selectbox(key="cells").options
    assert "Synthetic" in options
    assert not {"Examples", "PBC"} & set(options)


def test_unknown_cell_in_the_address_is_named(open_page):
    at = open_page("quiz", cells="Synthetic", cell="no-such-cell")
    assert "no-such-cell" in at.warning[0].value.replace("\\", "")
    assert not [item for item in at.get("bidi_component") if item.proto.component_name.endswith("wbcseg.viewer")]


def test_dice_is_that_of_the_drawing(session, sample):
    drawing = sample.mask.copy()
    drawing[drawing == 2] = 1
    check(sample, {"rle": encode_rle(drawing)})
    answer = answers.get_open_answer(sample.id)
    assert (answer.labels == drawing).all()
    nucleus, cytoplasm = (sample.mask == 2).sum(), (sample.mask == 1).sum()
    assert answer.dice["nucleus"] == 0
    assert answer.dice["cell"] == 1
    assert answer.dice["cytoplasm"] == pytest.approx(2 * cytoplasm / (2 * cytoplasm + nucleus))


@pytest.mark.parametrize("value", [None, "3x0", {}, {"rle": 7}, {"rle": "1x0"}, {"rle": "9x9"}])
def test_what_is_not_a_drawing_is_refused(session, sample, value):
    check(sample, value)
    assert not answers.get_answers()
    assert session["quiz_problem"]


def test_empty_drawing_is_not_scored(session, sample):
    check(sample, {"rle": encode_rle(np.zeros_like(sample.mask))})
    assert not answers.get_answers()
    assert session["quiz_problem"]


def test_a_session_keeps_a_limited_number_of_drawings(session, monkeypatch, sample):
    monkeypatch.setattr(answers, "MAX_ANSWERS", 2)
    for number in range(4):
        answer_sample = SimpleNamespace(id=f"synthetic/{number}", size=sample.size, mask=sample.mask)
        answers.check_drawing({"rle": encode_rle(sample.mask)}, SimpleNamespace(sample=answer_sample))
    assert list(answers.get_answers()) == ["synthetic/2", "synthetic/3"]
