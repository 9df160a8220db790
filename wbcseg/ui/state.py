"""Widget choices that outlive a visit to another page.

Streamlit forgets a widget's value as soon as the user opens another page. The choices to keep are saved here, by the
key of the widget: :func:`save_widget` is its ``on_change``, and :func:`restore_widget`, called before the widget,
restores its value. Widgets that are bound to the address use :func:`restore_bound_widget`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Container
from typing import Any, Final

import streamlit as st
from streamlit.errors import StreamlitAPIException

BATCH_KEY: Final = "batch"
"""Key of the session's batch, with the keys of its uploads and of its settings."""

_SAVED_KEY: Final = "saved_choices"
_PAGE_KEY: Final = "restored_page"
_RESTORED_KEY: Final = "restored_keys"


def get_saved_choices() -> dict[str, Any]:
    """Return the saved choices of this session by key.

    A download is built when its button is clicked, outside a run of the page. It takes this dictionary along to read
    the latest choice.
    """
    choices: dict[str, Any] = st.session_state.setdefault(_SAVED_KEY, {})
    return choices


def save_choices(**choices: object) -> None:
    """Save choices by the key of their widget."""
    get_saved_choices().update(choices)


def save_widget(key: str) -> None:
    """Save a widget's value; for its ``on_change``."""
    get_saved_choices()[key] = st.session_state[key]


def restore_widget(key: str, default: object, options: Container[object] | None = None) -> None:
    """Give a widget the value that was saved, or a default where there is none or it is not among the options."""
    if key in st.session_state:
        return
    saved = get_saved_choices().get(key, default)
    st.session_state[key] = saved if options is None or saved in options else default


def restore_bound_widget(key: str, options: Container[str], format_option: Callable[[str], str] = str) -> None:
    """Give a widget that is bound to the address the value of another page, unless the address has one.

    Streamlit forgets a choice that came with the address when the user opens the next page, and does not write one that
    a page sets into the address: this does both.

    Args:
        key: Key of the widget that follows, and of its query parameter.
        options: Its options.
        format_option: Turns an option into what the address says.
    """
    saved, restored_keys = get_saved_choices().get(key), get_restored_keys()
    if key not in restored_keys and key not in st.query_params and saved is not None and saved in options:
        st.session_state[key] = saved
        # Where the page before had the same widget, the address may still belong to it, and it writes its own value.
        with contextlib.suppress(StreamlitAPIException):
            st.query_params[key] = format_option(saved)
    restored_keys.add(key)


def get_restored_keys() -> set[str]:
    """Return the keys that have been restored since the user opened the current page."""
    if st.session_state.get(_PAGE_KEY, "") != st.context.url:
        st.session_state[_PAGE_KEY] = st.context.url
        st.session_state[_RESTORED_KEY] = set()
    restored_keys: set[str] = st.session_state[_RESTORED_KEY]
    return restored_keys
