"""Which data sets and models are ready, and the download of data sets."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from wbcseg.datasets import DATASETS, DatasetStatus, open_dataset
from wbcseg.errors import WbcsegError
from wbcseg.inference import BrokenModel, Catalog
from wbcseg.metrics import FOREGROUND_REGIONS
from wbcseg.ui.components.table import show_table
from wbcseg.ui.formatting import escape_markdown, format_dataset_name, format_mean, pluralise
from wbcseg.ui.glossary import GLOSSARY


def show_dataset_card(dataset_status: DatasetStatus) -> None:
    """Show whether a data set is ready, and offer its download if it is not."""
    with st.container(gap="xsmall"):
        st.markdown(f"**{escape_markdown(format_dataset_name(dataset_status.name))}**")
        st.markdown(escape_markdown(DATASETS[dataset_status.name].description))
        if dataset_status.ready:
            count_text = f" · {pluralise(dataset_status.count, 'image')}" if dataset_status.count is not None else ""
            st.markdown(f":green[:material/check_circle: Ready]{count_text}")
        else:
            st.markdown(":gray[:material/cloud_download: Not downloaded yet]")
            show_download_button(dataset_status)


def show_download_button(dataset_status: DatasetStatus) -> None:
    """Offer to download a data set, and explain the alternatives."""
    with st.container(horizontal=True):
        clicked = st.button("Download", icon=":material/download:", key=f"download_{dataset_status.name}")
        with st.popover("Other ways to get it", type="tertiary"):
            st.markdown(escape_markdown(dataset_status.advice))
    if not clicked:
        return
    bar = st.progress(0.0, text="Connecting…")

    def on_progress(done: int, total: int, name: str) -> None:
        bar.progress(min(1.0, done / total) if total else 0.0, text=escape_markdown(name))

    try:
        open_dataset(dataset_status.name, download=True, progress=on_progress)
    except WbcsegError as problem:
        bar.empty()
        st.error(escape_markdown(str(problem)), icon=":material/error:")
    else:
        st.rerun()


def show_models_table(catalog: Catalog) -> None:
    """Show the models with their scores on held-out images, and the problems of those that cannot be loaded."""
    ready = [(entry.title, entry.card) for entry in catalog.usable]
    if not catalog.entries:
        st.caption("No models yet. Train one, or reinstall the program to get the models that come with it.")
    if ready:
        rows = []
        for title, card in ready:
            regions = [card.test_metrics.regions[region] for region in FOREGROUND_REGIONS]
            cells = [format_mean(scores.dice, scores.dice_se) for scores in regions]
            mark = " :orange[:material/content_copy:]" if card.is_leaky else ""
            rows.append([escape_markdown(title) + mark, *cells])
        show_table(["Model", "Nucleus", "Cytoplasm", "Whole cell"], rows, "Models")
        st.caption("Mean Dice on held-out images ± standard error.")
        if any(card.is_leaky for _, card in ready):
            st.caption(
                ":orange[:material/content_copy:] Leaky split: flipped copies of most held-out images were in the "
                "training set, so the scores are optimistic.",
                help=GLOSSARY["Leaky split"],
            )
    show_model_problems(catalog.broken)


def show_model_problems(models: Sequence[BrokenModel]) -> None:
    """Show which models cannot be loaded and why."""
    for model in models:
        st.warning(f"**{escape_markdown(model.name)}** {escape_markdown(str(model.problem))}", icon=":material/error:")
