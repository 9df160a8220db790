"""What a browser keeps and sends back is checked like any upload; the server has it in memory only."""

from __future__ import annotations

import gc
import hashlib
import json
import time
from typing import Any

import pytest
from asgi import send_request
from starlette.applications import Starlette
from streamlit.testing.v1 import AppTest

from wbcseg.errors import ErrorCode, ImageError
from wbcseg.ui.keep.state import MAX_TEXT, parse_state
from wbcseg.ui.server import file_store, routes
from wbcseg.ui.server.file_store import FileStore, get_store

DATA = b"an image"
KEY = hashlib.sha256(DATA).hexdigest()
EDIT = {"kind": "add_point", "ids": [], "points": [[4, 5]], "box": None}
CORRECTION = [["ab" * 32, ["unet-general", "checksum"], False], {"edits": [EDIT], "region": None, "as_field": True}]


def put(store_path: str, data: bytes) -> int:
    return send_request(
        Starlette(routes=list(routes.create_routes(""))), store_path, method="PUT", body=data
    ).status_code


def test_a_browser_sends_a_file_back_once() -> None:
    store = FileStore()
    assert put(f"/_wbcseg/files/{store.token}/{KEY}", DATA) == 204
    assert store.take() == {KEY: DATA}
    assert store.take() == {}


def test_a_file_that_was_changed_is_rejected() -> None:
    store = FileStore()
    assert put(f"/_wbcseg/files/{store.token}/{KEY}", b"another image") == 400
    with pytest.raises(ImageError) as info:
        store.receive("../" + KEY, DATA)
    assert info.value.code is ErrorCode.CHECKSUM_MISMATCH
    assert store.take() == {}


def test_too_much_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    store = FileStore()
    monkeypatch.setattr(file_store, "MAX_TOTAL_BYTES", 10)
    store.receive(KEY, DATA)
    other = b"more"
    assert put(f"/_wbcseg/files/{store.token}/{hashlib.sha256(other).hexdigest()}", other) == 413
    monkeypatch.setattr(routes, "MAX_BYTES", 5)
    assert put(f"/_wbcseg/files/{store.token}/{KEY}", DATA) == 413
    assert store.take() == {KEY: DATA}


def test_only_the_visitor_reaches_the_files_and_only_those_offered() -> None:
    app = Starlette(routes=list(routes.create_routes("")))
    store, other = FileStore(), FileStore()
    store.offer({KEY: lambda: DATA})
    answer = send_request(app, f"/_wbcseg/files/{store.token}/{KEY}")
    assert answer.content == DATA
    assert answer.headers["cache-control"] == "no-store"
    assert send_request(app, f"/_wbcseg/files/{other.token}/{KEY}").status_code == 404
    assert send_request(app, f"/_wbcseg/files/{store.token}").status_code == 204
    assert send_request(app, "/_wbcseg/files/guess").status_code == 404
    assert put("/_wbcseg/files/guess/" + KEY, DATA) == 404
    store.offer({})
    assert send_request(app, f"/_wbcseg/files/{store.token}/{KEY}").status_code == 404
    token = store.token
    del store
    # A collection does nothing while another thread collects, as that of the pages does.
    deadline = time.monotonic() + 10
    while get_store(token) is not None and time.monotonic() < deadline:
        gc.collect()
    assert get_store(token) is None


def test_corrections_and_choices_are_read_back() -> None:
    value = json.loads(json.dumps({"corrections": [CORRECTION], "choices": {"batch_tta": True, "edge_rule": "all"}}))
    kept = parse_state(value)
    (corrections,) = kept.corrections.values()
    assert list(kept.corrections) == [("ab" * 32, ("unet-general", "checksum"), False)]
    assert corrections.edits[0].points == ((4.0, 5.0),)
    assert corrections.as_field
    assert kept.choices == {"batch_tta": True, "edge_rule": "all"}
    assert kept.rejected_count == 0


def test_a_drawn_mask_is_not_counted_as_a_corrected_result() -> None:
    drawn = [["cd" * 32, ["unet", "c"], False], {"edits": [{"kind": "paint", "mask": "1"}]}]
    kept = parse_state({"corrections": [CORRECTION, drawn]})
    assert len(kept.corrections) == 2
    assert kept.correction_count == 1


@pytest.mark.parametrize(
    "item",
    [
        None,
        [],
        "text",
        [["ab" * 32, ["unet"], False], {}],
        [["../../x", ["unet", "c"], False], {"edits": []}],
        [["ab" * 32, ["unet", "c"], "no"], {"edits": []}],
        [["ab" * 32, ["u" * (MAX_TEXT + 1), "c"], False], {"edits": []}],
        [["ab" * 32, ["unet", "c"], False], {"edits": [{"kind": "explode"}]}],
        [["ab" * 32, ["unet", "c"], False], {"edits": [{"kind": "add_point", "points": [["1e999", "x"]]}]}],
        [["ab" * 32, ["unet", "c"], False], {"edits": [], "region": [[0, 0]]}],
        [["ab" * 32, {"unet": "c"}, False], {"edits": []}],
    ],
)
def test_corrections_that_cannot_be_read_are_left_out(item: Any) -> None:
    kept = parse_state({"corrections": [item, CORRECTION], "choices": {}})
    assert len(kept.corrections) == 1
    assert kept.rejected_count == 1


