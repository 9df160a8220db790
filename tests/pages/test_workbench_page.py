"""The workbench on page Batch: types, undo, the differential count, samples, and a whole session as a file."""

from __future__ import annotations

import json
from collections.abc import Iterator, MutableMapping
from types import SimpleNamespace
from typing import Any

import pytest
from builders import draw_cell, encode
from quick_app import page_text, parse_rows
from streamlit.testing.v1 import AppTest

from wbcseg.celltypes import TYPE_NAMES, UNSURE, has_type_model
from wbcseg.differential import ASSIGNABLE_TYPES
from wbcseg.export import build_cell_rows
from wbcseg.pipeline import merge_results
from wbcseg.pipeline.session_file import SessionSettings, read_session, write_session
from wbcseg.ui.batch import batch_view, session
from wbcseg.ui.workbench import COMPONENT_KEY
from wbcseg.ui.workbench.samples import PATTERN_KEY, RULE_KEY

NAMES = ("A_1.png", "A_2.png", "B_1.png")
FILES = [encode(draw_cell(60, 70, seed)[0]) for seed in range(len(NAMES))]


@pytest.fixture(autouse=True)
def without_type_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cells arrive without a type, so that all types here are given by hand."""
    monkeypatch.setattr(batch_view, "has_type_model", lambda: False)


@pytest.fixture
def batch_page(open_page: Any) -> AppTest:
    """The page with three cells."""
    return open_batch(open_page)


def open_batch(open_page: Any) -> AppTest:
    """Open the page, upload the images and wait for their cells."""
    at = open_page("batch")
    for name, data in zip(NAMES, FILES, strict=True):
        at.file_uploader[0].upload(name, data, "image/png")
    at.run()
    at.session_state["batch"][1].join(60)
    at.run()
    assert not at.exception
    return at


def props(at: AppTest) -> dict[str, Any]:
    """Return what the page sends to the workbench."""
    (component,) = [item for item in at.get("bidi_component") if item.proto.component_name.endswith("wbcseg.workbench")]
    (values,) = json.loads(component.proto.json)
    return dict(values)


def send(at: AppTest, *operations: dict[str, Any], client: str = "c") -> None:
    """Do what a browser's message would do, and run the page."""
    state = at.session_state["workbench_state"]
    from wbcseg.ui.workbench.operations import read_operations

    message = {"digest": state.digest, "client": client, "list": list(operations)}
    _, name, parsed = read_operations(message)
    run_with(at, lambda: state.history.perform(name, parsed, state.targets))


