"""Types of cells on Segment and Batch: shown, filed anew, under a prior, the same in every file and on both pages."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from typing import Any

import numpy as np
import pytest
import streamlit as st
from fields import KnowingSegmenter, build_segmentation, draw_field, draw_truth
from pypdf import PdfReader
from quick_app import Threshold, cell_list, go_to, viewer_props
from spreadsheets import read_records
from streamlit.testing.v1 import AppTest

from wbcseg.differential import ASSIGNABLE_TYPES
from wbcseg.io import encode_png
from wbcseg.labels import Labels
from wbcseg.pipeline.session_file import SessionSettings, read_edits, read_session, write_session
from wbcseg.ui import viewer
from wbcseg.ui.components import downloads
from wbcseg.ui.corrections import get_corrections, on_type_chosen, set_type

LABELS, NUMBERS = draw_truth()
PNG = encode_png(draw_field(LABELS))
KEY = ("digest", ("unet-16", "file"), False)


class CellPanel:
    """Sends messages from the list beside the viewer and from the viewer, each in the next run of the page."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.messages: dict[str, Any] = {}
        for name, values in (("_cell_list_component", ("type",)), ("_viewer_component", ("edits", "mask"))):
            monkeypatch.setattr(viewer, name, self._wrap(getattr(viewer, name), values))

    def _wrap(self, component: Any, values: tuple[str, ...]) -> Any:
        def show(*, key: str, **options: Any) -> None:
            for value in values:
                if value in self.messages:
                    st.session_state[key] = {value: self.messages.pop(value)}
                    options[f"on_{value}_change"]()
                    del st.session_state[key]
                    st.rerun()
            component(key=key, **options)

        return show

    def file_under(self, at: AppTest, cell_id: int, name: str) -> None:
        index = ASSIGNABLE_TYPES.index(name) if name else -1
        props = cell_list(at)
        assert props is not None
        self.messages["type"] = {"digest": props["digest"], "model": "unet-16", "id": cell_id, "type": index}
        at.run()
        assert not at.exception

    def edit(self, at: AppTest, *edits: dict[str, Any]) -> None:
        digest = viewer_props(at)["digest"]
        self.messages["edits"] = {
            **{"digest": digest, "model": "unet-16", "list": list(edits)},
            **{"region": None, "edge_rule": "all"},
        }
        at.run()
        assert not at.exception

    def draw(self, at: AppTest, labels: Labels) -> None:
        """Draw a mask on the model's panel and apply it."""
        rle = ",".join(f"1x{value}" for value in labels.ravel())
        self.messages["mask"] = {"digest": viewer_props(at)["digest"], "part": "unet-16", "rle": rle}
        at.run()
        assert not at.exception


@pytest.fixture
def panel(monkeypatch: pytest.MonkeyPatch) -> CellPanel:
    """A field in which the model finds three cells, and the panel beside it."""
    segmenter = KnowingSegmenter(LABELS, NUMBERS)
    monkeypatch.setattr(
        Threshold,
        "predict",
        lambda self, *_, **__: build_segmentation(LABELS, NUMBERS, ([1], [2], [4, 5]), self.name),
    )
    monkeypatch.setattr(Threshold, "segment_cell", segmenter.segment_cell, raising=False)
    return CellPanel(monkeypatch)


