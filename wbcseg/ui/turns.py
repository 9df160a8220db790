"""Turns for what a page computes itself; see :mod:`wbcseg.turns`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import streamlit as st
from streamlit.runtime import Runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from wbcseg.turns import WorkCancelledError, take_turns


@contextmanager
def take_page_turns() -> Iterator[None]:
    """Take turns with other visitors within the block. The page ends there when its visitor has left."""
    try:
        with take_turns(_build_check()):
            yield
    except WorkCancelledError:
        st.stop()


def _build_check() -> Callable[[], bool]:
    """Return a function that returns whether the visitor of this page is still connected."""
    context = get_script_run_ctx(suppress_warning=True)
    if context is None or not Runtime.exists():
        return lambda: True
    runtime, session_id = Runtime.instance(), context.session_id
    if not runtime.is_active_session(session_id):
        # Not a visit in a browser: a test.
        return lambda: True
    return lambda: runtime.is_active_session(session_id)