class PageState(MutableMapping[str, Any]):
    """The session of a page, as its callbacks see it."""

    def __init__(self, at: AppTest) -> None:
        self._state = at.session_state

    def __getitem__(self, key: str) -> Any:
        return self._state[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self._state[key] = value

    def __delitem__(self, key: str) -> None:
        del self._state[key]

    def __contains__(self, key: object) -> bool:
        return key in self._state

    def __iter__(self) -> Iterator[str]:
        return iter(self._state.filtered_state)

    def __len__(self) -> int:
        return len(self._state.filtered_state)


def run_with(at: AppTest, change: Any) -> None:
    """Change the page's session as a callback would, and run the page."""
    import streamlit as st

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(st, "session_state", PageState(at))
        change()
    at.run()
    assert not at.exception


def file_under(number: int, type_index: int, *keys: str) -> dict[str, Any]:
    return {"n": number, "kind": "set_type", "keys": list(keys), "type": type_index}


def count_table(at: AppTest) -> dict[str, list[str]]:
    (html,) = [each.proto.body for each in at.get("html") if 'class="differential' in each.proto.body]
    return {row[0]: row[1:] for row in parse_rows(html)[1:]}


def list_types(at: AppTest) -> list[str]:
    rows = build_cell_rows([merge_results([result]) for result in at.session_state["batch"][1].get_results()])
    return [row[rows[0].index("type")] for row in rows[1:]]


def test_types_change_the_table_the_count_and_the_files(batch_page: AppTest) -> None:
    assert props(batch_page)["types"] == [-1, -1, -1]
    send(batch_page, file_under(1, 0, "0.1", "1.1"), file_under(2, 3, "2.1"))
    assert props(batch_page)["types"] == [0, 0, 3]
    assert props(batch_page)["operations"] == {"client": "c", "done": 2, "undo": 2, "redo": 0}
    assert count_table(batch_page)["Neutrophil"][:2] == ["2", "66.7"]
    assert list_types(batch_page) == ["neutrophil", "neutrophil", "lymphocyte"]
    send(batch_page, {"n": 3, "kind": "undo"})
    assert props(batch_page)["types"] == [0, 0, -1]
    assert list_types(batch_page) == ["neutrophil", "neutrophil", ""]
    assert "1 without a type" in page_text(batch_page)


def test_cells_arrive_with_a_type_and_filing_overrides_it(open_page: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_view, "has_type_model", has_type_model)
    at = open_batch(open_page)
    predicted = list_types(at)
    assert set(predicted) <= {*TYPE_NAMES, UNSURE}
    assert props(at)["types"] == [ASSIGNABLE_TYPES.index(name) for name in predicted]
    other = next(index for index, name in enumerate(ASSIGNABLE_TYPES) if name != predicted[0])
    send(at, file_under(1, other, "0.1"))
    assert props(at)["types"][0] == other
    assert list_types(at) == [ASSIGNABLE_TYPES[other], *predicted[1:]]
    send(at, {"n": 2, "kind": "undo"})
    assert list_types(at) == predicted


def test_images_form_samples_by_name(batch_page: AppTest) -> None:
    send(batch_page, file_under(1, 0, "0.1", "2.1"))
    batch_page.selectbox(key=RULE_KEY).select("By name").run()
    sample = batch_page.selectbox(key="workbench_sample")
    assert sample.options == ["A", "B"]
    assert count_table(batch_page)["Neutrophil"][0] == "1"
    batch_page.text_input(key=PATTERN_KEY).set_value("no placeholder").run()
    assert not batch_page.exception
    assert any("placeholder" in item.value for item in batch_page.error)


def test_reference_ranges_name_their_source(batch_page: AppTest) -> None:
    send(batch_page, file_under(1, 0, "0.1", "1.1", "2.1"))
    batch_page.toggle(key="workbench_reference").set_value(True).run()
    assert "medlineplus.gov" in page_text(batch_page)
    assert "no diagnosis" in page_text(batch_page)
    assert count_table(batch_page)["Neutrophil"][-1].startswith("40 to 60")


@pytest.mark.parametrize("section", ["Plots", "Compare"])
def test_other_sections(batch_page: AppTest, section: str) -> None:
    batch_page.session_state["workbench_section"] = section
    batch_page.run()
    assert not batch_page.exception
    assert props(batch_page)["reports_selection"] == (section == "Plots")


def test_a_selection_in_a_plot_reaches_the_gallery(batch_page: AppTest) -> None:
    state = batch_page.session_state["workbench_state"]
    run_with(batch_page, lambda: state.selection.select(["1.1"]))
    assert props(batch_page)["selection"] == {"version": 1, "keys": ["1.1"]}
    assert props(batch_page)["large"]["key"] == "1.1"


def save(at: AppTest, content: Any) -> bytes:
    model = at.session_state["batch"][0][1][0]
    results = at.session_state["batch"][1].get_results()
    settings = SessionSettings(*model, sample_rule="By name", sample_pattern="{sample}_*")
    return write_session(results, settings, content=content)


def open_file(at: AppTest, data: bytes) -> None:
    """Open a session file as the uploader's callback does, and run the page."""
    run_with(at, lambda: session._open(*read_session(data, "s.zip"), "s.zip"))


def test_a_session_without_images_is_opened(batch_page: AppTest, open_page: Any) -> None:
    send(batch_page, file_under(1, 0, "0.1"), file_under(2, 3, "2.1"))
    at = open_page("batch")
    open_file(at, save(batch_page, "tiles"))
    assert props(at)["types"] == [0, -1, 3]
    assert not props(at)["can_open"]
    assert at.selectbox(key=RULE_KEY).value == "By name"
    send(at, file_under(1, 4, "1.1"))
    assert props(at)["types"] == [0, 4, 3]
    at.button(key="session_close").click().run()
    assert not at.exception
    assert not [item for item in at.get("bidi_component") if item.proto.component_name.endswith("wbcseg.workbench")]


def test_a_session_with_images_goes_on_where_it_was(batch_page: AppTest, open_page: Any) -> None:
    send(batch_page, file_under(1, 0, "0.1"), file_under(2, 3, "2.1"))
    at = open_page("batch")
    open_file(at, save(batch_page, "images"))
    at.session_state["batch"][1].join(60)
    at.run()
    assert not at.exception
    assert props(at)["types"] == [0, -1, 3]
    assert props(at)["can_open"]
    assert list_types(at) == ["neutrophil", "", "lymphocyte"]


def test_a_session_of_another_model_says_so(batch_page: AppTest, open_page: Any) -> None:
    results = batch_page.session_state["batch"][1].get_results()
    at = open_page("batch")
    open_file(at, write_session(results, SessionSettings("lost", "abc"), content="images"))
    at.session_state["batch"][1].join(60)
    at.run()
    assert any("lost" in item.value for item in at.error)


def test_what_is_no_session_is_explained(open_page: Any) -> None:
    at = open_page("batch")
    uploader = next(item for item in at.file_uploader if item.key == session.UPLOADER_KEY)
    uploader.upload("s.zip", b"PK no zip", "application/zip").run()
    assert not at.exception
    assert any("not a session file" in item.value for item in at.error)


@pytest.mark.parametrize("value", [None, 5, {"list": "x"}, {"digest": "d", "key": [1]}])
def test_messages_that_cannot_be_read_change_nothing(batch_page: AppTest, value: object) -> None:
    from wbcseg.ui.workbench import view

    batch_page.session_state[COMPONENT_KEY] = SimpleNamespace(get=lambda _: value)
    for read in (view._on_operations, view._on_look, view._on_open):
        run_with(batch_page, read)
        del batch_page.session_state[COMPONENT_KEY]
        batch_page.session_state[COMPONENT_KEY] = SimpleNamespace(get=lambda _: value)
    assert props(batch_page)["types"] == [-1, -1, -1]
