"""Widgets that select a data set and an image, and links to the page Segment.

The choices are query parameters (``dataset``, ``image`` and ``source``), so every view has a link of its own. The keys
are the same on all pages, so the choices stay when the user opens another page. Uploads are handled in
:mod:`wbcseg.ui.segment.upload`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from wbcseg.datasets import DatasetStatus, list_datasets
from wbcseg.datasets.base import Dataset
from wbcseg.errors import WbcsegError
from wbcseg.ui import cache, routes
from wbcseg.ui.address import is_unknown_in_address, stop_if_unknown
from wbcseg.ui.components.dataset_status import show_download_button
from wbcseg.ui.formatting import escape_markdown, format_dataset_name, get_local_id, pluralise
from wbcseg.ui.state import get_restored_keys, restore_bound_widget, save_choices
from wbcseg.ui.uploads.store import UPLOAD_SOURCE

FROM_DATASET: Final = "From a data set"
FROM_UPLOAD: Final = UPLOAD_SOURCE
SOURCES: Final = (FROM_DATASET, FROM_UPLOAD)

SAMPLE_DATASET: Final = "examples"
SAMPLE_IMAGE: Final = (SAMPLE_DATASET, f"{SAMPLE_DATASET}/neutrophil")
"""Data set and id of the image that is shown first. No shipped model was trained on it."""


def select_source() -> bool:
    """Ask whether to segment an image of a data set or an upload. Return whether it is an upload."""
    restore_bound_widget("source", SOURCES)
    choice = st.segmented_control(
        "Image source",
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
    """Ask for a data set and open it. If it has not been downloaded, offer the download and stop the page."""
    return open_dataset_or_stop(select_dataset_status())


def select_dataset_status(stage: DeltaGenerator | None = None) -> DatasetStatus:
    """Ask for a data set, ready or not.

    Args:
        stage: Where to say that the address names an unknown one.
    """
    status_by_name = {
        status.name: status for status in sorted(list_datasets(), key=lambda status: status.name != SAMPLE_DATASET)
    }
    restore_bound_widget("dataset", status_by_name, format_dataset_name)
    is_unknown = is_unknown_in_address("dataset", list(status_by_name), format_dataset_name)
    dataset_name = st.selectbox(
        "Data set",
        list(status_by_name),
        index=None if is_unknown else 0,
        placeholder="Choose",
        format_func=format_dataset_name,
        key="dataset",
        bind="query-params",
        on_change=_reset_image,
        width=160,
        label_visibility="collapsed",
    )
    dataset_name = stop_if_unknown("dataset", "data set", dataset_name, stage)
    save_choices(dataset=dataset_name)
    return status_by_name[dataset_name]


def open_dataset_or_stop(status: DatasetStatus) -> Dataset:
    """Open a data set. If it has not been downloaded, offer the download and stop the page."""
    if not status.ready:
        show_download_button(status)
        st.stop()
    try:
        return cache.load_dataset(status.name)
    except WbcsegError as error:
        st.error(escape_markdown(str(error)), icon=":material/error:")
        st.stop()


def select_image(
    dataset_name: str,
    sample_ids: Sequence[str],
    *,
    default_id: str = "",
    with_buttons: bool = True,
    stage: DeltaGenerator | None = None,
) -> str:
    """Ask for an image of a data set.

    Args:
        dataset_name: The data set's name.
        sample_ids: The ids of its images, at least one.
        default_id: The id that is selected first, if the data set has it.
        with_buttons: Whether to show buttons for the previous and the next image.
        stage: Where to say that the address names an unknown one.

    Returns:
        The id of the selected image.
    """
    restore_bound_widget("image", sample_ids, get_local_id)
    default_index = sample_ids.index(default_id) if default_id in sample_ids else 0
    selected_id = st.selectbox(
        "Image number",
        sample_ids,
        index=None if is_unknown_in_address("image", sample_ids, get_local_id) else default_index,
        placeholder="Choose",
        format_func=get_local_id,
        key="image",
        bind="query-params",
        # Numbers, or names.
        width=110 if len(get_local_id(sample_ids[0])) < 6 else 220,
        label_visibility="collapsed",
    )
    selected_id = stop_if_unknown("image", "image", selected_id, stage)
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
    """Select an image. To be called in a callback, before the widgets of the page are created."""
    st.session_state["dataset"] = dataset_name
    st.session_state["image"] = sample_id


def open_in_segment(dataset_name: str, sample_id: str) -> None:
    """Open an image on the page Segment, from a page that does not select a data set itself."""
    get_restored_keys()
    save_choices(dataset=dataset_name, image=sample_id, source=FROM_DATASET)
    st.switch_page(routes.SEGMENT)


def show_segment_link(label: str, dataset_name: str, sample_id: str) -> None:
    """Show a link that opens the selected image on the page Segment."""
    # An upload that was open there before must not replace it.
    save_choices(source=FROM_DATASET)
    query_params = {"dataset": format_dataset_name(dataset_name), "image": get_local_id(sample_id)}
    st.page_link(routes.SEGMENT, label=label, icon=":material/biotech:", query_params=query_params)


def show_dataset_caption(dataset: Dataset) -> None:
    """Show where the images come from and which files were skipped."""
    st.caption(escape_markdown(dataset.acknowledgement or dataset.origin))
    if dataset.problems:
        with st.expander(f"{pluralise(len(dataset.problems), 'file')} skipped", icon=":material/rule:"):
            for problem in dataset.problems:
                st.text(str(problem))


def load_image_or_stop(dataset_name: str, sample_id: str) -> cache.LoadedImage:
    """Load an image of a data set. If it cannot be read, show why and stop the page."""
    try:
        return cache.load_image(dataset_name, sample_id)
    except WbcsegError as error:
        st.error(escape_markdown(str(error)), icon=":material/broken_image:")
        st.stop()


def _reset_image() -> None:
    # An image number of one data set means nothing in another one: select the first image, also in the address.
    dataset_name = st.session_state["dataset"]
    is_ready = any(status.ready for status in list_datasets() if status.name == dataset_name)
    try:
        st.session_state["image"] = cache.load_dataset(dataset_name).ids[0] if is_ready else None
    except (WbcsegError, IndexError):
        st.session_state["image"] = None
