"""The workbench without a page: what is sent to the browser, and what comes back."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
from dataclasses import replace
from typing import Any

import pytest
import streamlit as st
from cells_with_types import make_cell
from test_viewer_scripts import find_node

from wbcseg.datasets.uploads import InputImage
from wbcseg.differential import ASSIGNABLE_TYPES, TYPE_COLOURS
from wbcseg.errors import EditError
from wbcseg.io.encode import decode_preview
from wbcseg.pipeline import Edit, ImageResult
from wbcseg.pipeline.tiles import TILE_SIDE, Tile, render_tile
from wbcseg.results import CellFeatures
from wbcseg.ui import corrections
from wbcseg.ui.bundler import bundle
from wbcseg.ui.viewer.payload import decode_payload
from wbcseg.ui.workbench import PAYLOAD_SCRIPTS, SOURCES, WORKBENCH_SCRIPTS
from wbcseg.ui.workbench.cells import collect_cells
from wbcseg.ui.workbench.operations import History, read_operations
from wbcseg.ui.workbench.payload import SHOWN_FEATURES, build_props, encode_cells
from wbcseg.ui.workbench.plots import draw_histogram, draw_scatter, list_selected
from wbcseg.ui.workbench.sprites import SHEET_TILES, SpriteAtlas
from wbcseg.ui.workbench.state import Selection, read_look


def make_results(*types: str) -> list[ImageResult]:
    """Return two images: all cells but the last one are in the first."""
    cells = [
        replace(make_cell(name), id=number, cell_index=number, features=CellFeatures({"cell_area": 10.0 * number}))
        for number, name in enumerate(types, start=1)
    ]
    groups = (tuple(cells[:-1]), (cells[-1],))
    image = cells[0].load()[0]
    return [
        ImageResult(
            InputImage(name, name, lambda: b""),
            (4, 4),
            True,
            group,
            tiles=tuple(render_tile(image, replace(cell, load=lambda cell=cell: cell.load())) for cell in group),
        )
        for name, group in zip(("a.png", "b.png"), groups, strict=True)
    ]


def test_the_scripts_pass_their_unit_tests() -> None:
    done = subprocess.run(
        [find_node(), "--test"], cwd=SOURCES.parent, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "# fail 0" in done.stdout


@pytest.mark.parametrize("names", [PAYLOAD_SCRIPTS, WORKBENCH_SCRIPTS])
def test_a_bundle_is_one_module(names: tuple[str, ...], tmp_path: Any) -> None:
    text = bundle(SOURCES, names)
    assert "\nimport " not in text
    assert text.count("export default") == 1
    if shutil.which("node"):
        script = tmp_path / "bundle.mjs"
        script.write_text(text, encoding="utf-8")
        subprocess.run([find_node(), "--check", str(script)], check=True, timeout=60)


def test_every_script_is_bundled() -> None:
    names = {path.name for path in SOURCES.glob("*.js")}
    assert names == {name for name in (*PAYLOAD_SCRIPTS, *WORKBENCH_SCRIPTS) if "/" not in name}


def test_every_type_has_a_colour_of_its_own() -> None:
    assert list(TYPE_COLOURS) == list(ASSIGNABLE_TYPES)
    assert len(set(TYPE_COLOURS.values())) == len(TYPE_COLOURS)


def test_the_list_of_cells_has_everything_but_what_a_person_did() -> None:
    results = make_results("neutrophil", "monocyte", "unsure", "")
    cells = collect_cells(results)
    assert [cell.key for cell in cells] == ["0.1", "0.2", "0.3", "1.4"]
    places = SpriteAtlas().place(cell.tile for cell in cells if cell.tile)
    digest, payload = encode_cells(cells, places, source="s", pixel_size=0.5, edge_rule="all")
    header, _ = decode_payload(payload)
    columns = header["columns"]
    assert columns["predicted"] == [0, 4, 8, -1]
    assert columns["image"] == [0, 0, 0, 1]
    assert columns["slot"] == [0, 1, 2, 3]
    # 10 px² at 0.5 µm are 2.5 µm²; what is not known is missing.
    assert columns["values"][SHOWN_FEATURES.index("cell_area")] == [2.5, 5.0, 7.5, 10.0]
    assert columns["values"][SHOWN_FEATURES.index("nucleus_area")] == [None] * 4
    refiled = [
        replace(result, cells=tuple(replace(c, assigned_type="basophil") for c in result.cells)) for result in results
    ]
    again = collect_cells(refiled)
    assert encode_cells(again, places, source="s", pixel_size=0.5, edge_rule="all")[0] == digest
    props = build_props(
        again,
        digest,
        ["x"],
        operations={},
        selection=Selection().to_props(),
        large=None,
        reports_selection=False,
        can_open=True,
    )
    assert (props["types"], props["assigned"]) == ([2, 2, 2, 2], [1, 1, 1, 1])
    json.dumps(props)


def test_a_tile_keeps_its_place_and_only_the_last_sheet_changes() -> None:
    import numpy as np

    from wbcseg.io.encode import encode_jpeg

    def make_tile(value: int) -> Tile:
        pixels = np.full((TILE_SIDE, TILE_SIDE, 3), value, np.uint8)
        return Tile(encode_jpeg(pixels), 10.0, ((0, 0), (192, 0), (96, 192)), (((1, 2), (3, 4), (5, 6)),))

    tiles, atlas = [make_tile(index % 250) for index in range(SHEET_TILES + 1)], SpriteAtlas()
    places = atlas.place(tiles)
    assert places[0] == (0, 0)
    assert places[-1] == (1, 0)
    first, second = atlas.encode(0), atlas.encode(1)
    assert atlas.place([make_tile(7), tiles[0]]) == [(1, 1), (0, 0)]
    assert atlas.encode(0) is not None
    assert atlas.encode(0)[0] == first[0]
    assert atlas.encode(1)[0] != second[0]
    header, parts = decode_payload(first[1])
    sheet = decode_preview(parts["image"])
    row, column = divmod(13, header["columns"])
    assert abs(int(sheet[row * TILE_SIDE + 40, column * TILE_SIDE + 40, 0]) - 13) < 5
    start, *lengths = header["rings"][13]
    assert lengths == [3, 3]
    assert list(parts["outlines"][start : start + 12]) == [0, 0, 192, 0, 96, 192, 1, 2, 3, 4, 5, 6]


MESSAGE = {"digest": "d", "client": "c", "list": [{"n": 1, "kind": "set_type", "keys": ["0.1"], "type": 4}]}


def test_operations_of_a_browser_are_read() -> None:
    digest, client, (operation,) = read_operations(MESSAGE)
    assert (digest, client, operation.keys, operation.type) == ("d", "c", ("0.1",), "monocyte")


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        {},
        MESSAGE | {"list": 5},
        MESSAGE | {"list": [5]},
        MESSAGE | {"list": [{}]},
        MESSAGE | {"list": [{"n": True, "kind": "undo"}]},
        MESSAGE | {"list": [{"n": 1, "kind": "erase"}]},
        MESSAGE | {"list": [{"n": 1, "kind": "set_type", "keys": "0.1", "type": 1}]},
        MESSAGE | {"list": [{"n": 1, "kind": "set_type", "keys": [1], "type": 1}]},
        MESSAGE | {"list": [{"n": 1, "kind": "set_type", "keys": [], "type": 9}]},
        MESSAGE | {"list": [{"n": 1, "kind": "set_type", "keys": [], "type": -1}]},
        MESSAGE | {"list": [{"n": 1, "kind": "set_type", "keys": [], "type": True}]},
        MESSAGE | {"list": [{"n": 1, "kind": "undo"}] * 501},
        MESSAGE | {"client": "c" * 41},
    ],
)
def test_other_messages_are_rejected(value: object) -> None:
    with pytest.raises(EditError):
        read_operations(value)


@pytest.mark.parametrize(
    "value", [None, {}, {"digest": "d", "focus": 5, "selection": []}, {"digest": "d", "selection": [1]}]
)
def test_looks_that_are_none_are_rejected(value: object) -> None:
    with pytest.raises(EditError):
        read_look(value)


FIRST, SECOND = ("a", ("m", "1"), False), ("b", ("m", "1"), False)
TARGETS = {"0.1": (FIRST, 1), "0.2": (FIRST, 2), "1.1": (SECOND, 1)}


def perform(history: History, *operations: dict[str, Any]) -> None:
    history.perform("c", read_operations(MESSAGE | {"list": list(operations)})[2], TARGETS)


def list_edits(key: corrections.CorrectionKey) -> list[tuple[tuple[int, ...], str]]:
    return [(edit.ids, edit.type) for edit in corrections.get_corrections(key).edits]


@pytest.fixture
def history(monkeypatch: pytest.MonkeyPatch) -> History:
    monkeypatch.setattr(st, "session_state", {})
    return History()


def test_an_operation_concerns_many_images_and_is_undone_as_one(history: History) -> None:
    perform(history, {"n": 1, "kind": "set_type", "keys": ["0.1", "1.1", "0.2", "gone"], "type": 4})
    assert list_edits(FIRST) == [((1, 2), "monocyte")]
    assert list_edits(SECOND) == [((1,), "monocyte")]
    perform(history, {"n": 2, "kind": "set_type", "keys": ["1.1"], "type": 0})
    perform(history, {"n": 3, "kind": "undo"}, {"n": 4, "kind": "undo"})
    assert list_edits(FIRST) == list_edits(SECOND) == []
    perform(history, {"n": 5, "kind": "redo"})
    assert list_edits(SECOND) == [((1,), "monocyte")]
    assert history.to_props() == {"client": "c", "done": 5, "undo": 1, "redo": 1}
    perform(history, {"n": 6, "kind": "set_type", "keys": ["0.2"], "type": 1})
    assert history.to_props()["redo"] == 0, "another step leaves nothing to redo"


def test_what_was_done_is_not_done_again(history: History) -> None:
    operation = {"n": 1, "kind": "set_type", "keys": ["0.1"], "type": 4}
    perform(history, operation)
    perform(history, operation, {"n": 2, "kind": "undo"})
    perform(history, operation, {"n": 2, "kind": "undo"})
    assert list_edits(FIRST) == []


def test_undo_leaves_later_corrections_of_the_viewer_alone(history: History) -> None:
    perform(history, {"n": 1, "kind": "set_type", "keys": ["0.1"], "type": 4})
    corrections.append_edit(FIRST, Edit("delete", (2,)))
    perform(history, {"n": 2, "kind": "undo"})
    assert [edit.kind for edit in corrections.get_corrections(FIRST).edits] == ["delete"]


def test_a_scatter_plot_and_its_selection() -> None:
    cells = collect_cells(make_results("neutrophil", "monocyte", "neutrophil", ""))
    figure, keys = draw_scatter(cells, [1.0, 2.0, math.nan, 4.0], [0.1, 0.2, 0.3, 0.4], ("x", "y"), ["0.2"])
    assert [trace.name for trace in figure.data] == ["Neutrophil (1)", "Monocyte (1)", "No type yet (1)"]
    assert [list(trace.selectedpoints) for trace in figure.data] == [[], [0], []]
    event = {"selection": {"points": [{"curve_number": 0, "point_index": 0}, {"curve_number": 2, "point_index": 0}]}}
    assert list_selected(event, keys) == ["0.1", "1.4"]
    assert list_selected(None, keys) == []
    assert list_selected({"selection": {"points": [{"curve_number": 9, "point_index": 9}]}}, keys) == []


def test_a_histogram_counts_every_cell_once() -> None:
    cells = collect_cells(make_results("neutrophil", "monocyte", "neutrophil", "monocyte"))
    figure, keys = draw_histogram(cells, [1.0, 5.0, 1.0, 9.0], "x", [])
    assert sum(sum(trace.y) for trace in figure.data) == 4
    assert sorted(key for each in keys.values() for key in each) == ["0.1", "0.2", "0.3", "1.4"]
    assert ("0.1", "0.3") in keys.values()
    assert draw_histogram([], [], "x", [])[0].data == ()
