"""Take a training along: its command for a terminal, a notebook, and the address of the form."""

from __future__ import annotations

import streamlit as st

from wbcseg.training.repeat.command import build_command
from wbcseg.training.repeat.notebook import build_notebook
from wbcseg.ui.train.form import TrainingRequest


def show_take_along(request: TrainingRequest) -> None:
    """Show buttons for the command and the notebook."""
    config, preset = request.config, request.preset
    with st.popover("Copy command", icon=":material/terminal:", type="tertiary"):
        st.caption("Trains with the same settings in a terminal, where `wbcseg` is installed.")
        st.code(build_command(config, preset), language="sh", wrap_lines=True)
    st.download_button(
        "Download notebook",
        data=lambda: build_notebook(config, preset),
        file_name=f"train-{config.architecture}.ipynb",
        mime="application/x-ipynb+json",
        icon=":material/download:",
        type="tertiary",
        on_click="ignore",
        key="train_notebook",
        help="For Jupyter or Colab: installs wbcseg, trains with the same settings, and shows curves and a prediction.",
    )
