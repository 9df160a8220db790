"""How many pictures are to be read: by which model, with whose second opinion, how carefully."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import streamlit as st

from wbcseg.errors import WbcsegError
from wbcseg.inference import Catalog, ModelEntry
from wbcseg.quality import load_quality_model
from wbcseg.ui.components import dataset_status
from wbcseg.ui.components.pixel_size import select_pixel_size
from wbcseg.ui.glossary import GLOSSARY
from wbcseg.ui.state import restore_widget, save_widget

CacheKey = tuple[tuple[str, str], tuple[str, str] | None, bool, int]

NO_SECOND_OPINION: Final = ""
"""The choice of no second opinion."""


@dataclass(frozen=True, eq=False)
class PredictionOptions:
    """How pictures are read.

    Attributes:
        entry: The model.
        second_entry: The model whose opinion is asked for as well, or ``None``.
        tta: Whether they look carefully.
        page: Which page of TIFF files with several, from 0.
        pixel_size: Side of a pixel in µm, or ``None``.
    """

    entry: ModelEntry
    second_entry: ModelEntry | None
    tta: bool
    page: int
    pixel_size: float | None

    @property
    def cache_key(self) -> CacheKey:
        """What the result depends on. The scale is none of it: it changes the figures when they are shown."""
        return self.entry.key, self.second_entry.key if self.second_entry else None, self.tta, self.page


def select_options(catalog: Catalog, page_count: int = 1) -> PredictionOptions | None:
    """Ask how pictures are to be read.

    Args:
        catalog: The models to choose from.
        page_count: The number of pages of the TIFF that has most.

    Returns:
        The answers, or ``None`` where there is no model.
    """
    dataset_status.show_model_problems(catalog.broken)
    usable_entries = {entry.name: entry for entry in reversed(catalog.usable)}  # of two with one name, the first counts
    if not usable_entries:
        st.info("There is no model that can be used. Train one on the page Train.", icon=":material/school:")
        return None
    names = list(reversed(usable_entries))
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        restore_widget("measure_model", catalog.default_model.name if catalog.default_model else names[0], names)
        name = st.selectbox(
            "Model",
            names,
            format_func=lambda name: usable_entries[name].title,
            key="measure_model",
            on_change=save_widget,
            args=("measure_model",),
            width=260,
            help=GLOSSARY["Model"],
        )
        second_entry = _select_second_entry(usable_entries[name], usable_entries)
        pixel_size = select_pixel_size(in_address=False)
        page = 1
        if page_count > 1:
            restore_widget("measure_page", 1)
            page = st.number_input(
                "Page",
                min_value=1,
                max_value=page_count,
                step=1,
                key="measure_page",
                on_change=save_widget,
                args=("measure_page",),
                width=130,
                help=f"Some TIFF files have several pages, up to {page_count}. This page is read from each of them.",
            )
        restore_widget("measure_careful", False)
        tta = st.toggle(
            "Careful",
            key="measure_careful",
            on_change=save_widget,
            args=("measure_careful",),
            help=GLOSSARY["Test-time averaging"],
        )
    if not _has_quality_model(usable_entries[name]):
        st.caption(
            "The results of this model are not judged, so nothing says which of them to check: it was not made for "
            "pictures of other laboratories. Results of the models for any laboratory are judged."
        )
    return PredictionOptions(usable_entries[name], second_entry, tta, int(page) - 1, pixel_size)


def _select_second_entry(first_entry: ModelEntry, usable_entries: Mapping[str, ModelEntry]) -> ModelEntry | None:
    """Ask for a second opinion where results are judged and another model can give one."""
    names = [entry.name for entry in usable_entries.values() if entry.card.two_stage and entry.name != first_entry.name]
    if not names or not _has_quality_model(first_entry):
        return None
    names = [NO_SECOND_OPINION, *reversed(names)]
    restore_widget("measure_second", NO_SECOND_OPINION, names)
    if st.session_state["measure_second"] not in names:
        st.session_state["measure_second"] = NO_SECOND_OPINION
    name = st.selectbox(
        "Second opinion",
        names,
        format_func=lambda name: usable_entries[name].title if name in usable_entries else "none",
        key="measure_second",
        on_change=save_widget,
        args=("measure_second",),
        width=260,
        help=GLOSSARY["Second opinion"],
    )
    return usable_entries.get(name)


def _has_quality_model(entry: ModelEntry) -> bool:
    try:
        return load_quality_model(entry.card) is not None
    except WbcsegError:
        return False  # It is said where the model is opened.