@pytest.fixture
def saved(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The content of the download buttons by label."""
    contents: dict[str, Any] = {}
    monkeypatch.setattr(downloads.st, "download_button", lambda label, data, *_, **__: contents.update({label: data}))
    return contents


def open_segment(open_page: Any) -> AppTest:
    at = open_page("segment", source="Upload an image")
    at.file_uploader[0].upload("field.png", PNG).run()
    assert not at.exception
    return at


def open_batch(at: AppTest) -> None:
    go_to(at, "batch")
    at.run()
    if "batch" not in at.session_state:
        at.file_uploader[0].upload("field.png", PNG, "image/png")
        at.run()
    at.session_state["batch"][1].join(60)
    at.run()
    assert not at.exception


def find_free_square(side: int) -> tuple[int, int]:
    """Return row and column of a square in which there is no cell."""
    rows, columns = NUMBERS.shape
    return next(
        (row, column)
        for row in range(2, rows - side, 5)
        for column in range(2, columns - side, 5)
        if not NUMBERS[row - 2 : row + side + 2, column - 2 : column + side + 2].any()
    )


def list_types(at: AppTest) -> list[str]:
    props = cell_list(at)
    assert props is not None
    return [cell["type"]["title"] for cell in props["models"][0]["cells"]]


def read_every_file(saved: dict[str, Any]) -> list[dict[str, str]]:
    """Return the table of cells, after finding its types in the workbook, the report and the zip, too."""
    rows = list(csv.DictReader(io.StringIO(saved["Download measurements (CSV)"]().decode("utf-8-sig"))))
    types, origins = [row["type"] for row in rows], [row["type_origin"] for row in rows]
    workbook = read_records(saved["Download workbook (XLSX)"](), "cells")
    assert [row["type"] for row in workbook] == types
    assert [row["cell_area_px2"] for row in workbook] == [float(row["cell_area_px2"]) for row in rows]
    report = saved["Download report (PDF)"]()
    text = "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(report)).pages)
    assert text.count("filed by a person\nmodel") == origins.count("person")
    assert text.count("Corrected by a person") == [row["origin"] for row in rows].count("person")
    for row in rows:
        assert row["type"].capitalize() in text
        assert f"{float(row['cell_area_px2']):.0f}" in text
    with zipfile.ZipFile(io.BytesIO(saved["Download all (zip)"]())) as archive:
        zipped = list(csv.DictReader(io.StringIO(archive.read("cells.csv").decode("utf-8-sig"))))
        (geojson,) = (json.loads(archive.read(name)) for name in archive.namelist() if name.endswith(".geojson"))
        assert [row["type"] for row in read_records(archive.read("results.xlsx"), "cells")] == types
    assert [row["type"] for row in zipped] == types
    names = [feature["properties"]["classification"]["name"] for feature in geojson["features"]]
    assert names == [name.capitalize() for name in types]
    return rows


def test_the_list_shows_type_and_three_likeliest(open_page: Any, panel: CellPanel) -> None:
    at = open_segment(open_page)
    props = cell_list(at)
    assert props is not None
    assert [choice["title"] for choice in props["types"]] == [name.capitalize() for name in ASSIGNABLE_TYPES]
    for cell in props["models"][0]["cells"]:
        shares = [share for _, share in cell["type"]["likeliest"]]
        assert len(shares) == 3
        assert shares == sorted(shares, reverse=True)
        assert ("Unsure, because" in cell["type"]["note"]) is (cell["type"]["title"] == "Unsure")


def test_filing_on_segment_reaches_every_file_and_batch(
    open_page: Any, panel: CellPanel, saved: dict[str, Any]
) -> None:
    at = open_segment(open_page)
    predicted = list_types(at)
    panel.file_under(at, 1, "basophil")
    panel.file_under(at, 2, "monocyte")
    assert list_types(at) == ["Basophil", "Monocyte", *predicted[2:]]
    assert [row["type_origin"] for row in read_every_file(saved)] == ["person", "person", "model"]
    open_batch(at)
    rows = read_every_file(saved)
    assert [row["type"] for row in rows][:2] == ["basophil", "monocyte"]
    results = at.session_state["batch"][1].get_results()
    session, _ = read_session(write_session(results, SessionSettings(), content="tiles"), "s.zip")
    assert [cell.assigned_type for cell in session.images[0].cells] == ["basophil", "monocyte", ""]
    assert len(read_edits(session.images[0])) == 2
    assert all(cell.type_evidence for cell in session.images[0].cells)


def test_a_type_is_given_back_to_the_model(open_page: Any, panel: CellPanel) -> None:
    at = open_segment(open_page)
    predicted = list_types(at)
    panel.file_under(at, 1, "basophil")
    panel.file_under(at, 1, "")
    assert list_types(at) == predicted


@pytest.mark.parametrize("page", ["segment", "batch"])
def test_a_corrected_cell_is_measured_and_typed_anew(
    open_page: Any, panel: CellPanel, saved: dict[str, Any], page: str
) -> None:
    at = open_segment(open_page)
    before = read_every_file(saved)
    panel.file_under(at, 2, "monocyte")
    panel.edit(
        at,
        {"kind": "set_type", "ids": [2], "points": [], "box": None, "type": "monocyte"},
        {"kind": "split", "ids": [3], "points": [[0.0, 0.0], [1.0, 1.0]], "box": None},
        {"kind": "delete", "ids": [1], "points": [], "box": None},
        {"kind": "add_point", "ids": [], "points": [[262.0, 95.0]], "box": None},
    )
    if page == "batch":
        open_batch(at)
    rows = read_every_file(saved)
    assert [row["cell_index"] for row in rows] == ["1", "2", "3"]
    assert rows[0]["type"] == "monocyte"
    assert rows[0]["predicted_type"] == before[1]["predicted_type"]
    assert (rows[2]["origin"], rows[2]["type_origin"]) == ("person", "model")
    assert rows[2]["predicted_type"]
    assert rows[2]["probability_neutrophil"]


@pytest.mark.parametrize("page", ["segment", "batch"])
def test_a_drawn_mask_changes_every_number(open_page: Any, panel: CellPanel, saved: dict[str, Any], page: str) -> None:
    at = open_segment(open_page)
    before = read_every_file(saved)
    labels = np.where(np.isin(NUMBERS, (2, 4, 5)), LABELS, 0).astype(np.uint8)
    top, left = find_free_square(30)
    labels[top : top + 30, left : left + 30], labels[top + 10 : top + 20, left + 10 : left + 20] = 1, 2
    panel.file_under(at, 2, "monocyte")
    panel.draw(at, labels)
    if page == "batch":
        open_batch(at)
        results = at.session_state["batch"][1].get_results()
        session, _ = read_session(write_session(results, SessionSettings(), content="images"), "s.zip")
        assert [edit.kind for edit in read_edits(session.images[0])] == ["set_type", "paint"]
    rows = read_every_file(saved)
    # The first cell was drawn anew somewhere else: it is gone, the others move up, and the new one is the last.
    assert [row["cell_index"] for row in rows] == ["1", "2", "3"]
    drawn = rows[-1]
    assert (drawn["cell_area_px2"], drawn["nucleus_area_px2"], drawn["origin"]) == ("900", "100", "person")
    assert drawn["type_origin"] == "model"
    assert rows[0]["type"] == "monocyte"
    assert rows[1]["cell_area_px2"] == before[2]["cell_area_px2"]
    if page == "segment":
        at.button[[button.label for button in at.button].index("Discard")].click().run()
        kept = [row["cell_area_px2"] for row in read_every_file(saved)]
        assert kept == [row["cell_area_px2"] for row in before]


def test_a_prior_changes_the_types_on_both_pages(open_page: Any, panel: CellPanel) -> None:
    at = open_segment(open_page)

    def likeliest() -> list[float]:
        props = cell_list(at)
        assert props is not None
        return [cell["type"]["likeliest"][0][1] for cell in props["models"][0]["cells"]]

    shares = {}
    for prior in ("none", "adult", "sample"):
        at.selectbox(key="segment_prior").select(prior).run()
        assert not at.exception
        shares[prior] = likeliest()
    assert shares["none"] != shares["adult"]
    # Three cells are too few for an estimate.
    assert shares["sample"] == shares["adult"]
    at.selectbox(key="segment_prior").select("none").run()
    open_batch(at)
    assert at.selectbox(key="workbench_prior").value == "none"
    (result,) = at.session_state["batch"][1].get_results()
    assert [round(max(cell.type_probabilities.values()), 3) for cell in result.cells] == pytest.approx(shares["none"])


@pytest.mark.parametrize(
    "value",
    [
        *(None, 5, {}, {"digest": "another"}),
        *({"digest": "d", "model": model, "id": 1, "type": 2} for model in (None, "x", 5)),
        *({"digest": "d", "model": "m", "id": number, "type": 2} for number in (None, "1", True, 0, 70_000, [1])),
        *({"digest": "d", "model": "m", "id": 1, "type": index} for index in (None, "1", False, -2, 9, 1.0)),
    ],
)
def test_messages_that_cannot_be_read_change_nothing(value: object, monkeypatch: pytest.MonkeyPatch) -> None:
    from wbcseg.ui import corrections

    target = corrections.CorrectionTarget(KEY, lambda: None)  # type: ignore[arg-type, return-value]
    state = {"correction_targets viewer": ("d", {"m": target})}
    monkeypatch.setattr(corrections.st, "session_state", state)
    on_type_chosen("viewer", value)
    assert list(state) == ["correction_targets viewer"]
    on_type_chosen("viewer", {"digest": "d", "model": "m", "id": 1, "type": 2})
    assert [edit.type for edit in get_corrections(KEY).edits] == ["basophil"]


def test_giving_a_type_back_leaves_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    from wbcseg.pipeline import Edit
    from wbcseg.ui import corrections

    monkeypatch.setattr(corrections.st, "session_state", {})
    for edit in (
        Edit("set_type", (1, 2), type="basophil"),
        Edit("delete", (3,)),
        Edit("set_type", (1,), type="monocyte"),
    ):
        corrections.append_edit(KEY, edit)
    set_type(KEY, 1, "")
    assert get_corrections(KEY).edits == (Edit("set_type", (2,), type="basophil"), Edit("delete", (3,)))
