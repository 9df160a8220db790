"""The images of a batch: the drop area, samples to try it with, and choices that concern single files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Final

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from wbcseg.datasets import PAIRING_RULE
from wbcseg.datasets.examples import list_examples, read_example_file
from wbcseg.datasets.pages import format_page_choice, list_page_choices
from wbcseg.datasets.uploads import InputImage, Upload
from wbcseg.io import encode_png
from wbcseg.io.formats.header import Header
from wbcseg.labels import to_grey
from wbcseg.ui.formatting import escape_markdown, pluralise
from wbcseg.ui.mask_correction import select_correction
from wbcseg.ui.state import restore_widget, save_widget
from wbcseg.ui.uploads import hand_over, store
from wbcseg.ui.uploads.drop_area import show_camera, show_drop_area
from wbcseg.ui.uploads.store import UploadSet

SYNTHETIC_COUNT: Final = 8
"""Number of synthetic cells to try it with."""

SYNTHETIC_SEED: Final = 20_261
"""Seed of those cells. It differs from that of the data set, because the models were trained on most of its cells."""


def show_head(title: str) -> DeltaGenerator:
    """Show the title of the page. Return its line, which has room for more once there are images."""
    head = st.container(horizontal=True, vertical_alignment="center", gap="small", key="batch_head")
    head.title(title, width="content", anchor=False)
    return head


def select_images(head: DeltaGenerator) -> UploadSet | None:
    """Show the drop area and what is to be done with images that are there. Return all uploads of this session.

    Args:
        head: The line of the title; the drop area is in it if there are images.
    """
    upload_set = store.get_uploads()
    if upload_set is None:
        show_drop_area("Drop images here, or choose files")
        return None
    with head:
        show_drop_area("Drop more images here, or", is_compact=True)
    if store.take_added():
        # The user added them here, beside the others.
        store.forget_earlier()
    hand_over.show_earlier_notice()
    return upload_set


def select_file_choices(upload_set: UploadSet) -> UploadSet:
    """Ask for the page of each file with several, and what the expert masks mean. Return the uploads with both."""
    input_images = select_correction(upload_set.input_images, "batch_mask_correction")
    if upload_set.multi_page:
        st.markdown("**Page of each file**")
        input_images = tuple(_select_page(item, upload_set.multi_page) for item in input_images)
    return replace(upload_set, input_images=input_images)


def _select_page(input_image: InputImage, headers: Mapping[str, Header]) -> InputImage:
    header = headers.get(input_image.key)
    if header is None:
        return input_image
    key = f"batch_page_of_{input_image.key}"
    choices = [None, *(choice for choice in list_page_choices(header) if choice is not None)]
    restore_widget(key, None, choices)
    page = st.selectbox(
        escape_markdown(input_image.name),
        choices,
        format_func=lambda choice: "As for all files" if choice is None else format_page_choice(choice),
        key=key,
        on_change=save_widget,
        args=(key,),
    )
    return input_image if page is None else replace(input_image, key=f"{input_image.key} page {page}", page=page)


def show_upload_help() -> None:
    """Explain what happens to the images, and offer images to try it with."""
    st.markdown(
        "Each white blood cell is found, segmented and measured, and the table fills as results arrive. Add **expert "
        "masks** to see the Dice: they are paired with the images by name.",
        width=720,
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            f"Try it with {pluralise(len(list_examples()), 'example')}",
            icon=":material/play_arrow:",
            on_click=_store_examples,
            key="batch_examples",
        )
        st.button(
            f"With {SYNTHETIC_COUNT} synthetic cells and exact masks",
            on_click=_store_synthetic,
            key="batch_try",
            type="tertiary",
        )
        show_pairing_help()
        camera_popover = st.popover(
            "Use a camera", icon=":material/photo_camera:", type="tertiary", on_change="rerun", key="batch_camera"
        )
        if camera_popover.open:
            with camera_popover:
                show_camera()


def show_pairing_help() -> None:
    """Show a popover that explains how images and masks are paired."""
    with st.popover("How are images and masks paired?", icon=":material/help:", type="tertiary"):
        loose_mask_rule = (
            "A mask uploaded as a single file also matches the only image with its name in a folder or zip."
        )
        st.markdown(escape_markdown(f"{PAIRING_RULE} {loose_mask_rule}"), width=480)


def show_start_over_button() -> None:
    """Show a button that discards all uploads."""
    if st.button("Start over", type="tertiary", key="batch_start_over"):
        store.discard_uploads()
        # Runs the whole page, also from within a fragment.
        st.rerun()


def show_remove_button(input_image: InputImage) -> None:
    """Show a button that removes an image from the uploads, if it was uploaded as a file of its own."""
    if store.can_remove(input_image.key):
        st.button(
            "Remove from the batch",
            icon=":material/delete:",
            type="tertiary",
            on_click=store.remove_upload,
            args=(input_image.key,),
            key="batch_remove",
        )


def _store_examples() -> None:
    store.replace_uploads(
        [
            Upload(example.file, partial(read_example_file, example), f"{store.SAMPLE_PREFIX}{example.file}")
            for example in list_examples()
        ]
    )


def _store_synthetic() -> None:
    uploads = []
    for index in range(SYNTHETIC_COUNT):
        name, key = f"synthetic-{index + 1}", f"{store.SAMPLE_PREFIX}synthetic-{index}"
        uploads.append(Upload(f"{name}.png", partial(_render_synthetic, index, is_mask=False), key))
        uploads.append(Upload(f"{name}_mask.png", partial(_render_synthetic, index, is_mask=True), f"{key}-mask"))
    store.replace_uploads(uploads)


def _render_synthetic(index: int, *, is_mask: bool) -> bytes:
    # Imported here, so that users who upload images do not wait for it.
    from wbcseg.datasets.synthetic import draw_sample

    sample = draw_sample(SYNTHETIC_SEED, index)
    return encode_png(to_grey(sample.mask) if is_mask and sample.mask is not None else sample.image)
