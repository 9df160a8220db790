"""A reader's own picture: uploaded here, or handed over by the page that measures many."""

from __future__ import annotations

from typing import Final

import streamlit as st

from wbcseg.datasets.uploads import InputImage, count_max_pages
from wbcseg.errors import WbcsegError
from wbcseg.io import MAX_BYTES
from wbcseg.ui import cache, routes
from wbcseg.ui.components import dataset_picker
from wbcseg.ui.formatting import escape_markdown
from wbcseg.ui.state import save_choices

_TRANSFERRED_KEY: Final = "handed_picture"
"""A picture that another page handed over, with its mask where it has one, and its page; for this visit only."""

_UPLOADED_KEY: Final = "uploaded_picture"
"""Likewise, the one that was uploaded here: an uploader forgets its file while the reader is on another page."""

_UPLOADER_KEY: Final = "upload"


def upload_image() -> cache.LoadedImage:
    """Ask for a picture and read it; the page ends here until there is one that can be read."""
    transferred: tuple[InputImage, int] | None = st.session_state.get(_TRANSFERRED_KEY)
    uploaded: tuple[InputImage, int] | None = st.session_state.get(_UPLOADED_KEY)
    if transferred is None and uploaded is not None and st.session_state.get(_UPLOADER_KEY) is None:
        input_image, page = uploaded
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown("The picture that you brought before.", width="content")
            st.button("Bring another", icon=":material/upload:", on_click=_discard_image, type="tertiary")
    elif transferred is None:
        input_image, page = _upload_file(), 0
        if uploaded is None or uploaded[0].key != input_image.key:
            st.session_state[_UPLOADED_KEY] = (input_image, 0)
    else:
        input_image, page = transferred
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown("A picture from the page Measure.", width="content")
            st.page_link(routes.BATCH, label="Back to its table", icon=":material/arrow_back:")
            st.button("Bring another", icon=":material/upload:", on_click=_discard_image, type="tertiary")
    page = _select_page(input_image, page)
    try:
        loaded_image = cache.load_uploaded_image(input_image.key, input_image.name, page, input_image)
    except WbcsegError as error:
        st.error(escape_markdown(str(error)), icon=":material/broken_image:")
        st.stop()
    for notice in loaded_image.notices:
        st.caption(escape_markdown(notice))
    return loaded_image


def show_segment_upload_button(label: str, input_image: InputImage, page: int, key: str) -> None:
    """Offer to go to the page that segments, with a picture that the reader brought elsewhere.

    Args:
        label: Of the button.
        input_image: The picture, with its mask where it has one.
        page: Which page of a TIFF, from 0.
        key: Of the button.
    """
    if not st.button(label, icon=":material/biotech:", key=key):
        return
    try:
        in_memory_image = input_image.load_into_memory()
    except WbcsegError as error:
        st.error(escape_markdown(str(error)), icon=":material/broken_image:")
        return
    st.session_state[_TRANSFERRED_KEY] = (in_memory_image, page)
    save_choices(source=dataset_picker.FROM_UPLOAD)
    st.switch_page(routes.SEGMENT)


def _select_page(input_image: InputImage, page: int) -> int:
    """Ask which page of a TIFF is meant where it has several.

    Args:
        input_image: The picture.
        page: The page to begin with, from 0.

    Returns:
        The page, from 0.
    """
    page_count = count_max_pages([input_image])
    if page_count == 1:
        return 0
    # A key of its own for every file, so that another one begins at its first page.
    key = f"page_of_{input_image.key}"
    selected_page = st.number_input(
        "Page",
        min_value=1,
        max_value=page_count,
        value=min(page, page_count - 1) + 1,
        step=1,
        key=key,
        on_change=_save_page,
        args=(key,),
        width=130,
        help=f"Your file has {page_count} pages. This one is segmented.",
    )
    return int(selected_page) - 1


def _save_page(key: str) -> None:
    """Remember the page of a picture: Streamlit forgets it while the reader is on another page."""
    for state_key in (_TRANSFERRED_KEY, _UPLOADED_KEY):
        stored: tuple[InputImage, int] | None = st.session_state.get(state_key)
        if stored is not None:
            st.session_state[state_key] = (stored[0], st.session_state[key] - 1)
            return


def _discard_image() -> None:
    st.session_state.pop(_TRANSFERRED_KEY, None)
    _discard_uploaded()


def _discard_uploaded() -> None:
    st.session_state.pop(_UPLOADED_KEY, None)


def _upload_file() -> InputImage:
    file = st.file_uploader(
        "Your picture",
        type=["png", "jpg", "jpeg", "bmp", "tif", "tiff"],
        max_upload_size=-(-MAX_BYTES // 2**20),
        key=_UPLOADER_KEY,
        on_change=_discard_uploaded,
        width=720,
        help="One white cell in the middle works best, cropped so that the cell fills about half of the width.",
    )
    if file is None:
        st.markdown(
            "The picture stays in memory for this visit only: it is never stored. Only its pixels are read, nothing of "
            "what the file may say about patient, place or device.",
            width=720,
        )
        st.page_link(routes.BATCH, label="Many pictures at once: the page Measure", icon=":material/table_view:")
        st.stop()
    data = file.getvalue()
    return InputImage(file.name, cache.compute_digest(data), lambda: data)
