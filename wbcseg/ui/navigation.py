"""The frame around every page: the navigation and what the browser's tab says."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from wbcseg import paths
from wbcseg.ui import gc_thread

PAGES: Final = {
    "home": ("Home", "What this is, a sample to begin with, and which data sets and models are ready."),
    "datasets": (
        "Data sets",
        "Look through the pictures and their expert masks, and see how they are prepared for training.",
    ),
    "segment": ("Segment", "Segment a picture with every model, side by side with the expert's mask."),
    "batch": (
        "Batch",
        "Segment and measure many pictures at once: masks, figures, tables and a report to take away.",
    ),
    "architectures": ("Architectures", "How the three networks are built, and what each of their stages sees."),
    "compare": ("Compare", "Which network is better, by how much, and how sure that is."),
    "train": ("Train", "Train a network on pictures and masks, and watch it learn."),
    "runs": ("Runs", "All trainings: compare their curves and settings, note, download, delete."),
}
"""Title and purpose of every page, by the name of its script and address."""

_is_set_up = False


def setup_navigation() -> StreamlitPage:
    """Draw the frame. Return the page that was asked for."""
    global _is_set_up
    _is_set_up = True
    gc_thread.start_gc_thread()
    # Pages have no icon: for the one in the browser's tab, Streamlit would send every reader to a server elsewhere.
    page = st.navigation(
        [
            st.Page(paths.get_pages_folder() / f"{name}.py", title=title, default=name == "home", help=purpose)
            for name, (title, purpose) in PAGES.items()
        ],
        position="top",
    )
    st.set_page_config(
        page_title=f"{page.title} · White blood cell segmentation",
        page_icon=Path(__file__).parent / "icon.png",
        layout="wide",
        menu_items={
            "About": "Segmentation of white blood cells in blood-smear pictures. For research, not for diagnosis."
        },
    )
    return page


def ensure_navigation() -> None:
    """Draw the frame if nobody has yet; every page begins with this.

    Until ``app.py`` has called ``st.navigation`` for the first time, Streamlit takes a folder named ``pages`` for an
    older kind of app and answers a link to a page by running its script alone. The widgets of such a run are not
    those of the next, and a click on one would be lost: hence the second run at once.
    """
    if not _is_set_up:
        setup_navigation()
        st.rerun()
