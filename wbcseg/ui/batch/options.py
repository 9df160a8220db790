"""The settings of a batch: model, second opinion, pixel size, TIFF page and test-time averaging."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from wbcseg.errors import WbcsegError
from wbcseg.inference import Catalog, ModelEntry
from wbcseg.io import PageChoice
from wbcseg.quality import load_quality_model
from wbcseg.ui.batch.images import select_file_choices
from wbcseg.ui.components import dataset_status
from wbcseg.ui.components.pixel_size import select_pixel_size
from wbcseg.ui.counting import select_edge_rule
from wbcseg.ui.glossary import GLOSSARY
from wbcseg.ui.state import restore_widget, save_widget
from wbcseg.ui.uploads.store import UploadSet

CacheKey = tuple[tuple[str, str], tuple[str, str] | None, bool, PageChoice]

NO_SECOND_OPINION: Final = ""
"""The option for no second opinion."""


@dataclass(frozen=True, eq=False)
class PredictionOptions:
    """The settings of a batch.

    Attributes:
        entry: The model.
        second_entry: The model that gives a second opinion, or ``None``.
        tta: Whether to use test-time averaging.
        page: The page to read from TIFF files, from 0; ``None`` for what each file declares, else its first page.
        pixel_size: Pixel size in µm, or ``None``.
    """

    entry: ModelEntry
    second_entry: ModelEntry | None
    tta: bool
    page: PageChoice
    pixel_size: float | None

    @property
    def cache_key(self) -> CacheKey:
        """What the results depend on; the pixel size only affects how measurements are shown."""
        return self.entry.key, self.second_entry.key if self.second_entry else None, self.tta, self.page


def select_options(
    catalog: Catalog, upload_set: UploadSet | None, head: DeltaGenerator
) -> tuple[PredictionOptions | None, UploadSet | None]:
    """Ask for the settings of a batch: in a line with a popover, or in a popover in the head if there are images.

    Args:
        catalog: The models to choose from.
        upload_set: The images, or ``None``.
        head: The line of the title.

    Returns:
        The settings, or ``None`` if there is no model; and the images with what was chosen for single files.
    """
    dataset_status.show_model_problems(catalog.broken)
    usable_entries = {entry.name: entry for entry in catalog.usable}
    if not usable_entries:
        st.info("There is no usable model. Train one on the Train page.", icon=":material/school:")
        return None, upload_set
    if upload_set is None:
        with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
            entry, pixel_size = _select_model(catalog, usable_entries)
            more = st.popover("More options", icon=":material/tune:")
    else:
        # Results are what the page is about now.
        more = head.popover("Options", icon=":material/tune:")
        with more:
            entry, pixel_size = _select_model(catalog, usable_entries)
    with more:
        tta = _select_tta()
        second_entry = _select_second_entry(entry, usable_entries)
        select_edge_rule()
        page = _select_page(upload_set.page_count if upload_set else 1)
        if upload_set is not None:
            upload_set = select_file_choices(upload_set)
    if not _has_quality_model(entry):
        st.caption(
            "No quality check for this model: its results are not flagged for review, and it was not trained for "
            "images from other laboratories. General (multi-site) models have a quality check."
        )
    return PredictionOptions(entry, second_entry, tta, page, pixel_size), upload_set


def _select_model(catalog: Catalog, entries: Mapping[str, ModelEntry]) -> tuple[ModelEntry, float | None]:
    """Ask for the model and the pixel size."""
    names = list(entries)
    restore_widget("batch_model", catalog.default_model.name if catalog.default_model else names[0], names)
    name = st.selectbox(
        "Model",
        names,
        format_func=lambda name: entries[name].title,
        key="batch_model",
        on_change=save_widget,
        args=("batch_model",),
        width=260,
        help=GLOSSARY["Model"],
    )
    return entries[name], select_pixel_size(in_address=False)


def _select_tta() -> bool:
    restore_widget("batch_tta", False)
    return st.toggle(
        "Test-time averaging",
        key="batch_tta",
        on_change=save_widget,
        args=("batch_tta",),
        help=GLOSSARY["Test-time averaging"],
    )


def _select_page(page_count: int) -> PageChoice:
    """Ask for the page that is read of every file with several pages; ``None`` for what each file declares."""
    if page_count <= 1:
        return None
    restore_widget("batch_page", 1)
    page = st.number_input(
        "Page",
        min_value=1,
        max_value=page_count,
        step=1,
        key="batch_page",
        on_change=save_widget,
        args=("batch_page",),
        width=130,
        help=f"Some TIFF files have several pages, up to {page_count}. This page is read from each of them.",
    )
    return int(page) - 1 if page > 1 else None


def _select_second_entry(first_entry: ModelEntry, usable_entries: Mapping[str, ModelEntry]) -> ModelEntry | None:
    """Ask for a second opinion, if the model has a quality check and there is another general model."""
    names = [entry.name for entry in usable_entries.values() if entry.card.two_stage and entry.name != first_entry.name]
    if not names or not _has_quality_model(first_entry):
        return None
    names = [NO_SECOND_OPINION, *names]
    restore_widget("batch_second", NO_SECOND_OPINION, names)
    if st.session_state["batch_second"] not in names:
        st.session_state["batch_second"] = NO_SECOND_OPINION
    name = st.selectbox(
        "Second opinion",
        names,
        format_func=lambda name: usable_entries[name].title if name in usable_entries else "none",
        key="batch_second",
        on_change=save_widget,
        args=("batch_second",),
        width=260,
        help=GLOSSARY["Second opinion"],
    )
    return usable_entries.get(name)


def _has_quality_model(entry: ModelEntry) -> bool:
    try:
        return load_quality_model(entry.card) is not None
    except WbcsegError:
        return False  # Shown where the model is loaded.
