"""Keeping uploads, corrections and edited masks in the visitor's browser, if they want it: a reload restores them.

The browser owns what is kept and whether anything is; it is off until the visitor switches it on. The server offers the
uploads that it has in memory, the browser fetches and keeps them, and after a reload sends them back.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import streamlit as st

from wbcseg.ui import server
from wbcseg.ui.bundler import bundle
from wbcseg.ui.keep import masks, state, uploads
from wbcseg.ui.server.file_store import FileStore
from wbcseg.ui.server.payloads import PREFIX

SOURCES: Final = Path(__file__).parent / "frontend" / "src"
SCRIPTS: Final = ("../../../viewer/frontend/src/server.js", "kept_store.js", "keeper.js", "connection.js", "keep.js")

COMPONENT_KEY: Final = "keep"
_STORE_KEY: Final = "kept_files"
_RESTORED_KEY: Final = "kept_restored"

_keep_component = st.components.v2.component(
    "wbcseg.keep",
    css=(SOURCES / "keep.css").read_text(encoding="utf-8"),
    js=server.serve_script("keep", bundle(SOURCES, SCRIPTS)),
)


def show_keep_switch() -> None:
    """Show the switch *Keep my images in this browser*.

    Call it once in a run: when its uploads and corrections are known, or where the page ends because there is no image,
    which the browser may then send back.
    """
    store = _get_store()
    kept_masks, mask_files = masks.list_masks()
    files = [*uploads.list_files(), *mask_files]
    store.offer({file.key: file.load for file in files})
    props = {
        "token": store.token,
        "path": f"{PREFIX}/files/{store.token}",
        "files": [{"key": file.key, "name": file.name, "page": file.page, "size": file.size} for file in files],
        "state": state.collect_state() | {"masks": kept_masks},
        "restored": st.session_state.get(_RESTORED_KEY),
    }
    _keep_component(
        key=COMPONENT_KEY,
        data=[props],
        on_restored_change=_on_restored,
        # The browser lets the page run when it finds that the server was restarted.
        on_forgotten_change=lambda: None,
        height="content",
    )


def _get_store() -> FileStore:
    if _STORE_KEY not in st.session_state:
        st.session_state[_STORE_KEY] = FileStore()
    store: FileStore = st.session_state[_STORE_KEY]
    return store


def _on_restored() -> None:
    """Take over what the browser sent back. It may send anything."""
    value: Any = st.session_state[COMPONENT_KEY].get("restored")
    message = value if isinstance(value, dict) else {}
    kept_state = message.get("state")
    kept, received = state.parse_state(kept_state), _get_store().take()
    state.restore_state(kept)
    st.session_state[_RESTORED_KEY] = {
        "files": uploads.restore_files(message.get("files"), received),
        "corrections": kept.correction_count,
        "masks": masks.restore_masks(kept_state.get("masks") if isinstance(kept_state, dict) else None, received),
        "id": message.get("id"),
    }
