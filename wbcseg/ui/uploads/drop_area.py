"""The drop area: takes images, masks, zips and folders, dropped anywhere on the page, chosen or pasted.

Its styles are in ``drop_area.css``, which :mod:`wbcseg.ui.server` serves.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import streamlit as st
from streamlit.runtime.uploaded_file_manager import DeletedFile

from wbcseg.datasets.pairing import IMAGE_SUFFIXES
from wbcseg.datasets.uploads import Upload
from wbcseg.io import MAX_BYTES
from wbcseg.ui.uploads import store
from wbcseg.ui.visitors.session import describe_free_room

MAX_UPLOAD_MB: Final = -(-MAX_BYTES // 2**20)
"""Largest file in MB that the server accepts."""

DROP_AREA_KEY: Final = "drop_area"
"""Key of the container; the browser finds the uploader by it."""

_ROUND_KEY: Final = "uploader_round"
_FOLDER: Final = Path(__file__).parent

_drop_component = st.components.v2.component(
    "wbcseg.drop",
    html="<button type='button' class='choose-folder'></button><input type='file' webkitdirectory multiple hidden>",
    js=(_FOLDER / "drop.js").read_text(encoding="utf-8"),
    isolate_styles=False,
)


def show_drop_area(title: str, *, is_compact: bool = False) -> None:
    """Show the drop area. The files go to :mod:`wbcseg.ui.uploads.store`; the uploader is then empty again.

    Args:
        title: What to drop, in a sentence.
        is_compact: Whether it takes little room, beside images that are there already.
    """
    room = describe_free_room()
    key = f"{DROP_AREA_KEY}_compact" if is_compact else DROP_AREA_KEY
    with st.container(key=key, gap="xsmall", horizontal=is_compact, vertical_alignment="center"):
        if is_compact:
            st.markdown(title, width="content", help=room)
        else:
            st.subheader(title, anchor=False, text_alignment="center")
        widget_key = f"files_{st.session_state.get(_ROUND_KEY, 0)}"
        st.file_uploader(
            # Any type: names are unreliable, and files that are not images get a row with the reason.
            title,
            accept_multiple_files=True,
            max_upload_size=MAX_UPLOAD_MB,
            key=widget_key,
            on_change=_store_files,
            args=(widget_key,),
            label_visibility="collapsed",
            width=120 if is_compact else "stretch",
        )
        suffixes = [*sorted(IMAGE_SUFFIXES), ".zip"]
        # In a list, because Streamlit looks for data frames in a dictionary and would load pandas for it, 65 MB.
        data = [{"suffixes": suffixes, "label": "or choose a folder"}]
        _drop_component(key="drop", data=data, height="content", width=150 if is_compact else "stretch")
        if not is_compact:
            st.caption(
                "Crops of one cell or whole fields of view, masks, folders, zips; paste an image with Ctrl+V. PNG, "
                "JPEG, BMP, TIFF, WebP or HEIC. Only pixels are read; they stay in memory for this session and are "
                f"never stored on the server. {room}"
            )


def show_camera() -> None:
    """Show the camera; its photos are uploads like others."""
    widget_key = f"camera_{st.session_state.get(_ROUND_KEY, 0)}"
    st.camera_input(
        "Photo through the eyepiece",
        key=widget_key,
        on_change=_store_files,
        args=(widget_key,),
        width=480,
        resolution="1080p",
    )


def _store_files(widget_key: str) -> None:
    value: Any = st.session_state.get(widget_key)
    if not value:
        return
    # The server may have dropped a file of an uploader that is about to be replaced.
    files = [file for file in (value if isinstance(value, list) else [value]) if not isinstance(file, DeletedFile)]
    is_photo = widget_key.startswith("camera")
    store.add_uploads([Upload("Photo.jpg" if is_photo else file.name, file.getvalue, file.file_id) for file in files])
    # With another key, the uploader has no files.
    st.session_state[_ROUND_KEY] = st.session_state.get(_ROUND_KEY, 0) + 1
