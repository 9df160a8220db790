"""A reader's own picture: uploaded here, or handed over by the page that measures many."""

from __future__ import annotations

from typing import Final

import streamlit as st

from wbcseg.datasets.uploads import Item, most_pages
from wbcseg.errors import WbcsegError
from wbcseg.io import MAX_BYTES
from wbcseg.ui import cache, routes
from wbcseg.ui.components import dataset_picker
from wbcseg.ui.text import as_text

_HANDED: Final = "handed_picture"
"""A picture that another page handed over, with its mask where it has one, and its page; for this visit only."""

_UPLOADED: Final = "uploaded_picture"
"""Likewise, the one that was uploaded here: an uploader forgets its file while the reader is on another page."""

_UPLOADER: Final = "upload"


def own_picture() -> cache.Shown:
    """Ask for a picture and read it; the page ends here until there is one that can be read."""
    handed: tuple[Item, int] | None = st.session_state.get(_HANDED)
    earlier: tuple[Item, int] | None = st.session_state.get(_UPLOADED)
    if handed is None and earlier is not None and st.session_state.get(_UPLOADER) is None:
        item, page = earlier
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown("The picture that you brought before.", width="content")
            st.button("Bring another", icon=":material/upload:", on_click=_drop_handed, type="tertiary")
    elif handed is None:
        item, page = _ask_picture(), 0
        if earlier is None or earlier[0].key != item.key:
            st.session_state[_UPLOADED] = (item, 0)
    else:
        item, page = handed
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown("A picture from the page Measure.", width="content")
            st.page_link(routes.BATCH, label="Back to its table", icon=":material/arrow_back:")
            st.button("Bring another", icon=":material/upload:", on_click=_drop_handed, type="tertiary")
    page = _choose_page(item, page)
    try:
        picture = cache.own_picture(item.key, item.name, page, item)
    except WbcsegError as problem:
        st.error(as_text(str(problem)), icon=":material/broken_image:")
        st.stop()
    for notice in picture.notices:
        st.caption(as_text(notice))
    return picture


def predict_own_button(label: str, item: Item, page: int, key: str) -> None:
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
        handed = item.at_hand()
    except WbcsegError as problem:
        st.error(as_text(str(problem)), icon=":material/broken_image:")
        return
    st.session_state[_HANDED] = (handed, page)
    dataset_picker.keep(source=dataset_picker.OWN_PICTURE)
    st.switch_page(routes.SEGMENT)


def _choose_page(item: Item, page: int) -> int:
    """Ask which page of a TIFF is meant where it has several.

    Args:
        item: The picture.
        page: The page to begin with, from 0.

    Returns:
        The page, from 0.
    """
    pages = most_pages([item])
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
        on_change=_keep_page,
        args=(key,),
        width=130,
        help=f"Your file has {pages} pages. This one is segmented.",
    )
    return int(chosen) - 1


def _keep_page(key: str) -> None:
    """Remember the page of a picture: Streamlit forgets it while the reader is on another page."""
    for place in (_HANDED, _UPLOADED):
        held: tuple[Item, int] | None = st.session_state.get(place)
        if held is not None:
            st.session_state[place] = (held[0], st.session_state[key] - 1)
            return


def _drop_handed() -> None:
    st.session_state.pop(_HANDED, None)
    _drop_uploaded()


def _drop_uploaded() -> None:
    st.session_state.pop(_UPLOADED, None)


def _ask_picture() -> Item:
    file = st.file_uploader(
        "Your picture",
        type=["png", "jpg", "jpeg", "bmp", "tif", "tiff"],
        max_upload_size=-(-MAX_BYTES // 2**20),
        key=_UPLOADER,
        on_change=_drop_uploaded,
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
    return Item(file.name, cache.bytes_digest(data), lambda: data)
