"""What is asked for now and then, below the gallery: plots and comparisons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import streamlit as st

from wbcseg.ui.workbench.cells import WorkbenchCell
from wbcseg.ui.workbench.comparison_view import show_comparison
from wbcseg.ui.workbench.plots import show_plots
from wbcseg.ui.workbench.state import Selection

PLOTS: Final = "Plots"
COMPARISON: Final = "Compare"
SECTIONS: Final = (PLOTS, COMPARISON)

_KEY: Final = "workbench_section"


def get_section() -> str:
    """Return which section is shown; empty if none is."""
    section = st.session_state.get(_KEY)
    return section if section in SECTIONS else ""


def show_sections(
    cells: Sequence[WorkbenchCell],
    samples: Mapping[str, Sequence[str]],
    selection: Selection,
    pixel_size: float | None,
) -> None:
    """Let the user choose a section, and show it.

    Args:
        cells: The cells.
        samples: Names of the images of each sample.
        selection: The selected cells.
        pixel_size: Pixel size in µm, or ``None``.
    """
    section = st.segmented_control("Section", SECTIONS, key=_KEY, label_visibility="collapsed")
    if section == PLOTS:
        show_plots(cells, selection, pixel_size)
    elif section == COMPARISON:
        show_comparison(cells, samples)
