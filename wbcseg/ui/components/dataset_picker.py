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
from wbcseg.ui.text import escape_markdown, format_dataset_name, get_local_id

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
    known = {entry.name: entry for entry in sorted(list_datasets(), key=lambda entry: entry.name != SAMPLE_DATASET)}
    _restore_choice("set", known, format_dataset_name)
    name = st.selectbox(
        "Data set",
        list(known),
        format_func=format_dataset_name,
        key="set",
        bind="query-params",
        on_change=_reset_image,
        width=160,
        label_visibility="collapsed",
    )
    persist(set=name)
    return _open_or_stop(known[name])


def select_image(name: str, ids: Sequence[str], *, first: str = "", steps: bool = True) -> str:
    """Ask for a picture of a data set, by number or one after the other.

    Args:
        name: The data set's name.
        ids: The ids to choose from, at least one.
        first: The one to begin with, if it is there.
        steps: Whether there are buttons for the one before and the one after.

    Returns:
        The chosen id.
    """
    _restore_choice("picture", ids, get_local_id)
    chosen = st.selectbox(
        "Picture number",
        ids,
        index=ids.index(first) if first in ids else 0,
        format_func=get_local_id,
        key="picture",
        bind="query-params",
        width=110,
        label_visibility="collapsed",
    )
    persist(picture=chosen)
    if not steps:
        return chosen
    place = ids.index(chosen)
    st.button(
        "Previous",
        icon=":material/chevron_left:",
        on_click=go_to_image,
        args=(name, ids[place - 1]),
        disabled=place == 0,
        key="previous_picture",
    )
    st.button(
        "Next",
        icon=":material/chevron_right:",
        icon_position="right",
        on_click=go_to_image,
        args=(name, ids[(place + 1) % len(ids)]),
        disabled=place == len(ids) - 1,
        key="next_picture",
    )
    return chosen


def persist(**choices: str | None) -> None:
    """Remember choices for the next page."""
    for key, value in choices.items():
        st.session_state[f"kept_{key}"] = value


def go_to_image(name: str, sample_id: str) -> None:
    """Choose a picture for the reader (to be called before the widgets are drawn: from a click)."""
    st.session_state["set"] = name
    st.session_state["picture"] = sample_id


def show_segment_button(label: str, name: str, sample_id: str) -> None:
    """Offer to go to the page that segments, with a picture of a data set (on a page that chooses no set itself)."""
    _get_restored_keys()
    if st.button(label, icon=":material/biotech:"):
        persist(set=name, picture=sample_id, source=FROM_DATASET)
        st.switch_page(routes.SEGMENT)


def show_upload_button(label: str) -> None:
    """Offer to go to the page that segments, to bring a picture."""
    if st.button(label, icon=":material/upload:", type="tertiary"):
        persist(source=FROM_UPLOAD)
        st.switch_page(routes.SEGMENT)


def show_segment_link(label: str, name: str, sample_id: str) -> None:
    """Link to the page that segments, with the picture that is chosen here."""
    # Whoever looks through data sets is done with a picture of their own.
    persist(source=FROM_DATASET)
    address = {"set": format_dataset_name(name), "picture": get_local_id(sample_id)}
    st.page_link(routes.SEGMENT, label=label, icon=":material/biotech:", query_params=address)


def show_dataset_caption(data: Dataset) -> None:
    """Say where the pictures come from and which files were left out."""
    st.caption(escape_markdown(data.acknowledgement or data.origin))
    if data.problems:
        with st.expander(f"{len(data.problems)} files were left out", icon=":material/rule:"):
            for problem in data.problems:
                st.text(problem)


def load_image_or_stop(name: str, sample_id: str) -> cache.LoadedImage:
    """Read a picture of a data set, or show why it can't be and end the page."""
    try:
        return cache.load_image(name, sample_id)
    except WbcsegError as problem:
        st.error(escape_markdown(str(problem)), icon=":material/broken_image:")
        st.stop()


def _open_or_stop(entry: DatasetStatus) -> Dataset:
    if not entry.ready:
        show_download_button(entry)
        st.stop()
    try:
        return cache.load_dataset(entry.name)
    except WbcsegError as problem:
        st.error(escape_markdown(str(problem)), icon=":material/error:")
        st.stop()


def _reset_image() -> None:
    # A number of one set means nothing in the next: begin at its first picture, in the address too.
    name = st.session_state["set"]
    ready = any(entry.ready for entry in list_datasets() if entry.name == name)
    try:
        st.session_state["picture"] = cache.load_dataset(name).ids[0] if ready else None
    except (WbcsegError, IndexError):
        st.session_state["picture"] = None


def _restore_choice(key: str, allowed: Container[str], text: Callable[[str], str]) -> None:
    """On arrival at a page whose address says nothing of a choice, bring along the one of the page before.

    Streamlit forgets a choice that came with the address when the reader goes to the next page, and does not write one
    that a page made for the reader into the address: hence both here.

    Args:
        key: The key of the widget that follows.
        allowed: Its options.
        text: Turns an option into what the address says.
    """
    kept, brought = st.session_state.get(f"kept_{key}"), _get_restored_keys()
    if key not in brought and key not in st.query_params and kept is not None and kept in allowed:
        st.session_state[key] = kept
        # Where the page before had the same choice, the address may still be its widget's, which then writes it.
        with contextlib.suppress(StreamlitAPIException):
            st.query_params[key] = text(kept)
    brought.add(key)


def _get_restored_keys() -> set[str]:
    """Return the keys of the choices that were brought along to the page that the reader is on."""
    if st.session_state.get("place", "") != st.context.url:
        st.session_state["place"] = st.context.url
        st.session_state["brought"] = set()
    brought: set[str] = st.session_state["brought"]
    return brought
