"""Errors of actions: a callback reports them, and the page shows them once."""

from __future__ import annotations

import streamlit as st

from wbcseg.ui.formatting import escape_lines


def report_problem(key: str, *errors: Exception) -> None:
    """Keep the errors of an action for :func:`show_problem`, which runs after the callback.

    Args:
        key: Key of the session state; a place on the page has its own.
        errors: The errors; without any, nothing is reported.
    """
    if errors:
        st.session_state[key] = "\n".join(map(str, errors))


def show_problem(key: str) -> None:
    """Show the errors of the last action, once."""
    problem = st.session_state.pop(key, None)
    if problem:
        st.error(escape_lines(problem), icon=":material/error:")
