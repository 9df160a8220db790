"""The settings of a batch: model, second opinion, pixel size, TIFF page and test-time averaging."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import streamlit as st

from wbcseg.errors import WbcsegError
from wbcseg.inference import Catalog, ModelEntry
from wbcseg.io import PageChoice
from wbcseg.quality import load_quality_model
from wbcseg.ui.components import dataset_status
from wbcseg.ui.components.pixel_size import select_pixel_size
from wbcseg.ui.counting import select_edge_rule
from wbcseg.ui.glossary import GLOSSARY
from wbcseg.ui.state import restore_widget, save_widget

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


def select_options(catalog: Catalog, page_count: int = 1) -> PredictionOptions | None:
    """Ask for the settings of a batch.

    Args:
        catalog: The models to choose from.
        page_count: Largest number of pages of a TIFF.

    Returns:
        The settings, or ``None`` if there is no model.
    """
    dataset_status.show_model_problems(catalog.broken)
    usable_entries = {entry.name: entry for entry in catalog.usable}
    if not usable_entries:
        st.info("There is no usable model. Train one on the Train page.", icon=":material/school:")
        return None
    names = list(usable_entries)
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        restore_widget("batch_model", catalog.default_model.name if catalog.default_model else names[0], names)
        name = st.selectbox(
            "Model",
            names,
            format_func=lambda name: usable_entries[name].title,
            key="batch_model",
            on_change=save_widget,
            args=("batch_model",),
            width=260,
            help=GLOSSARY["Model"],
        )
        second_entry = _select_second_entry(usable_entries[name], usable_entries)
        pixel_size = select_pixel_size(in_address=False)
        select_edge_rule()
        page = 1
        if page_count > 1:
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
        restore_widget("batch_tta", False)
        tta = st.toggle(
            "Test-time averaging",
            key="batch_tta",
            on_change=save_widget,
            args=("batch_tta",),
            help=GLOSSARY["Test-time averaging"],
        )
    if not _has_quality_model(usable_entries[name]):
        st.caption(
            "No quality check for this model: its results are not flagged for review, and it was not trained for "
            "images from other laboratories. General (multi-site) models have a quality check."
        )
    return PredictionOptions(usable_entries[name], second_entry, tta, int(page) - 1 if page > 1 else None, pixel_size)


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
