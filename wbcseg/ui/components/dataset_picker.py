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

from wbcseg.datasets import DatasetStatus, statuses
from wbcseg.datasets.base import DataSet
from wbcseg.errors import WbcsegError
from wbcseg.ui import cache, routes
from wbcseg.ui.components.dataset_status import offer_download
from wbcseg.ui.text import as_text, short_title, stem

FROM_A_SET: Final = "From a data set"
OWN_PICTURE: Final = "Your own picture"
SOURCES: Final = (FROM_A_SET, OWN_PICTURE)

SAMPLE_SET: Final = "synthetic"
SAMPLE: Final = (SAMPLE_SET, f"{SAMPLE_SET}/032")
"""The picture to begin with. No shipped model has seen it."""


def choose_source() -> bool:
    """Ask where the picture comes from. Return whether the reader brings one."""
    _bring("source", SOURCES, str)
    choice = st.segmented_control(
        "Where the picture comes from",
        SOURCES,
        default=FROM_A_SET,
        required=True,
        key="source",
        bind="query-params",
        label_visibility="collapsed",
    )
    keep(source=choice)
    return choice == OWN_PICTURE


def choose_set() -> DataSet:
    """Ask for a data set and open it; where it is not here yet, offer to fetch it and end the page."""
    known = {entry.name: entry for entry in sorted(statuses(), key=lambda entry: entry.name != SAMPLE_SET)}
    _bring("set", known, short_title)
    name = st.selectbox(
        "Data set",
        list(known),
        format_func=short_title,
        key="set",
        bind="query-params",
        on_change=_first_picture,
        width=160,
        label_visibility="collapsed",
    )
    keep(set=name)
    return _open(known[name])


def choose_picture(name: str, ids: Sequence[str], *, first: str = "", steps: bool = True) -> str:
    """Ask for a picture of a data set, by number or one after the other.

    Args:
        name: The data set's name.
        ids: The ids to choose from, at least one.
        first: The one to begin with, if it is there.
        steps: Whether there are buttons for the one before and the one after.

    Returns:
        The chosen id.
    """
    _bring("picture", ids, stem)
    chosen = st.selectbox(
        "Picture number",
        ids,
        index=ids.index(first) if first in ids else 0,
        format_func=stem,
        key="picture",
        bind="query-params",
        width=110,
        label_visibility="collapsed",
    )
    keep(picture=chosen)
    if not steps:
        return chosen
    place = ids.index(chosen)
    st.button(
        "Previous",
        icon=":material/chevron_left:",
        on_click=show_picture,
        args=(name, ids[place - 1]),
        disabled=place == 0,
        key="previous_picture",
    )
    st.button(
        "Next",
        icon=":material/chevron_right:",
        icon_position="right",
        on_click=show_picture,
        args=(name, ids[(place + 1) % len(ids)]),
        disabled=place == len(ids) - 1,
        key="next_picture",
    )
    return chosen


def keep(**choices: str | None) -> None:
    """Remember choices for the next page."""
    for key, value in choices.items():
        st.session_state[f"kept_{key}"] = value


def show_picture(name: str, sample_id: str) -> None:
    """Choose a picture for the reader (to be called before the widgets are drawn: from a click)."""
    st.session_state["set"] = name
    st.session_state["picture"] = sample_id


def predict_button(label: str, name: str, sample_id: str) -> None:
    """Offer to go to the page that segments, with a picture of a data set (on a page that chooses no set itself)."""
    _brought_here()
    if st.button(label, icon=":material/biotech:"):
        keep(set=name, picture=sample_id, source=FROM_A_SET)
        st.switch_page(routes.SEGMENT)


def own_picture_button(label: str) -> None:
    """Offer to go to the page that segments, to bring a picture."""
    if st.button(label, icon=":material/upload:", type="tertiary"):
        keep(source=OWN_PICTURE)
        st.switch_page(routes.SEGMENT)


def predict_link(label: str, name: str, sample_id: str) -> None:
    """Link to the page that segments, with the picture that is chosen here."""
    # Whoever looks through data sets is done with a picture of their own.
    keep(source=FROM_A_SET)
    address = {"set": short_title(name), "picture": stem(sample_id)}
    st.page_link(routes.SEGMENT, label=label, icon=":material/biotech:", query_params=address)


def about(data: DataSet) -> None:
    """Say where the pictures come from and which files were left out."""
    st.caption(as_text(data.acknowledgement or data.origin))
    if data.problems:
        with st.expander(f"{len(data.problems)} files were left out", icon=":material/rule:"):
            for problem in data.problems:
                st.text(problem)


def read(name: str, sample_id: str) -> cache.Shown:
    """Read a picture of a data set, or show why it can't be and end the page."""
    try:
        return cache.shown(name, sample_id)
    except WbcsegError as problem:
        st.error(as_text(str(problem)), icon=":material/broken_image:")
        st.stop()


def _open(entry: DatasetStatus) -> DataSet:
    if not entry.ready:
        offer_download(entry)
        st.stop()
    try:
        return cache.dataset(entry.name)
    except WbcsegError as problem:
        st.error(as_text(str(problem)), icon=":material/error:")
        st.stop()


def _first_picture() -> None:
    # A number of one set means nothing in the next: begin at its first picture, in the address too.
    name = st.session_state["set"]
    ready = any(entry.ready for entry in statuses() if entry.name == name)
    try:
        st.session_state["picture"] = cache.dataset(name).ids[0] if ready else None
    except (WbcsegError, IndexError):
        st.session_state["picture"] = None


def _bring(key: str, allowed: Container[str], text: Callable[[str], str]) -> None:
    """On arrival at a page whose address says nothing of a choice, bring along the one of the page before.

    Streamlit forgets a choice that came with the address when the reader goes to the next page, and does not write one
    that a page made for the reader into the address: hence both here.

    Args:
        key: The key of the widget that follows.
        allowed: Its options.
        text: Turns an option into what the address says.
    """
    kept, brought = st.session_state.get(f"kept_{key}"), _brought_here()
    if key not in brought and key not in st.query_params and kept is not None and kept in allowed:
        st.session_state[key] = kept
        # Where the page before had the same choice, the address may still be its widget's, which then writes it.
        with contextlib.suppress(StreamlitAPIException):
            st.query_params[key] = text(kept)
    brought.add(key)


def _brought_here() -> set[str]:
    """Return the keys of the choices that were brought along to the page that the reader is on."""
    if st.session_state.get("place", "") != st.context.url:
        st.session_state["place"] = st.context.url
        st.session_state["brought"] = set()
    brought: set[str] = st.session_state["brought"]
    return brought
