"""The methods without a deep network: what they do, where they come from, and how these differ."""

from __future__ import annotations

from typing import Final

import streamlit as st

from wbcseg.models.method_registry import METHODS, MethodSpec
from wbcseg.models.pixels.features import list_feature_names
from wbcseg.ui import routes

MIN_METHOD_WIDTH: Final = 330
"""Minimum width in pixels of a method's column."""


def show_methods() -> None:
    """Show each method with its summary, source and deviations, and what its features are."""
    with st.grid("auto", min_column_width=MIN_METHOD_WIDTH, gap="large") as grid:
        for spec in METHODS.values():
            with grid.cell():
                _show_method(spec)
    names = list_feature_names()
    with st.expander(f"The {len(names)} features of a pixel", icon=":material/table_rows:"):
        st.markdown(", ".join(names).replace("*", r"\*") + ".")
    st.page_link(routes.TRAIN, label="Train one in seconds", icon=":material/school:")


def _show_method(spec: MethodSpec) -> None:
    st.subheader(spec.title)
    st.markdown(spec.summary)
    needs = "Learns from images with masks." if spec.learns_from_masks else "Learns from no masks."
    st.caption(f"{needs} **Source:** {spec.reference}. **Here:** {spec.deviations}")
