"""A reader's own picture: uploaded here, or handed over by the page that measures many."""

from __future__ import annotations

from typing import Final

import streamlit as st

from wbcseg.datasets.uploads import InputImage, count_max_pages
from wbcseg.errors import WbcsegError
from wbcseg.io import MAX_BYTES
from wbcseg.ui import cache, routes
from wbcseg.ui.components import dataset_picker
from wbcseg.ui.text import escape_markdown

_TRANSFERRED_KEY: Final = "handed_picture"
"""A picture that another page handed over, with its mask where it has one, and its page; for this visit only."""

_UPLOADED_KEY: Final = "uploaded_picture"
"""Likewise, the one that was uploaded here: an uploader forgets its file while the reader is on another page."""

_UPLOADER_KEY: Final = "upload"


def upload_image() -> cache.LoadedImage:
    """Ask for a picture and read it; the page ends here until there is one that can be read."""
    handed: tuple[InputImage, int] | None = st.session_state.get(_TRANSFERRED_KEY)
    earlier: tuple[InputImage, int] | None = st.session_state.get(_UPLOADED_KEY)
    if handed is None and earlier is not None and st.session_state.get(_UPLOADER_KEY) is None:
        item, page = earlier
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown("The picture that you brought before.", width="content")
            st.button("Bring another", icon=":material/upload:", on_click=_discard_image, type="tertiary")
    elif handed is None:
        item, page = _upload_file(), 0
        if earlier is None or earlier[0].key != item.key:
            st.session_state[_UPLOADED_KEY] = (item, 0)
    else:
        item, page = handed
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown("A picture from the page Measure.", width="content")
            st.page_link(routes.BATCH, label="Back to its table", icon=":material/arrow_back:")
            st.button("Bring another", icon=":material/upload:", on_click=_discard_image, type="tertiary")
    page = _select_page(item, page)
    try:
        picture = cache.load_uploaded_image(item.key, item.name, page, item)
    except WbcsegError as problem:
        st.error(escape_markdown(str(problem)), icon=":material/broken_image:")
        st.stop()
    for notice in picture.notices:
        st.caption(escape_markdown(notice))
    return picture


def show_segment_upload_button(label: str, item: InputImage, page: int, key: str) -> None:
    """Offer to go to the page that segments, with a picture that the reader brought elsewhere.

    Args:
        label: Of the button.
        item: The picture, with its mask where it has one.
        page: Which page of a TIFF, from 0.
        key: Of the button.
    """
    if not st.button(label, icon=":material/biotech:", key=key):
        return
    try:
        handed = item.load_into_memory()
    except WbcsegError as problem:
        st.error(escape_markdown(str(problem)), icon=":material/broken_image:")
        return
    st.session_state[_TRANSFERRED_KEY] = (handed, page)
    dataset_picker.persist(source=dataset_picker.FROM_UPLOAD)
    st.switch_page(routes.SEGMENT)


def _select_page(item: InputImage, page: int) -> int:
    """Ask which page of a TIFF is meant where it has several.

    Args:
        item: The picture.
        page: The page to begin with, from 0.

    Returns:
        The page, from 0.
    """
    pages = count_max_pages([item])
    if pages == 1:
        return 0
    # A key of its own for every file, so that another one begins at its first page.
    key = f"page_of_{item.key}"
    chosen = st.number_input(
        "Page",
        min_value=1,
        max_value=pages,
        value=min(page, pages - 1) + 1,
        step=1,
        key=key,
        on_change=_save_page,
        args=(key,),
        width=130,
        help=f"Your file has {pages} pages. This one is segmented.",
    )
    return int(chosen) - 1


def _save_page(key: str) -> None:
    """Remember the page of a picture: Streamlit forgets it while the reader is on another page."""
    for place in (_TRANSFERRED_KEY, _UPLOADED_KEY):
        held: tuple[InputImage, int] | None = st.session_state.get(place)
        if held is not None:
            st.session_state[place] = (held[0], st.session_state[key] - 1)
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
