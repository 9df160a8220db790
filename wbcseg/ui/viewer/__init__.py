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


def bundle(filenames: Sequence[str]) -> str:
    """Return modules as one: each in a scope of its own, the last one open, because its default export is what counts.

    Imports and exports stand on lines of their own, as they do in the scripts beside this file.
    """
    *inner_names, entry_name = filenames
    return "\n".join(
        [
            *(_wrap_module(filename) for filename in inner_names),
            _replace_imports((SOURCES / entry_name).read_text(encoding="utf-8")),
        ]
    )


def _wrap_module(filename: str) -> str:
    source = (SOURCES / filename).read_text(encoding="utf-8")
    exported_names = re.findall(r"^export (?:async )?(?:function|class|const) (\w+)", source, flags=re.MULTILINE)
    body = re.sub(r"^export ", "", _replace_imports(source), flags=re.MULTILINE)
    return f"const {_get_scope_name(filename)} = (() => {{\n{body}\nreturn {{ {', '.join(exported_names)} }}\n}})()"


def _replace_imports(source: str) -> str:
    return re.sub(
        r'^import (\{[^}]*\}) from "\./([\w.]+)"$',
        lambda match: f"const {match[1]} = {_get_scope_name(match[2])}",
        source,
        flags=re.MULTILINE,
    )


def _get_scope_name(filename: str) -> str:
    return f"in_{filename.partition('.')[0]}"


_payload_component = st.components.v2.component("wbcseg.pack", js=bundle(PAYLOAD_SCRIPTS))
_viewer_component = st.components.v2.component(
    "wbcseg.viewer", css=(SOURCES / "viewer.css").read_text(encoding="utf-8"), js=bundle(VIEWER_SCRIPTS)
)


def send_payload(digest: str, payload: bytes) -> None:
    """Bring one picture to the browser; nothing travels again while the browser has it.

    Args:
        digest: Names the content.
        payload: What :func:`wbcseg.ui.viewer.payload.encode_payload` made, with ``digest`` in its head.
    """
    _payload_component(key=f"pack-{digest}", data=payload)


def show_viewer(
    props: Mapping[str, Any],
    *,
    on_image: Callable[[], None],
    on_mask: Callable[[], None],
    key: str = "viewer",
) -> None:
    """Show a picture that was sent. To be called at the top level of a page: inside containers it is put up anew.

    Args:
        props: JSON values; see :mod:`wbcseg.ui.segment.view`.
        on_image: Called when the reader asks for another picture: its id is ``st.session_state[key]["picture"]``.
        on_mask: Called when the reader hands over a corrected mask: ``st.session_state[key]["mask"]``.
        key: Of the component.
    """
    # In a list, because Streamlit looks for data frames in a dictionary and would load pandas for it, 80 MB.
    _viewer_component(key=key, data=[dict(props)], on_picture_change=on_image, on_mask_change=on_mask)
