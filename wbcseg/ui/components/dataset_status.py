"""What is ready to be used, and downloading what is not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import streamlit as st

from wbcseg.datasets import DatasetStatus, open_dataset
from wbcseg.errors import WbcsegError
from wbcseg.inference import ModelEntry
from wbcseg.ui.components.table import show_table
from wbcseg.ui.formatting import escape_markdown, format_dataset_name
from wbcseg.ui.glossary import GLOSSARY

DATASET_DESCRIPTIONS: Final = {
    "zheng-1": "Real smears on a yellow or white background, with masks drawn by experts.",
    "zheng-2": "Real smears on a purple background, with masks drawn by experts.",
    "synthetic": "Drawn by the program, with exact masks. Always here.",
}


def show_dataset_card(dataset_status: DatasetStatus) -> None:
    """Show whether a data set can be used, with a download where it can't."""
    with st.container(gap="xsmall"):
        st.markdown(f"**{escape_markdown(format_dataset_name(dataset_status.name))}**")
        st.markdown(DATASET_DESCRIPTIONS.get(dataset_status.name, escape_markdown(dataset_status.title)))
        if dataset_status.ready:
            count = f" · {dataset_status.count} pictures" if dataset_status.count is not None else ""
            st.markdown(f":green[:material/check_circle: Ready]{count}")
        else:
            st.markdown(":gray[:material/cloud_download: Not on this computer yet]")
            show_download_button(dataset_status)


def show_download_button(dataset_status: DatasetStatus) -> None:
    """Offer to fetch a data set that is not here, and say what else can be done."""
    with st.container(horizontal=True):
        clicked = st.button("Download now", icon=":material/download:", key=f"download_{dataset_status.name}")
        with st.popover("What else?", type="tertiary"):
            st.markdown(escape_markdown(dataset_status.advice))
    if not clicked:
        return
    bar = st.progress(0.0, text="Asking for the data…")

    def on_progress(done: int, total: int, name: str) -> None:
        bar.progress(min(1.0, done / total) if total else 0.0, text=escape_markdown(name))

    try:
        open_dataset(dataset_status.name, download=True, progress=on_progress)
    except WbcsegError as problem:
        bar.empty()
        st.error(escape_markdown(str(problem)), icon=":material/error:")
    else:
        st.rerun()


def show_models_table(entries: Sequence[ModelEntry]) -> None:
    """Show the models, how well they do on held-out pictures, and what is wrong with those that can't be used."""
    ready = [(entry.title, entry.card) for entry in entries if entry.card is not None]
    if not entries:
        st.caption("There is no model yet: train one, or get the shipped ones with the project's files.")
    if ready:
        rows = []
        for title, card in ready:
            regions = card.test_metrics["regions"]
            cells = [_format_held_out(regions.get(region, {})) for region in ("nucleus", "cytoplasm", "cell")]
            mark = " :orange[:material/content_copy:]" if card.is_leaky else ""
            rows.append([escape_markdown(title) + mark, *cells])
        show_table(["Model", "Nucleus", "Cytoplasm", "Whole cell"], rows, "Models")
        st.caption("Mean Dice on held-out pictures ± standard error.")
        if any(card.is_leaky for _, card in ready):
            st.caption(
                ":orange[:material/content_copy:] Leaking split: most of these held-out pictures have a flipped copy "
                "in the model's training, so its figures flatter it.",
                help=GLOSSARY["Leaky split"],
            )
    show_model_problems(entries)


def show_model_problems(entries: Sequence[ModelEntry]) -> None:
    """Say in a sentence each which models can't be used and why."""
    for entry in entries:
        if entry.problem is not None:
            st.warning(f"**{escape_markdown(entry.name)}** {escape_markdown(entry.problem)}", icon=":material/error:")


def _format_held_out(metrics: Mapping[str, float | None]) -> str:
    mean, error = metrics.get("dice"), metrics.get("dice_se")
    if mean is None:
        return "–"
    return f"{mean:.3f}" if error is None else f"{mean:.3f} ±\u00a0{error:.3f}"
