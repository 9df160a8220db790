"""Corrections of cells on Segment and Batch: counts, tables and every download follow, and they outlive the page."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile

import numpy as np
import pytest
import streamlit as st
from fields import CENTRES, KnowingSegmenter, build_segmentation, draw_field, draw_truth
from PIL import Image
from quick_app import TWO_MODELS, Threshold, cell_list, go_to, payloads, viewer_props

from wbcseg.inference import Segmentation
from wbcseg.io import encode_png, open_image
from wbcseg.ui import viewer
from wbcseg.ui.components import downloads

LABELS, NUMBERS = draw_truth()
FIELD = draw_field(LABELS)
PNG = encode_png(FIELD)
ADD = {"kind": "add_point", "ids": [], "points": [[262.0, 95.0]], "box": None}
DELETE = {"kind": "delete", "ids": [1], "points": [], "box": None}
REGION = [[0, 0], [100, 0], [100, 200], [0, 200]]


class Browser:
    """Sends messages from the viewer, each in the next run of the page."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.message: object = None
        self._component = viewer._viewer_component
        monkeypatch.setattr(viewer, "_viewer_component", self._show)

    def _show(self, *, key, on_edits_change, **options):
        if self.message is not None:
            message, self.message = self.message, None
            st.session_state[key] = {"edits": message}
            on_edits_change()
            del st.session_state[key]
            st.rerun()
        self._component(key=key, on_edits_change=on_edits_change, **options)

    def send(self, at, *edits, model="unet-16", **more):
        props = viewer_props(at)
        self.message = {
            "digest": props["digest"],
            "model": model,
            "list": list(edits),
            "region": None,
            "edge_rule": "all",
            **more,
        }
        at.run()
        assert not at.exception


def predict_groups(*groups):
    """Return the method of a model that finds these cells; a group of several is one cell to it."""
    return lambda self, *_, **__: build_segmentation(LABELS, NUMBERS, groups, self.name)


@pytest.fixture
def browser(monkeypatch):
    """A browser whose image has four cells that the model finds, the last two as one, and two that it misses."""
    segmenter = KnowingSegmenter(LABELS, NUMBERS)
    monkeypatch.setattr(Threshold, "predict", predict_groups([1], [2], [4, 5]))
    monkeypatch.setattr(Threshold, "segment_cell", segmenter.segment_cell, raising=False)
    return Browser(monkeypatch)


@pytest.fixture
def saved(monkeypatch):
    """The content of the download buttons by label."""
    contents = {}
    monkeypatch.setattr(downloads.st, "download_button", lambda label, data, *_, **__: contents.update({label: data}))
    return contents


def open_segment(open_page, png=PNG, **choices):
    at = open_page("segment", source="Upload an image", **choices)
    at.file_uploader[0].upload("field.png", png).run()
    assert not at.exception
    return at


def upload_another(at, name, data):
    next(button for button in at.button if button.label == "Upload another").click().run()
    at.file_uploader[0].upload(name, data).run()


def open_batch(open_page, png=PNG):
    at = open_page("batch")
    at.file_uploader[0].upload("field.png", png, "image/png")
    at.run()
    at.session_state["batch"][1].join(60)
    at.run()
    assert not at.exception
    return at


def get_panel(at, model="unet-16"):
    return next(panel for panel in viewer_props(at)["panels"] if panel["key"] == model)


def list_table_cells(at):
    """Return the numbers of the cells in the table or list of a page; on Segment those of the first model."""
    listed = cell_list(at)
    if listed is not None:
        return [cell["number"] for cell in listed["models"][0]["cells"]]
    (html,) = [item.proto.body for item in at.get("html") if 'class="cells"' in item.proto.body]
    return [int(number) for number in re.findall(r"Cell (\d+)", html)]


def read_rows(saved):
    text = saved["Download measurements (CSV)"]().decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


