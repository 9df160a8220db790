"""Choosing a data set and a picture; for a reader's own see :mod:`wbcseg.ui.segment.upload`.

The choices live in the address, so that a view is a link, and their keys (``dataset``, ``image``, ``source``) are the
same on every page, so that a reader takes them along.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import streamlit as st

from wbcseg.datasets import DatasetStatus, list_datasets
from wbcseg.datasets.base import Dataset
from wbcseg.errors import WbcsegError
from wbcseg.ui import cache, routes
from wbcseg.ui.components.dataset_status import show_download_button
from wbcseg.ui.formatting import escape_markdown, format_dataset_name, get_local_id
from wbcseg.ui.state import get_restored_keys, restore_bound_widget, save_choices

FROM_DATASET: Final = "From a data set"
FROM_UPLOAD: Final = "Your own picture"
SOURCES: Final = (FROM_DATASET, FROM_UPLOAD)

SAMPLE_DATASET: Final = "synthetic"
SAMPLE_IMAGE: Final = (SAMPLE_DATASET, f"{SAMPLE_DATASET}/032")
"""The picture to begin with. No shipped model has seen it."""


def select_source() -> bool:
    """Ask where the picture comes from. Return whether the reader brings one."""
    restore_bound_widget("source", SOURCES)
    choice = st.segmented_control(
        "Where the picture comes from",
        SOURCES,
        default=FROM_DATASET,
        required=True,
        key="source",
        bind="query-params",
        label_visibility="collapsed",
    )
    save_choices(source=choice)
    return choice == FROM_UPLOAD


def select_dataset() -> Dataset:
    """Ask for a data set and open it; where it is not here yet, offer to fetch it and end the page."""
    status_by_name = {
        status.name: status for status in sorted(list_datasets(), key=lambda status: status.name != SAMPLE_DATASET)
    }
    restore_bound_widget("dataset", status_by_name, format_dataset_name)
    dataset_name = st.selectbox(
        "Data set",
        list(status_by_name),
        format_func=format_dataset_name,
        key="dataset",
        bind="query-params",
        on_change=_reset_image,
        width=160,
        label_visibility="collapsed",
    )
    save_choices(dataset=dataset_name)
    return _open_or_stop(status_by_name[dataset_name])


def select_image(
    dataset_name: str, sample_ids: Sequence[str], *, default_id: str = "", with_buttons: bool = True
) -> str:
    """Ask for a picture of a data set, by number or one after the other.

    Args:
        dataset_name: The data set's name.
        sample_ids: The ids to choose from, at least one.
        default_id: The one to begin with, if it is there.
        with_buttons: Whether there are buttons for the one before and the one after.

    Returns:
        The chosen id.
    """
    restore_bound_widget("image", sample_ids, get_local_id)
    selected_id = st.selectbox(
        "Picture number",
        sample_ids,
        index=sample_ids.index(default_id) if default_id in sample_ids else 0,
        format_func=get_local_id,
        key="image",
        bind="query-params",
        width=110,
        label_visibility="collapsed",
    )
    save_choices(image=selected_id)
    if not with_buttons:
        return selected_id
    index = sample_ids.index(selected_id)
    st.button(
        "Previous",
        icon=":material/chevron_left:",
        on_click=go_to_image,
        args=(dataset_name, sample_ids[index - 1]),
        disabled=index == 0,
        key="previous_image",
    )
    st.button(
        "Next",
        icon=":material/chevron_right:",
        icon_position="right",
        on_click=go_to_image,
        args=(dataset_name, sample_ids[(index + 1) % len(sample_ids)]),
        disabled=index == len(sample_ids) - 1,
        key="next_image",
    )
    return selected_id


def go_to_image(dataset_name: str, sample_id: str) -> None:
    """Choose a picture for the reader (to be called before the widgets are drawn: from a click)."""
    st.session_state["dataset"] = dataset_name
    st.session_state["image"] = sample_id


def show_segment_button(label: str, dataset_name: str, sample_id: str) -> None:
    """Offer to go to the page that segments, with a picture of a data set (on a page that chooses no set itself)."""
    get_restored_keys()
    if st.button(label, icon=":material/biotech:"):
        save_choices(dataset=dataset_name, image=sample_id, source=FROM_DATASET)
        st.switch_page(routes.SEGMENT)


def show_upload_button(label: str) -> None:
    """Offer to go to the page that segments, to bring a picture."""
    if st.button(label, icon=":material/upload:", type="tertiary"):
        save_choices(source=FROM_UPLOAD)
        st.switch_page(routes.SEGMENT)


def show_segment_link(label: str, dataset_name: str, sample_id: str) -> None:
    """Link to the page that segments, with the picture that is chosen here."""
    # Whoever looks through data sets is done with a picture of their own.
    save_choices(source=FROM_DATASET)
    query_params = {"dataset": format_dataset_name(dataset_name), "image": get_local_id(sample_id)}
    st.page_link(routes.SEGMENT, label=label, icon=":material/biotech:", query_params=query_params)


def show_dataset_caption(dataset: Dataset) -> None:
    """Say where the pictures come from and which files were left out."""
    st.caption(escape_markdown(dataset.acknowledgement or dataset.origin))
    if dataset.problems:
        with st.expander(f"{len(dataset.problems)} files were left out", icon=":material/rule:"):
            for problem in dataset.problems:
                st.text(problem)


def load_image_or_stop(dataset_name: str, sample_id: str) -> cache.LoadedImage:
    """Read a picture of a data set, or show why it can't be and end the page."""
    try:
        return cache.load_image(dataset_name, sample_id)
    except WbcsegError as error:
        st.error(escape_markdown(str(error)), icon=":material/broken_image:")
        st.stop()


def _open_or_stop(status: DatasetStatus) -> Dataset:
    if not status.ready:
        show_download_button(status)
        st.stop()
    try:
        return cache.load_dataset(status.name)
    except WbcsegError as error:
        st.error(escape_markdown(str(error)), icon=":material/error:")
        st.stop()


def _reset_image() -> None:
    # A number of one set means nothing in the next: begin at its first picture, in the address too.
    dataset_name = st.session_state["dataset"]
    is_ready = any(status.ready for status in list_datasets() if status.name == dataset_name)
    try:
        st.session_state["image"] = cache.load_dataset(dataset_name).ids[0] if is_ready else None
    except (WbcsegError, IndexError):
        st.session_state["image"] = None
