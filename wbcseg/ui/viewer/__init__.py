"""The viewer: linked panels of one image, drawn and explored in the browser without asking the server.

It consists of three components. :func:`send_payload` sends an image with the results of all models; it shows nothing.
:func:`show_viewer` says which of the images that were sent is shown, and how. :func:`show_cell_list` lists the cells of
a field of view beside it. The scripts in ``frontend/src`` are plain modules; Streamlit takes one text per component, so
they are bundled.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import streamlit as st

from wbcseg.ui import server
from wbcseg.ui.bundler import bundle
from wbcseg.ui.viewer import tiles
from wbcseg.ui.viewer.list_props import CellListProps
from wbcseg.ui.viewer.props import ViewerProps
from wbcseg.visualization import RgbImage

SOURCES: Final = Path(__file__).parent / "frontend" / "src"
PAYLOAD_SCRIPTS: Final = ("png.js", "large_image.js", "server.js", "image_store.js", "receive.js")
CELL_LIST_SCRIPTS: Final = (
    *("dom.js", "png.js", "large_image.js", "server.js", "image_store.js", "badges.js"),
    *("cells/geometry.js", "cells/cell_type.js", "cells/cell_list.js"),
)
CELL_LIST_KEY: Final = "cell_list"

VIEWER_SCRIPTS: Final = (
    *("dom.js", "png.js", "large_image.js", "server.js", "image_store.js"),
    *("overlays.js", "outlines.js", "render.js", "url_state.js", "gestures.js"),
    *("cells/geometry.js", "cells/region.js", "cells/type_counts.js", "cells/cell_labels.js", "cells/cell_layer.js"),
    "cells/cell_edits.js",
    *("cells/icons.js", "cells/cell_tools.js", "cells/cell_toolbar.js", "cells/field.js", "layout.js", "badges.js"),
    *("marks.js", "panels.js", "paint.js", "local_drafts.js", "export.js", "edit.js", "swipe.js", "strip.js"),
    *("help.js", "display_menu.js", "toolbar.js", "state.js", "image_steps.js", "main.js"),
)
"""The scripts, each after those that it imports."""


_CSS: Final = (SOURCES / "viewer.css").read_text(encoding="utf-8")
_payload_component = st.components.v2.component(
    "wbcseg.payload", js=server.serve_script("payload", bundle(SOURCES, PAYLOAD_SCRIPTS))
)
_viewer_component = st.components.v2.component(
    "wbcseg.viewer", css=_CSS, js=server.serve_script("viewer", bundle(SOURCES, VIEWER_SCRIPTS))
)
_cell_list_component = st.components.v2.component(
    "wbcseg.cell_list", css=_CSS, js=server.serve_script("cell_list", bundle(SOURCES, CELL_LIST_SCRIPTS))
)


def send_payload(digest: str, payload: bytes, image: RgbImage | None = None) -> None:
    """Send an image to the browser; it is not sent again while the browser has it.

    Args:
        digest: Identifies the content.
        payload: From :func:`wbcseg.ui.viewer.payload.encode_payload`, with ``digest`` in its header.
        image: The image, if its payload only has a shrunk one; see :mod:`wbcseg.ui.viewer.tiles`.
    """
    tiled_image = image if image is not None and tiles.is_tiled(image) else None
    _payload_component(key=f"payload-{digest}", data=server.publish(digest, payload, tiled_image))


def show_viewer(
    props: ViewerProps,
    *,
    on_image: Callable[[], None],
    on_mask: Callable[[], None],
    on_cells: Callable[[], None],
    key: str = "viewer",
) -> None:
    """Show an image that was sent. Call it in a container that has the same place in every run, or it is mounted anew.

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


def show_cell_list(props: CellListProps, *, on_type: Callable[[], None]) -> None:
    """Show the cells of a field of view as a list; a cell selected in it is selected in the viewer, and vice versa.

    Args:
        props: The cells.
        on_type: Called when the user gives a cell a type: ``st.session_state["cell_list"]["type"]``.
    """
    _cell_list_component(key=CELL_LIST_KEY, data=[props.to_dict()], on_type_change=on_type)
