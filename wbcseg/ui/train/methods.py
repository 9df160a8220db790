"""Train a method without a deep network: it takes seconds, so the page waits for it."""

from __future__ import annotations

from typing import Final

import streamlit as st

from wbcseg.errors import WbcsegError
from wbcseg.evaluation.methods import delete_method, train_in_process
from wbcseg.hosting import is_public
from wbcseg.inference import Catalog, ModelEntry
from wbcseg.metrics import FOREGROUND_REGIONS
from wbcseg.models.card import ModelCard
from wbcseg.models.method_registry import METHODS
from wbcseg.training.config import UPLOADED_DATASET
from wbcseg.ui import routes
from wbcseg.ui.components import problems
from wbcseg.ui.components.dataset_upload import UploadedDataset, upload_dataset
from wbcseg.ui.components.table import show_table
from wbcseg.ui.formatting import escape_lines, escape_markdown, format_bytes, format_decimal
from wbcseg.ui.train.fields import list_dataset_titles
from wbcseg.ui.train.form import check_dataset_ready

_PROBLEM_KEY: Final = "method_problem"


def show_methods() -> None:
    """Show the form of a method's training, and the trained methods."""
    st.markdown(
        "Methods from before deep networks classify each pixel by colours, edges and texture. They learn in seconds, "
        "on the same training images as a network, and are scored on the same held-out images."
    )
    if is_public():
        st.info("This server trains networks only. Install wbcseg on a computer of your own.", icon=":material/school:")
        return
    _show_form()
    problems.show_problem(_PROBLEM_KEY)
    _show_trained([entry for entry in Catalog().usable if entry.card.is_method and not entry.shipped])


def _show_form() -> None:
    titles = list_dataset_titles()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        method = st.selectbox(
            "Method", list(METHODS), format_func=lambda name: METHODS[name].title, key="method", width=240
        )
        dataset = st.selectbox("Data set", list(titles), format_func=titles.__getitem__, key="method_data", width=240)
    st.caption(METHODS[method].summary)
    upload = upload_dataset(key="method_zip") if dataset == UPLOADED_DATASET else None
    is_ready = upload is not None if dataset == UPLOADED_DATASET else check_dataset_ready(dataset)
    if st.button("Train now", icon=":material/play_arrow:", key="method_start", disabled=not is_ready):
        _train(method, dataset, upload)


def _train(method: str, dataset: str, upload: UploadedDataset | None) -> None:
    """Train a method and say how good it is."""
    with st.spinner(f"Training {METHODS[method].title}. This takes seconds …", show_time=True):
        try:
            card = train_in_process(method, dataset, data=upload.zip_bytes if upload else None)
        except WbcsegError as error:
            st.error(escape_lines(str(error)), icon=":material/error:")
            return
    st.success(escape_markdown(_describe_result(card)), icon=":material/check_circle:")
    st.page_link(routes.SEGMENT, label="Segment with it", icon=":material/image:")


def _describe_result(card: ModelCard) -> str:
    metrics = card.test_metrics
    values = {region: metrics.regions[region].dice for region in FOREGROUND_REGIONS}
    dice = ", ".join(f"{region} {format_decimal(value, 3)}" for region, value in values.items() if value is not None)
    return (
        f"{card.title} learned from {len(card.split['train'])} images in {card.training.seconds:.1f} s. "
        f"Dice on {metrics.images} held-out images: {dice}."
    )


def _show_trained(entries: list[ModelEntry]) -> None:
    """Show the trained methods in a table, and a way to delete one."""
    if not entries:
        return
    st.subheader("Trained on this computer")
    header = ["Name", "Method", "Data set", "Training", *(f"Dice {region}" for region in FOREGROUND_REGIONS), "Size"]
    show_table(header, [_build_row(entry) for entry in entries], "Methods trained on this computer")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox("Delete", [entry.name for entry in entries], key="method_delete_name", width=300)
        chosen = next(entry for entry in entries if entry.name == name)
        st.button("Delete", icon=":material/delete:", key="method_delete", on_click=_delete, args=(chosen,))


def _build_row(entry: ModelEntry) -> list[str]:
    card = entry.card
    dice = [card.test_metrics.regions[region].dice for region in FOREGROUND_REGIONS]
    return [
        escape_markdown(entry.name),
        escape_markdown(card.title),
        escape_markdown(card.dataset),
        f"{card.training.seconds:.1f} s",
        *("–" if value is None else format_decimal(value, 3) for value in dice),
        format_bytes(card.size_bytes),
    ]


def _delete(entry: ModelEntry) -> None:
    try:
        delete_method(entry)
    except WbcsegError as error:
        problems.report_problem(_PROBLEM_KEY, error)