@pytest.mark.parametrize(
    "value",
    [
        None,
        1,
        "x",
        [],
        {},
        {"corrections": 3, "choices": 4},
        {"choices": {"edge_rule": "x", "batch_tta": 1, "other": "y"}},
    ],
)
def test_a_state_that_cannot_be_read_is_empty(value: Any) -> None:
    kept = parse_state(value)
    assert not kept.corrections
    assert not kept.choices


@pytest.mark.parametrize(
    ("value", "expected"), [(0.25, 0.25), (1, 1.0), (True, None), ("0.25", None), (0, None), (1e9, None), (None, None)]
)
def test_a_pixel_size_is_restored_if_it_is_one(value: Any, expected: float | None) -> None:
    assert parse_state({"pixel_size": value}).pixel_size == expected


def restore_pixel_size_script() -> None:
    import streamlit as st

    from wbcseg.ui.components.pixel_size import select_pixel_size
    from wbcseg.ui.keep.state import collect_state, parse_state, restore_state

    st.text(select_pixel_size(in_address=False))
    st.text(collect_state()["pixel_size"])
    st.button("Restore", on_click=lambda: restore_state(parse_state({"pixel_size": 0.25})))


def test_the_input_shows_the_restored_pixel_size() -> None:
    at = AppTest.from_function(restore_pixel_size_script, default_timeout=60).run()
    assert [text.value for text in at.text] == ["None", "None"]
    at.button[0].click().run()
    assert at.number_input[0].value == 0.25
    assert [text.value for text in at.text] == ["0.25", "0.25"]


def restore_masks_script() -> None:
    import numpy as np
    import streamlit as st

    from wbcseg.ui.keep import masks
    from wbcseg.ui.segment.edited_masks import EditedMask, get_edited_masks

    image, labels = np.full((6, 8, 3), 9, np.uint8), np.zeros((6, 8), np.uint8)
    labels[2:4, 3:5] = 2
    if not get_edited_masks():
        get_edited_masks()["d1"] = EditedMask("Cell one", "one", image, labels)
    items, files = masks.list_masks()
    data = {file.key: file.load() for file in files}
    st.text([(file.name, file.size == len(file.load())) for file in files])
    # After a reload, nothing is there.
    get_edited_masks().clear()
    unusable = [
        None,
        {**items[0], "digest": 3},
        {**items[0], "title": ""},
        {**items[0], "mask_key": "missing"},
        {**items[0], "digest": "d2", "image_key": "text"},
    ]
    st.text(masks.restore_masks([*unusable, {**items[0], "stem": "../one"}], data | {"text": b"no image"}))
    st.text(masks.restore_masks("no list", data))
    for digest, mask in get_edited_masks().items():
        same = np.array_equal(mask.image, image) and np.array_equal(mask.labels, labels)
        st.text((digest, mask.title, mask.stem, same))


def test_edited_masks_are_restored_with_their_images() -> None:
    at = AppTest.from_function(restore_masks_script, default_timeout=60).run()
    assert not at.exception
    assert [text.value for text in at.text] == [
        "[('Cell one', True), ('Cell one', True)]",
        "1",
        "0",
        "('d1', 'Cell one', 'one', True)",
    ]


def restore_script() -> None:
    import streamlit as st

    from wbcseg.ui.keep import uploads
    from wbcseg.ui.segment.upload import get_own_upload
    from wbcseg.ui.uploads import store

    received = {"k1": b"one", "k2": b"two"}
    items = [
        {"key": "k1", "name": "a.png", "page": "batch"},
        {"key": "k1", "name": "a.png", "page": "batch"},
        {"key": "k2", "name": "b.png", "page": "segment"},
        {"key": "k2", "name": "", "page": "batch"},
        {"key": "k2", "name": "x" * 300, "page": "batch"},
        {"key": "k2", "name": "c.png", "page": "train"},
        {"key": "k3", "name": "d.png", "page": "batch"},
        {"key": ["k1"], "name": "e.png", "page": "batch"},
        None,
    ]
    if "done" not in st.session_state:
        st.session_state["done"] = True
        uploads.restore_files("no list", received)
        uploads.restore_files(items, received)
    st.text([upload.name for upload in store.get_own_uploads()])
    st.text(get_own_upload().name)
    st.text([(file.name, file.page, file.size) for file in uploads.list_files()])


def test_files_become_uploads_again() -> None:
    at = AppTest.from_function(restore_script, default_timeout=60).run()
    assert not at.exception
    assert [text.value for text in at.text] == [
        "['a.png']",
        "b.png",
        "[('a.png', 'batch', 3), ('b.png', 'segment', 3)]",
    ]
