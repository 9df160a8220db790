"""The uploaded image of the page: uploaded here or on another page (see :mod:`wbcseg.ui.uploads`)."""

from __future__ import annotations

import streamlit as st

from wbcseg.datasets.pages import format_page_choice, list_page_choices, read_page_headers
from wbcseg.datasets.uploads import InputImage, Upload
from wbcseg.errors import WbcsegError
from wbcseg.io import PageChoice
from wbcseg.ui import cache, routes
from wbcseg.ui.formatting import escape_markdown, pluralise
from wbcseg.ui.mask_correction import select_correction
from wbcseg.ui.segment.workspace import Workspace
from wbcseg.ui.uploads import hand_over, store
from wbcseg.ui.uploads.drop_area import show_drop_area


def upload_image(workspace: Workspace) -> cache.LoadedImage:
    """Ask for an image and read it; the page ends here until there is one that can be read.

    Args:
        workspace: The containers of the page.
    """
    opened = store.get_opened_image()
    if opened is None:
        # Imported here, because it knows this module.
        from wbcseg.ui.keep import show_keep_switch

        with workspace.stage:
            _show_drop_area()
            show_keep_switch()
        st.stop()
    input_image, page = opened
    with workspace.source:
        st.button("Upload another", icon=":material/upload:", on_click=store.close_image, type="tertiary")
        upload_set = store.get_uploads()
        if upload_set is not None:
            count = pluralise(len(upload_set.input_images), "uploaded image")
            st.page_link(routes.BATCH, label="Batch", icon=":material/arrow_back:", help=f"Table and files of {count}")
    with workspace.side:
        hand_over.show_earlier_notice()
        page = _select_page(input_image, page)
        input_image = select_correction([input_image], "segment_mask_correction")[0]
    try:
        loaded_image = cache.load_uploaded_image(input_image.key, input_image.name, page, input_image)
    except WbcsegError as error:
        with workspace.stage:
            st.error(escape_markdown(str(error)), icon=":material/broken_image:")
            _show_drop_area()
        st.stop()
    return loaded_image


def get_own_upload() -> InputImage | None:
    """Return the uploaded image that the page shows, or ``None``."""
    opened = store.get_opened_image()
    return None if opened is None else opened[0]


def restore_upload(upload: Upload) -> None:
    """Show an image from before a reload, unless there is another one by now."""
    if store.get_opened_image() is None:
        store.set_opened_image(InputImage(upload.name, upload.key, upload.load))


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
    store.open_image(in_memory_image, page)
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
    store.set_page(page)


def _show_drop_area() -> None:
    show_drop_area("Drop blood-smear images here, or choose files")
    # A page whose widgets are bound to the address cannot open another page: several images get a link.
    hand_over.open_single_added()
    hand_over.show_earlier_uploads()
