"""Where uploads go: one image opens Segment, several open Batch; both can be returned to."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from wbcseg.datasets.uploads import InputImage
from wbcseg.ui import routes
from wbcseg.ui.formatting import escape_markdown, pluralise
from wbcseg.ui.uploads import store


def open_added() -> None:
    """Open the images that were just uploaded: a single one on Segment, several, or a broken file, on Batch."""
    added = store.take_added()
    if not added:
        return
    if _is_single_image(added):
        store.open_image(added[0])
        st.switch_page(routes.SEGMENT)
    st.switch_page(routes.BATCH)


def open_single_added() -> None:
    """Show a single image that was just uploaded, on the page Segment itself."""
    added = store.take_added()
    if _is_single_image(added):
        store.open_image(added[0])
        st.rerun()


def _is_single_image(added: Sequence[InputImage]) -> bool:
    return len(added) == 1 and added[0].problem is None


def show_earlier_uploads() -> None:
    """Show links to the images that were uploaded before, if there are any."""
    upload_set, opened = store.get_uploads(), store.get_opened_image()
    if upload_set is None and opened is None:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="earlier_uploads"):
        if opened is not None:
            name = escape_markdown(opened[0].name)
            if st.button(f"Back to {name}", icon=":material/biotech:", key="back_to_image"):
                store.open_image(*opened)
                st.switch_page(routes.SEGMENT)
        if upload_set is not None and (opened is None or len(upload_set.input_images) > 1):
            count = pluralise(len(upload_set.input_images), "image" if store.get_own_uploads() else "example image")
            st.page_link(routes.BATCH, label=f"Back to the batch of {count}", icon=":material/table_view:")


def show_earlier_notice() -> None:
    """Say that the last upload was added to earlier images, and offer to remove these; both can be taken back."""
    earlier = store.get_earlier()
    if earlier is None:
        return
    count = len(earlier.image_names)
    name = f"**{escape_markdown(earlier.image_names[0])}**" if count == 1 else f"**{count} earlier images**"
    total = pluralise(count + earlier.new_count, "image")
    new = "the new image" if earlier.new_count == 1 else f"the {earlier.new_count} new images"
    with st.container(key="earlier_notice", horizontal=True, vertical_alignment="center", gap="small", border=True):
        if earlier.is_removed:
            st.markdown(f":material/info: {name} {'was' if count == 1 else 'were'} removed.", width="content")
            st.button("Undo", icon=":material/undo:", on_click=store.bring_back_earlier, key="earlier_undo")
            st.button("OK", on_click=store.forget_earlier, type="tertiary", key="earlier_ok")
            return
        was_here = "which was here before" if count == 1 else "which were here before"
        text = f":material/info: Added to {name}, {was_here}: counts and files are of all {total}."
        st.markdown(text, width="content")
        st.button(f"Keep only {new}", on_click=store.remove_earlier, key="earlier_remove")
        st.button("Keep all", on_click=store.forget_earlier, type="tertiary", key="earlier_keep")
