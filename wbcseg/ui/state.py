"""Choices that outlive a visit to another page."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st


def restore_widget(key: str, default: object, options: Sequence[object] | None = None) -> None:
    """Bring back a choice from an earlier look at the page: Streamlit forgets it on the way to another one."""
    if key in st.session_state:
        return
    saved = st.session_state.get(f"kept_{key}", default)
    st.session_state[key] = saved if options is None or saved in options else default


def save_widget(key: str) -> None:
    """Keep a choice for later; for the ``on_change`` of its widget."""
    st.session_state[f"kept_{key}"] = st.session_state[key]
