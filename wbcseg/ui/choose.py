"""Choosing a data set and a picture, or bringing one's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import streamlit as st

from wbcseg.datasets import DatasetStatus, statuses
from wbcseg.datasets.dataset import DataSet
from wbcseg.errors import WbcsegError
from wbcseg.images import MAX_BYTES
from wbcseg.ui import store
from wbcseg.ui.status import offer_download
from wbcseg.ui.words import as_text, short_title, stem

FROM_A_SET: Final = "From a data set"
OWN_PICTURE: Final = "Your own picture"
PREDICT: Final = "app_pages/predict.py"
SAMPLE_SET: Final = "synthetic"
SAMPLE: Final = (SAMPLE_SET, f"{SAMPLE_SET}/012")
"""The picture that Home begins with."""

# The keys "set" and "picture" are the same on every page, so that a reader takes the picture along.


def choose_source() -> bool:
    """Ask where the picture comes from. Return whether the reader brings one."""
    choice = st.segmented_control(
        "Where the picture comes from",
        [FROM_A_SET, OWN_PICTURE],
        default=FROM_A_SET,
        required=True,
        key="source",
        bind="query-params",
        label_visibility="collapsed",
    )
    return choice == OWN_PICTURE


def choose_set() -> DataSet:
    """Ask for a data set and open it; where it is not here yet, offer to fetch it and end the page."""
    known = {entry.name: entry for entry in sorted(statuses(), key=lambda entry: entry.name != SAMPLE_SET)}
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
    return _open(known[name])


def _open(entry: DatasetStatus) -> DataSet:
    if not entry.ready:
        offer_download(entry)
        st.stop()
    try:
        return store.dataset(entry.name)
    except WbcsegError as problem:
        st.error(as_text(str(problem)), icon=":material/error:")
        st.stop()


def _first_picture() -> None:
    # A number of one set means nothing in the next: begin at its first picture, in the address too.
    name = st.session_state["set"]
    ready = any(entry.ready for entry in statuses() if entry.name == name)
    try:
        st.session_state["picture"] = store.dataset(name).ids[0] if ready else None
    except (WbcsegError, IndexError):
        st.session_state["picture"] = None


def choose_picture(name: str, ids: Sequence[str]) -> str:
    """Ask for a picture of a data set, by number or one after the other.

    Args:
        name: The data set's name.
        ids: The ids to choose from, at least one.

    Returns:
        The chosen id.
    """
    chosen = st.selectbox(
        "Picture number",
        ids,
        format_func=stem,
        key="picture",
        bind="query-params",
        width=110,
        label_visibility="collapsed",
    )
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


def show_picture(name: str, sample_id: str) -> None:
    """Choose a picture for the reader (to be called before the widgets are drawn: from a click)."""
    st.session_state["set"] = name
    st.session_state["picture"] = sample_id


def predict_button(label: str, name: str, sample_id: str) -> None:
    """Offer to go to the page that segments, with a picture of a data set (for pages without :func:`choose_set`)."""
    if st.button(label, icon=":material/biotech:", on_click=_choose_from_set, args=(name, sample_id)):
        st.switch_page(PREDICT, query_params={"set": short_title(name), "picture": stem(sample_id)})


def predict_link(label: str) -> None:
    """Offer to go to the page that segments, with the chosen picture: its widgets there have the same keys."""
    # Whoever looks through data sets is done with a picture of their own.
    st.session_state["source"] = FROM_A_SET
    st.page_link(PREDICT, label=label, icon=":material/biotech:")


def own_picture_button(label: str) -> None:
    """Offer to go to the page that segments, to bring a picture."""
    if st.button(label, icon=":material/upload:", type="tertiary", on_click=_choose_own):
        st.switch_page(PREDICT, query_params={"source": OWN_PICTURE})


def _choose_from_set(name: str, sample_id: str) -> None:
    show_picture(name, sample_id)
    st.session_state["source"] = FROM_A_SET


def _choose_own() -> None:
    st.session_state["source"] = OWN_PICTURE


def about(data: DataSet) -> None:
    """Say where the pictures come from and which files were left out."""
    st.caption(as_text(data.acknowledgement or data.origin))
    if data.problems:
        with st.expander(f"{len(data.problems)} files were left out", icon=":material/rule:"):
            for problem in data.problems:
                st.text(problem)


def read(name: str, sample_id: str) -> store.Shown:
    """Read a picture of a data set, or show why it can't be and end the page."""
    try:
        return store.shown(name, sample_id)
    except WbcsegError as problem:
        st.error(as_text(str(problem)), icon=":material/broken_image:")
        st.stop()


def own_picture() -> store.Shown:
    """Ask for a picture and read it; the page ends here until there is one that can be read."""
    file = st.file_uploader(
        "Your picture",
        type=["png", "jpg", "jpeg", "bmp", "tif", "tiff"],
        max_upload_size=-(-MAX_BYTES // 2**20),
        key="upload",
        help="One white cell in the middle works best, cropped so that the cell fills about half of the width.",
    )
    if file is None:
        st.caption(
            "PNG, JPEG, BMP or TIFF. The picture stays in this session's memory, is never stored and is forgotten when "
            "you leave. What the file says besides its pixels (place, patient, device) is not read."
        )
        st.stop()
    data = file.getvalue()
    try:
        picture = store.own_picture(store.bytes_digest(data), data)
    except WbcsegError as problem:
        st.error(as_text(str(problem)), icon=":material/broken_image:")
        st.stop()
    st.text(file.name)
    for notice in picture.notices:
        st.caption(as_text(notice))
    return picture
