"""The workbench: cells as tiles or rows, filed by type, with details beside them. Explored without asking the server.

It consists of two components. :func:`send_payload` sends sheets of tiles, the list of cells and large tiles; it shows
nothing. :func:`show_workbench` says which of them are shown and which types the cells have.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import streamlit as st

from wbcseg.ui import server
from wbcseg.ui.bundler import bundle

SOURCES: Final = Path(__file__).parent / "frontend" / "src"
PAYLOAD_SCRIPTS: Final = ("../../../viewer/frontend/src/server.js", "cell_store.js", "receive_cells.js")
WORKBENCH_SCRIPTS: Final = (
    *("../../../viewer/frontend/src/dom.js", "cell_store.js", "cell_list.js", "grid_layout.js", "operations.js"),
    *("tile.js", "gallery.js", "cell_table.js", "details.js", "workbench_bar.js", "workbench.js"),
)
"""The scripts, each after those that it imports."""

COMPONENT_KEY: Final = "workbench"

_payload_component = st.components.v2.component(
    "wbcseg.cells", js=server.serve_script("cells", bundle(SOURCES, PAYLOAD_SCRIPTS))
)
_workbench_component = st.components.v2.component(
    "wbcseg.workbench",
    css=(SOURCES / "workbench.css").read_text(encoding="utf-8"),
    js=server.serve_script("workbench", bundle(SOURCES, WORKBENCH_SCRIPTS)),
)


def send_payload(digest: str, payload: bytes) -> None:
    """Send a payload to the browser; it is not sent again while the browser has it.

    Args:
        digest: Identifies the content.
        payload: From :func:`wbcseg.ui.viewer.payload.encode_payload`, with ``digest`` in its header.
    """
    _payload_component(key=f"cells-{digest}", data=server.publish(digest, payload))


def show_workbench(
    props: Mapping[str, Any],
    *,
    on_operations: Callable[[], None],
    on_look: Callable[[], None],
    on_open: Callable[[], None],
) -> None:
    """Show cells that were sent.

    Args:
        props: From :func:`wbcseg.ui.workbench.payload.build_props`.
        on_operations: Called when the user files cells, undoes or redoes; see
            :mod:`wbcseg.ui.workbench.operations`.
        on_look: Called when the user goes to another cell or selects cells.
        on_open: Called when the user wants to correct a cell's mask.
    """
    # In a list, because Streamlit looks for data frames in a dictionary and would load pandas for it, 80 MB.
    _workbench_component(
        key=COMPONENT_KEY,
        data=[dict(props)],
        on_operations_change=on_operations,
        on_look_change=on_look,
        on_open_change=on_open,
    )
