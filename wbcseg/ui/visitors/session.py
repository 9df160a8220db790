"""The visits and uploads of this server, and what a page has to do with them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Any, Final

import streamlit as st
from streamlit.runtime import Runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from wbcseg.hosting import get_limits
from wbcseg.pipeline import Batch
from wbcseg.ui import gc_thread
from wbcseg.ui.visitors.upload_budget import UploadBudget
from wbcseg.ui.visitors.visits import CONNECTION_HEADER, ENDED_HEADER, Visits

CLEAR_SECONDS: Final = 5.0
"""Seconds after the end of a visit until what it holds is dropped."""

_NOTICE_KEY: Final = "ended_visit_noticed"
_MB: Final = 1_000_000


def _is_connected(session_id: str) -> bool:
    return Runtime.exists() and Runtime.instance().is_active_session(session_id)


def _is_known(session_id: str) -> bool:
    # Any: Streamlit offers no public way to ask for sessions whose connection was lost.
    runtime: Any = Runtime.instance()
    return runtime._session_mgr.get_session_info(session_id) is not None


def _end_session(session_id: str) -> None:
    # Any: as above.
    runtime: Any = Runtime.instance()
    info = runtime._session_mgr.get_session_info(session_id)
    runtime.close_session(session_id)
    if info is not None:
        # A page that still runs for the visitor ends at its next element.
        asyncio.get_running_loop().call_later(CLEAR_SECONDS, _clear_session, info.session)


def _clear_session(app_session: Any) -> None:
    """Drop what a session holds: what Streamlit keeps of an ended one would hold its uploads and results."""
    with contextlib.suppress(AttributeError):
        state = app_session.session_state
        for value in list(state.filtered_state.values()):
            for item in value if isinstance(value, tuple) else (value,):
                if isinstance(item, Batch):
                    item.cancel()
        state.clear()
        app_session._fragment_storage.clear()
    gc_thread.request_collection()


def get_upload_manager() -> Any:
    """Return Streamlit's store of uploads, or ``None`` outside a server."""
    return Runtime.instance().uploaded_file_mgr if Runtime.exists() else None


def _get_held_bytes() -> Mapping[str, int]:
    # Any: of the stores that Streamlit may have, only the one in memory has a list of files.
    storage: dict[str, dict[str, Any]] = getattr(get_upload_manager(), "file_storage", {})
    return {
        session_id: sum(len(file.data) for file in list(files.values())) for session_id, files in list(storage.items())
    }


VISITS: Final = Visits(_is_connected, _is_known, _end_session)
UPLOAD_BUDGET: Final = UploadBudget(_get_held_bytes)


def register_visit() -> None:
    """Tell the server whose connection this is. To be called in every run of a page."""
    context = get_script_run_ctx(suppress_warning=True)
    connection = st.context.headers.get(CONNECTION_HEADER)
    if context is not None and connection:
        VISITS.register(connection, context.session_id)


def show_ended_notice() -> None:
    """Say that an earlier visit has ended, to a browser that comes back too late."""
    if st.context.headers.get(ENDED_HEADER) and _NOTICE_KEY not in st.session_state:
        st.session_state[_NOTICE_KEY] = True
        st.info(
            "Your connection was away for too long, or the server was restarted: the images that you uploaded and "
            "their results are gone from the server. Training runs go on.",
            icon=":material/link_off:",
        )


def release_files(file_ids: list[str]) -> None:
    """Free the memory of uploads of this visit that are no longer wanted.

    Args:
        file_ids: Ids of the files (``UploadedFile.file_id``).
    """
    context, manager = get_script_run_ctx(suppress_warning=True), get_upload_manager()
    if context is None or not hasattr(manager, "remove_file"):
        return
    for file_id in file_ids:
        manager.remove_file(session_id=context.session_id, file_id=file_id)


def describe_free_room() -> str:
    """Return how much this visit may still upload, as a sentence."""
    context, limits = get_script_run_ctx(suppress_warning=True), get_limits()
    free = UPLOAD_BUDGET.get_free_bytes(context.session_id if context else "")
    return f"Room for {free // _MB} of {limits.visit_bytes // _MB} MB of files in this visit."
