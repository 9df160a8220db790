"""A PNG shown without recompression."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator


def show_png(png: bytes, alt: str, *, container: DeltaGenerator | None = None) -> None:
    """Show a PNG in the full width of its container.

    Args:
        png: At most :data:`wbcseg.visualization.MAX_DISPLAY_WIDTH` pixels wide: Streamlit would blur a wider one.
        alt: Description for screen readers.
        container: The container, or ``None`` for the current one.
    """
    # By default, Streamlit converts a PNG without transparency to JPEG, which blurs the edges of labels.
    (container or st).image(png, alt=alt, width="stretch", output_format="PNG")
