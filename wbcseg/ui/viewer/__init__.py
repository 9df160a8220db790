"""The viewer: linked panels of one image, drawn and explored in the browser without asking the server.

It consists of two components. :func:`send_payload` sends an image with the results of all models; it shows nothing.
:func:`show_viewer` says which of the images that were sent is shown, and how. The scripts in ``frontend/src`` are plain
modules; Streamlit takes one text per component, so they are bundled.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import streamlit as st

from wbcseg.ui.viewer.props import ViewerProps

SOURCES: Final = Path(__file__).parent / "frontend" / "src"
PAYLOAD_SCRIPTS: Final = ("png.js", "image_store.js", "receive.js")
VIEWER_SCRIPTS: Final = (
    *("dom.js", "png.js", "image_store.js", "overlays.js", "outlines.js", "render.js", "url_state.js", "gestures.js"),
    *("cells/geometry.js", "cells/region.js", "cells/cell_labels.js", "cells/cell_layer.js", "cells/cell_edits.js"),
    *("cells/icons.js", "cells/cell_tools.js", "cells/cell_toolbar.js", "cells/field.js", "panels.js", "paint.js"),
    *("local_drafts.js", "export.js", "edit.js", "swipe.js", "strip.js", "help.js", "toolbar.js", "state.js"),
    *("main.js",),
)
"""The scripts, each after those that it imports."""


def bundle(filenames: Sequence[str]) -> str:
    """Join modules into one: each in a scope of its own except the last, whose default export is the component.

    Args:
        filenames: The modules. Their imports begin a line, and so do their exports.
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
        r'^import (\{[^}]*\}) from "\.{1,2}/([\w./]+)"$',
        lambda match: f"const {match[1]} = {_get_scope_name(match[2])}",
        source,
        flags=re.MULTILINE,
    )


def _get_scope_name(filename: str) -> str:
    return f"module_{Path(filename).stem}"


_payload_component = st.components.v2.component("wbcseg.payload", js=bundle(PAYLOAD_SCRIPTS))
_viewer_component = st.components.v2.component(
    "wbcseg.viewer", css=(SOURCES / "viewer.css").read_text(encoding="utf-8"), js=bundle(VIEWER_SCRIPTS)
)


def send_payload(digest: str, payload: bytes) -> None:
    """Send an image to the browser; it is not sent again while the browser has it.

    Args:
        digest: Identifies the content.
        payload: From :func:`wbcseg.ui.viewer.payload.encode_payload`, with ``digest`` in its header.
    """
    _payload_component(key=f"payload-{digest}", data=payload)


def show_viewer(
    props: ViewerProps,
    *,
    on_image: Callable[[], None],
    on_mask: Callable[[], None],
    on_cells: Callable[[], None],
    key: str = "viewer",
) -> None:
    """Show an image that was sent. Call it at the top level of a page: inside a container it is mounted anew.

    Args:
        props: What to show.
        on_image: Called when the user asks for another image: its id is ``st.session_state[key]["image"]``.
        on_mask: Called when the user adds an edited mask to the training set: ``st.session_state[key]["mask"]``.
        on_cells: Called when the user corrects cells: ``st.session_state[key]["edits"]``; see
            :mod:`wbcseg.ui.viewer.message`.
        key: Key of the component.
    """
    # In a list, because Streamlit looks for data frames in a dictionary and would load pandas for it, 80 MB.
    _viewer_component(
        key=key,
        data=[props.to_dict()],
        on_image_change=on_image,
        on_mask_change=on_mask,
        on_edits_change=on_cells,
    )
