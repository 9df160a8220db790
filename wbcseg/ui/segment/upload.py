"""The uploaded image of the page: uploaded here, or opened from the Batch page."""

from __future__ import annotations

from typing import Final

import streamlit as st

from wbcseg.datasets.pages import format_page_choice, list_page_choices, read_page_headers
from wbcseg.datasets.pairing import IMAGE_SUFFIXES
from wbcseg.datasets.uploads import InputImage
from wbcseg.errors import WbcsegError
from wbcseg.io import MAX_BYTES, PageChoice
from wbcseg.ui import cache, routes
from wbcseg.ui.components import dataset_picker
from wbcseg.ui.formatting import escape_markdown
from wbcseg.ui.mask_correction import select_correction
from wbcseg.ui.state import save_choices

IMAGE_EXTENSIONS: Final = tuple(sorted(suffix.removeprefix(".") for suffix in IMAGE_SUFFIXES))
"""Extensions of the image files that can be uploaded."""

MAX_UPLOAD_MB: Final = -(-MAX_BYTES // 2**20)
"""Largest file in MB that the server accepts."""

_OPENED_KEY: Final = "opened_image"
"""An image opened from another page, with its mask if it has one, and its TIFF page; for this session only."""

_UPLOADED_KEY: Final = "uploaded_image"
"""The image uploaded here: an uploader forgets its file while the user is on another page."""

_UPLOADER_KEY: Final = "upload"


def upload_image() -> cache.LoadedImage:
    """Ask for an image and read it; the page ends here until there is one that can be read."""
    opened: tuple[InputImage, PageChoice] | None = st.session_state.get(_OPENED_KEY)
    uploaded: tuple[InputImage, PageChoice] | None = st.session_state.get(_UPLOADED_KEY)
    if opened is None and uploaded is not None and st.session_state.get(_UPLOADER_KEY) is None:
        input_image, page = uploaded
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown("Your image, uploaded earlier.", width="content")
            st.button("Upload another", icon=":material/upload:", on_click=_discard_image, type="tertiary")
    elif opened is None:
        input_image, page = _upload_file(), None
        if uploaded is None or uploaded[0].key != input_image.key:
            st.session_state[_UPLOADED_KEY] = (input_image, None)
    else:
        input_image, page = opened
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown("An image from the Batch page.", width="content")
            st.page_link(routes.BATCH, label="Back to the table", icon=":material/arrow_back:")
            st.button("Upload another", icon=":material/upload:", on_click=_discard_image, type="tertiary")
    page = _select_page(input_image, page)
    input_image = select_correction([input_image], "segment_mask_correction")[0]
    try:
        loaded_image = cache.load_uploaded_image(input_image.key, input_image.name, page, input_image)
    except WbcsegError as error:
        st.error(escape_markdown(str(error)), icon=":material/broken_image:")
        st.stop()
    for notice in loaded_image.notices:
        st.caption(escape_markdown(notice))
    return loaded_image


def show_segment_upload_button(label: str, input_image: InputImage, page: PageChoice, key: str) -> None:
    """Show a button that opens an image in the Segment page.

    Args:
        label: Text of the button.
        input_image: The image, with its mask if it has one.
        page: Page of a TIFF.
        key: Key of the button.
    """
    if not st.button(label, icon=":material/biotech:", key=key):
        return
    try:
        in_memory_image = input_image.load_into_memory()
    except WbcsegError as error:
        st.error(escape_markdown(str(error)), icon=":material/broken_image:")
        return
    st.session_state[_OPENED_KEY] = (in_memory_image, page)
    save_choices(source=dataset_picker.FROM_UPLOAD)
    st.switch_page(routes.SEGMENT)


def _select_page(input_image: InputImage, page: PageChoice) -> PageChoice:
    """Ask for the page of a TIFF, if it has several.

    Args:
        input_image: The image.
        page: The default page.
    """
    header = read_page_headers([input_image]).get(input_image.key)
    if header is None:
        return None
    # Each file has its own key, so that another file starts at its first page.
    key = f"page_of_{input_image.key}"
    help_text = f"Your file has {header.page_count} pages. This choice is segmented."
    if header.channel_pages == "no":
        first = min(page, header.page_count - 1) if isinstance(page, int) else 0
        number = st.number_input(
            "Page",
            min_value=1,
            max_value=header.page_count,
            value=first + 1,
            step=1,
            key=key,
            on_change=_save_page,
            args=(key, 1),
            width=130,
            help=help_text,
        )
        return int(number) - 1
    choices = [choice for choice in list_page_choices(header) if choice is not None]
    selected_page: PageChoice = st.selectbox(
        "Page",
        choices,
        index=choices.index(page) if page in choices else 0,
        format_func=format_page_choice,
        key=key,
        on_change=_save_page,
        args=(key, 0),
        width=320,
        help=help_text,
    )
    return selected_page


def _save_page(key: str, first: int) -> None:
    """Save the TIFF page: Streamlit forgets it while the user is on another page.

    Args:
        key: Key of the widget.
        first: What the widget calls the first page.
    """
    choice = st.session_state[key]
    page: PageChoice = choice - first if isinstance(choice, int) else choice
    for state_key in (_OPENED_KEY, _UPLOADED_KEY):
        stored: tuple[InputImage, PageChoice] | None = st.session_state.get(state_key)
        if stored is not None:
            st.session_state[state_key] = (stored[0], page)
            return


def _discard_image() -> None:
    st.session_state.pop(_OPENED_KEY, None)
    _discard_uploaded()


def _discard_uploaded() -> None:
    st.session_state.pop(_UPLOADED_KEY, None)


def _upload_file() -> InputImage:
    file = st.file_uploader(
        "Image",
        type=IMAGE_EXTENSIONS,
        max_upload_size=MAX_UPLOAD_MB,
        key=_UPLOADER_KEY,
        on_change=_discard_uploaded,
        width=720,
        help="Best: one white blood cell in the centre, cropped so that it takes about half of the width.",
    )
    if file is None:
        st.markdown(
            "The image stays in memory for this session only; it is never stored. Only pixels are read, no metadata "
            "about patient, place or device.",
            width=720,
        )
        st.page_link(routes.BATCH, label="Many images at once: the Batch page", icon=":material/table_view:")
        st.stop()
    data = file.getvalue()
    return InputImage(file.name, cache.compute_digest(data), lambda: data)