@pytest.mark.parametrize("open_it", [open_segment, open_batch])
def test_table_downloads_and_viewer_follow_corrections(open_page, browser, saved, open_it):
    at = open_it(open_page)
    assert [cell["id"] for cell in get_panel(at)["cells"]] == list_table_cells(at) == [1, 2, 3]
    browser.send(at, ADD, DELETE)
    panel = get_panel(at)
    # The ids stay, and the numbers have no gap.
    assert [(cell["id"], cell["number"]) for cell in panel["cells"]] == [(2, 1), (3, 2), (4, 3)]
    assert [cell["origin"] for cell in panel["cells"]] == ["model", "model", "person"]
    assert panel["edits"] == [ADD, DELETE]
    assert panel["problem"] is None
    assert panel["count_text"] == "3 white blood cells"
    assert list_table_cells(at) == [1, 2, 3]
    rows = [row for row in read_rows(saved) if row["model"] == "unet-16"]
    assert [row["cell_index"] for row in rows] == ["1", "2", "3"]
    assert [row["origin"] for row in rows] == ["model", "model", "person"]
    assert float(rows[2]["cell_area_px2"]) == (NUMBERS == 3).sum()
    assert all("Cells corrected by a person: 1 added, 1 deleted." in row["note"] for row in rows)
    with zipfile.ZipFile(io.BytesIO(saved["Download all (zip)"]())) as archive:
        masks = [name for name in archive.namelist() if name.startswith("masks/") and "unet-16" in name]
        files = {name.partition("unet-16.")[2]: archive.read(name) for name in archive.namelist() if "unet-16." in name}
        # Without other models, the name of the COCO file has no model.
        coco_file = {"outlines-unet-16.coco.json", "outlines.coco.json"}.intersection(archive.namelist()).pop()
        document = json.loads(archive.read(coco_file))
        (image_row, *_) = csv.DictReader(io.StringIO(archive.read("images.csv").decode("utf-8-sig")))
    assert (image_row["cells"], image_row["cells_counted"]) == ("3", "3")
    with Image.open(io.BytesIO(files["labels.png"])) as label_image:
        instances = np.asarray(label_image)
    names = ["Cell 1", "Cell 2", "Cell 3"]
    assert [each["properties"]["name"] for each in json.loads(files["geojson"])["features"]] == names
    roi_names = zipfile.ZipFile(io.BytesIO(files["rois.zip"])).namelist()
    assert roi_names == [f"{name}.roi" for name in names]
    assert sorted({each["attributes"]["cell_index"] for each in document["annotations"]}) == [1, 2, 3]
    assert sorted(re.findall(r"cell-(\d)", " ".join(masks))) == ["1", "2", "3"]
    assert (instances == np.select([NUMBERS == 2, np.isin(NUMBERS, (4, 5)), NUMBERS == 3], [1, 2, 3], 0)).all()
    # The map of the panel follows, too.
    _, parts = payloads(at)[panel["map_digest"]]
    expected = np.where(NUMBERS == 1, 0, LABELS) * np.isin(NUMBERS, (2, 3, 4, 5))
    assert (open_image(parts["unet-16"]).pixels[..., 0] == expected).all()
    browser.send(at, ADD)
    assert list_table_cells(at) == [1, 2, 3, 4]
    browser.send(at)
    assert list_table_cells(at) == [1, 2, 3]
    assert get_panel(at)["map_digest"] == ""


def test_a_cells_outline_and_centroid_are_where_the_cell_is(open_page, browser):
    cells = get_panel(open_segment(open_page))["cells"]
    outline = np.array(cells[0]["outline"])
    x, y = CENTRES[0]
    assert np.abs(np.hypot(outline[:, 0] - x, outline[:, 1] - y) - 20).max() < 1
    assert cells[0]["centroid"] == [x, y]
    (nucleus,) = cells[0]["nuclei"]
    assert np.abs(np.hypot(*(np.array(nucleus) - (x, y)).T) - 10).max() < 1
    assert len(cells[2]["nuclei"]) == 2


def test_an_edit_that_does_nothing_is_left_out_and_explained(open_page, browser):
    at = open_segment(open_page)
    nothing = ADD | {"points": [[200.0, 10.0]]}
    browser.send(at, DELETE, nothing)
    assert get_panel(at)["edits"] == [DELETE]
    assert "No white blood cell could be segmented there." in get_panel(at)["problem"]
    browser.send(at, DELETE)
    assert get_panel(at)["problem"] is None


@pytest.mark.parametrize(
    "message", ["nonsense", {}, {"list": [{"kind": "erase"}]}, {"list": [], "region": [[1, 2]]}, {"list": None}]
)
def test_a_message_that_cannot_be_read_changes_nothing(open_page, browser, message):
    at = open_segment(open_page)
    browser.send(at, ADD)
    browser.message = message if isinstance(message, str) else {"digest": viewer_props(at)["digest"], **message}
    at.run()
    assert not at.exception
    assert get_panel(at)["edits"] == [ADD]
    assert get_panel(at)["problem"]


