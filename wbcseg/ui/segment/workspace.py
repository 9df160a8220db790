"""The page as a workspace: a stage with the viewer, a bar, the source of the image, and a side panel.

Its layout is in ``workspace.css``, which :mod:`wbcseg.ui.server` serves. The containers are always the same, so that
Streamlit keeps the viewer mounted.
"""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st
from streamlit.delta_generator import DeltaGenerator


@dataclass(frozen=True, eq=False)
class Workspace:
    """The containers of the page, to be used with ``with``.

    Attributes:
        bar: Beside the viewer's toolbar, for popovers.
        stage: Where the viewer is; also for what stands in its place while there is no image.
        source: Beside the viewer's filmstrip: where the image comes from.
        side: Details beside the image, or below it in a narrow window.
    """

    bar: DeltaGenerator
    stage: DeltaGenerator
    source: DeltaGenerator
    side: DeltaGenerator


def open_workspace(title: str) -> Workspace:
    """Lay out the page.

    Args:
        title: Its heading, for screen readers; the navigation bar shows where one is.
    """
    with st.container(key="workspace_title"):
        st.title(title, anchor=False)
    with st.container(key="workspace", horizontal=True):
        main = st.container(key="workspace_main")
        side = st.container(key="workspace_side")
    with main:
        bar = st.container(key="workspace_bar", horizontal=True)
        stage = st.container(key="workspace_stage")
        source = st.container(key="workspace_source", horizontal=True)
    return Workspace(bar, stage, source, side)
