"""The viewer: linked panels of one picture, drawn and explored in the browser without asking the server.

Two components belong together. :func:`send_payload` brings a picture with everything that models say of it; it shows
nothing. :func:`show_viewer` says which of the pictures that have come is shown, and how. The scripts beside this file
are plain modules; Streamlit wants one text a component, so they are joined.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import streamlit as st

SOURCES: Final = Path(__file__).parent / "frontend" / "src"
PAYLOAD_SCRIPTS: Final = ("png.js", "image_store.js", "receive.js")
VIEWER_SCRIPTS: Final = (
    *("dom.js", "png.js", "image_store.js", "overlays.js", "outlines.js", "render.js", "url_state.js", "gestures.js"),
    *(
        "panels.js",
        "paint.js",
        "local_drafts.js",
        "export.js",
        "edit.js",
        "swipe.js",
        "strip.js",
        "help.js",
        "toolbar.js",
    ),
    "main.js",
)
"""The scripts in an order in which each uses those before it."""


def bundle(names: Sequence[str]) -> str:
    """Return modules as one: each in a scope of its own, the last one open, because its default export is what counts.

    Imports and exports stand on lines of their own, as they do in the scripts beside this file.
    """
    *inner, last = names
    return "\n".join(
        [*(_wrap_module(name) for name in inner), _replace_imports((SOURCES / last).read_text(encoding="utf-8"))]
    )


def _wrap_module(name: str) -> str:
    text = (SOURCES / name).read_text(encoding="utf-8")
    exported = re.findall(r"^export (?:async )?(?:function|class|const) (\w+)", text, flags=re.MULTILINE)
    body = re.sub(r"^export ", "", _replace_imports(text), flags=re.MULTILINE)
    return f"const {_get_scope_name(name)} = (() => {{\n{body}\nreturn {{ {', '.join(exported)} }}\n}})()"


def _replace_imports(text: str) -> str:
    return re.sub(
        r'^import (\{[^}]*\}) from "\./([\w.]+)"$',
        lambda found: f"const {found[1]} = {_get_scope_name(found[2])}",
        text,
        flags=re.MULTILINE,
    )


def _get_scope_name(name: str) -> str:
    return f"in_{name.partition('.')[0]}"


_payload_component = st.components.v2.component("wbcseg.pack", js=bundle(PAYLOAD_SCRIPTS))
_viewer_component = st.components.v2.component(
    "wbcseg.viewer", css=(SOURCES / "viewer.css").read_text(encoding="utf-8"), js=bundle(VIEWER_SCRIPTS)
)


def send_payload(digest: str, content: bytes) -> None:
    """Bring one picture to the browser; nothing travels again while the browser has it.

    Args:
        digest: Names the content.
        content: What :func:`wbcseg.ui.viewer.payload.encode_payload` made, with ``digest`` in its head.
    """
    _payload_component(key=f"pack-{digest}", data=content)


def show_viewer(
    shown: Mapping[str, Any],
    *,
    on_picture: Callable[[], None],
    on_mask: Callable[[], None],
    key: str = "viewer",
) -> None:
    """Show a picture that was sent. To be called at the top level of a page: inside containers it is put up anew.

    Args:
        shown: JSON values; see :mod:`wbcseg.ui.segment.view`.
        on_picture: Called when the reader asks for another picture: its id is ``st.session_state[key]["picture"]``.
        on_mask: Called when the reader hands over a corrected mask: ``st.session_state[key]["mask"]``.
        key: Of the component.
    """
    # In a list, because Streamlit looks for data frames in a dictionary and would load pandas for it, 80 MB.
    _viewer_component(key=key, data=[dict(shown)], on_picture_change=on_picture, on_mask_change=on_mask)
