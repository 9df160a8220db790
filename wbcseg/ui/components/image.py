"""Showing a PNG as it is."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator


def show_png(png: bytes, alt: str, *, container: DeltaGenerator | None = None) -> None:
    """Show a PNG over the whole width of its place.

    Args:
        png: At most :data:`wbcseg.visualization.MAX_DISPLAY_WIDTH` pixels wide. Streamlit would blur a wider one.
        alt: What a screen reader says.
        container: The place, or ``None`` for the current one.
    """
    # Left to choose, Streamlit turns a PNG without transparency into a JPEG, which smears the edges of labels.
    (container or st).image(png, alt=alt, width="stretch", output_format="PNG")
