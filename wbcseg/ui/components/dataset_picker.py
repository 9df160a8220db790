"""Choosing a data set and a picture; for a reader's own see :mod:`wbcseg.ui.segment.upload`.

The choices live in the address, so that a view is a link, and their keys (``set``, ``picture``, ``source``) are the
same on every page, so that a reader takes them along.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Container, Sequence
from typing import Final

import streamlit as st
from streamlit.errors import StreamlitAPIException

from wbcseg.datasets import DatasetStatus, list_datasets
from wbcseg.datasets.base import Dataset
from wbcseg.errors import WbcsegError
from wbcseg.ui import cache, routes
from wbcseg.ui.components.dataset_status import show_download_button
from wbcseg.ui.formatting import escape_markdown, format_dataset_name, get_local_id

FROM_DATASET: Final = "From a data set"
FROM_UPLOAD: Final = "Your own picture"
SOURCES: Final = (FROM_DATASET, FROM_UPLOAD)

SAMPLE_DATASET: Final = "synthetic"
SAMPLE_IMAGE: Final = (SAMPLE_DATASET, f"{SAMPLE_DATASET}/032")
"""The picture to begin with. No shipped model has seen it."""


def select_source() -> bool:
    """Ask where the picture comes from. Return whether the reader brings one."""
    _restore_choice("source", SOURCES, str)
    choice = st.segmented_control(
        "Where the picture comes from",
        SOURCES,
        default=FROM_DATASET,
        required=True,
        key="source",
        bind="query-params",
        label_visibility="collapsed",
    )
    persist(source=choice)
    return choice == FROM_UPLOAD


def select_dataset() -> Dataset:
    """Ask for a data set and open it; where it is not here yet, offer to fetch it and end the page."""
    status_by_name = {
        status.name: status for status in sorted(list_datasets(), key=lambda status: status.name != SAMPLE_DATASET)
    }
    _restore_choice("set", status_by_name, format_dataset_name)
    dataset_name = st.selectbox(
        "Data set",
        list(status_by_name),
        format_func=format_dataset_name,
        key="set",
        bind="query-params",
        on_change=_reset_image,
        width=160,
        label_visibility="collapsed",
    )
    persist(set=dataset_name)
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
    _restore_choice("picture", sample_ids, get_local_id)
    selected_id = st.selectbox(
        "Picture number",
        sample_ids,
        index=sample_ids.index(default_id) if default_id in sample_ids else 0,
        format_func=get_local_id,
        key="picture",
        bind="query-params",
        width=110,
        label_visibility="collapsed",
    )
    persist(picture=selected_id)
    if not with_buttons:
        return selected_id
    index = sample_ids.index(selected_id)
    st.button(
        "Previous",
        icon=":material/chevron_left:",
        on_click=go_to_image,
        args=(dataset_name, sample_ids[index - 1]),
        disabled=index == 0,
        key="previous_picture",
    )
    st.button(
        "Next",
        icon=":material/chevron_right:",
        icon_position="right",
        on_click=go_to_image,
        args=(dataset_name, sample_ids[(index + 1) % len(sample_ids)]),
        disabled=index == len(sample_ids) - 1,
        key="next_picture",
    )
    return selected_id


def persist(**choices: str | None) -> None:
    """Remember choices for the next page."""
    for key, value in choices.items():
        st.session_state[f"kept_{key}"] = value


def go_to_image(dataset_name: str, sample_id: str) -> None:
    """Choose a picture for the reader (to be called before the widgets are drawn: from a click)."""
    st.session_state["set"] = dataset_name
    st.session_state["picture"] = sample_id


def show_segment_button(label: str, dataset_name: str, sample_id: str) -> None:
    """Offer to go to the page that segments, with a picture of a data set (on a page that chooses no set itself)."""
    _get_restored_keys()
    if st.button(label, icon=":material/biotech:"):
        persist(set=dataset_name, picture=sample_id, source=FROM_DATASET)
        st.switch_page(routes.SEGMENT)


def show_upload_button(label: str) -> None:
    """Offer to go to the page that segments, to bring a picture."""
    if st.button(label, icon=":material/upload:", type="tertiary"):
        persist(source=FROM_UPLOAD)
        st.switch_page(routes.SEGMENT)


def show_segment_link(label: str, dataset_name: str, sample_id: str) -> None:
    """Link to the page that segments, with the picture that is chosen here."""
    # Whoever looks through data sets is done with a picture of their own.
    persist(source=FROM_DATASET)
    query_params = {"set": format_dataset_name(dataset_name), "picture": get_local_id(sample_id)}
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
    dataset_name = st.session_state["set"]
    is_ready = any(status.ready for status in list_datasets() if status.name == dataset_name)
    try:
        st.session_state["picture"] = cache.load_dataset(dataset_name).ids[0] if is_ready else None
    except (WbcsegError, IndexError):
        st.session_state["picture"] = None


def _restore_choice(key: str, options: Container[str], format_option: Callable[[str], str]) -> None:
    """On arrival at a page whose address says nothing of a choice, bring along the one of the page before.

    Streamlit forgets a choice that came with the address when the reader goes to the next page, and does not write one
    that a page made for the reader into the address: hence both here.

    Args:
        key: The key of the widget that follows.
        options: Its options.
        format_option: Turns an option into what the address says.
    """
    saved, restored_keys = st.session_state.get(f"kept_{key}"), _get_restored_keys()
    if key not in restored_keys and key not in st.query_params and saved is not None and saved in options:
        st.session_state[key] = saved
        # Where the page before had the same choice, the address may still be its widget's, which then writes it.
        with contextlib.suppress(StreamlitAPIException):
            st.query_params[key] = format_option(saved)
    restored_keys.add(key)


def _get_restored_keys() -> set[str]:
    """Return the keys of the choices that were brought along to the page that the reader is on."""
    if st.session_state.get("place", "") != st.context.url:
        st.session_state["place"] = st.context.url
        st.session_state["brought"] = set()
    restored_keys: set[str] = st.session_state["brought"]
    return restored_keys
