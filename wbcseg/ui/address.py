"""Addresses that name something that there is not: the page says so, and shows nothing else in its place."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import nullcontext
from typing import Final

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from wbcseg.io import format_display_name
from wbcseg.ui.formatting import escape_markdown

_UNKNOWN_KEY: Final = "unknown_in_address"


def is_unknown_in_address(key: str, options: Iterable[str], format_option: Callable[[str], str]) -> bool:
    """Return whether the address that the user opened names something that is not among the options.

    Args:
        key: Key of a widget that is bound to the address. Call this before the widget.
        options: Its options.
        format_option: Turns an option into what the address says.
    """
    unknown: dict[str, str] = st.session_state.setdefault(_UNKNOWN_KEY, {})
    requested = st.query_params.get(key)
    if key not in st.session_state:
        unknown.pop(key, None)
        if requested and requested not in map(format_option, options):
            unknown[key] = requested
    return key in unknown


def stop_if_unknown(key: str, noun: str, selected: str | None, stage: DeltaGenerator | None = None) -> str:
    """Return what is selected; if the address names something unknown, say so instead and end the page.

    Args:
        key: Key of the widget.
        noun: What the widget selects, for the user.
        selected: What is selected.
        stage: Where to say it; by default where the page is.
    """
    unknown: dict[str, str] = st.session_state.get(_UNKNOWN_KEY, {})
    if selected is not None:
        unknown.pop(key, None)
        return selected
    name = escape_markdown(format_display_name(unknown.get(key, "")))
    text = f"The address names the {noun} “{name}”, which is not here. Choose another one, or check the address."
    with stage or nullcontext():
        st.warning(text, icon=":material/link_off:")
    return st.stop()