@pytest.mark.parametrize("more", [{"digest": "another"}, {"model": "another"}, {"model": "image"}])
def test_a_message_about_another_image_or_panel_is_ignored(open_page, browser, more):
    at = open_segment(open_page)
    browser.send(at, ADD, **more)
    assert get_panel(at)["edits"] == []


def test_corrections_belong_to_one_model_and_outlive_the_page(open_page, browser):
    at = open_segment(open_page, models=TWO_MODELS)
    browser.send(at, ADD, model="segnet-16")
    assert (len(get_panel(at, "unet-16")["cells"]), len(get_panel(at, "segnet-16")["cells"])) == (3, 4)
    go_to(at, "batch")
    at.run()
    go_to(at, "segment")
    at.query_params["source"] = "Upload an image"
    at.query_params["models"] = TWO_MODELS
    at.run()
    assert len(get_panel(at, "segnet-16")["cells"]) == 4


def test_each_image_has_its_own_corrections(open_page, browser):
    at = open_segment(open_page)
    browser.send(at, ADD)
    another = FIELD.copy()
    another[0, 2] = 0
    upload_another(at, "another.png", encode_png(another))
    assert get_panel(at)["edits"] == []
    browser.send(at, DELETE)
    upload_another(at, "the same field.png", PNG)
    assert get_panel(at)["edits"] == [ADD]


def test_counts_by_edge_rule_and_region(open_page, browser, saved):
    at = open_segment(open_page)
    cut = {"kind": "add_box", "ids": [], "points": [], "box": [270.0, 150.0, 300.0, 200.0]}
    browser.send(at, cut, region=REGION, edge_rule="two_edges")
    panel = get_panel(at)
    assert panel["count_text"] == "4 white blood cells · 3 by the two-edge rule · 2 in the region"
    assert [cell["cut_off"] for cell in panel["cells"]] == [False, False, False, True]
    assert panel["region"] == REGION
    assert viewer_props(at)["edge_rule"] == "two_edges"
    assert [row["in_region"] for row in read_rows(saved) if row["model"] == "unet-16"] == ["1", "0", "1", "0"]
    assert not [box for box in at.selectbox if box.key == "edge_rule"], "The viewer has the choice."
    browser.send(at, cut, edge_rule="all")
    assert viewer_props(at)["edge_rule"] == "all"
    browser.send(at, cut, edge_rule="complete")
    assert get_panel(at)["count_text"] == "4 white blood cells · 3 not cut by the edge"


def test_a_field_opened_from_batch_has_the_same_corrections_on_both_pages(open_page, browser):
    at = open_batch(open_page)
    browser.send(at, ADD)
    next(button for button in at.button if button.label == "Open in Segment").click().run()
    go_to(at, "segment")
    at.run()
    assert len(get_panel(at)["cells"]) == 4
    browser.send(at, ADD, DELETE)
    go_to(at, "batch")
    at.run()
    assert list_table_cells(at) == [1, 2, 3]


def test_that_no_cell_was_found_is_a_warning_with_an_offer(open_page, browser, monkeypatch):
    monkeypatch.setattr(Threshold, "predict", predict_groups())
    another = FIELD.copy()
    another[0, 0] = 0
    for open_it in (open_segment, open_batch):
        # Another image, because the results of this one are in a cache.
        at = open_it(open_page, encode_png(another))
        assert any("click it" in warning.value for warning in at.warning)
        assert get_panel(at)["cells"] == []
        browser.send(at, ADD)
        assert not any("click it" in warning.value for warning in at.warning)
        assert list_table_cells(at) == [1]


def test_a_crop_in_which_a_cell_was_overlooked_becomes_a_field(open_page, browser, monkeypatch):
    labels = LABELS * (NUMBERS == 1)
    monkeypatch.setattr(
        Threshold,
        "predict",
        lambda self, *_, **__: Segmentation(labels, np.eye(3, dtype=np.float32)[labels], self.name),
    )
    another = FIELD.copy()
    another[0, 1] = 0
    for open_it in (open_segment, open_batch):
        at = open_it(open_page, encode_png(another))
        assert not any(panel["cells"] for panel in viewer_props(at)["panels"]) if open_it is open_segment else True
        at.button(key="correct_cells").click().run()
        (cell,) = get_panel(at)["cells"]
        assert (cell["id"], cell["centroid"]) == (1, list(CENTRES[0]))
        browser.send(at, ADD)
        assert list_table_cells(at) == [1, 2]
        browser.send(at)
        assert list_table_cells(at) == [1]
