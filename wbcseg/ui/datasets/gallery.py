"""A gallery of thumbnails, one page at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

import streamlit as st

from wbcseg.datasets.base import Dataset, SampleInfo
from wbcseg.errors import WbcsegError
from wbcseg.labels import ALL_CELL_TYPES
from wbcseg.ui import cache
from wbcseg.ui.components import dataset_picker
from wbcseg.ui.components.image import show_png
from wbcseg.ui.formatting import escape_markdown, format_size, get_local_id, pluralise

PER_PAGE: Final = 20
"""Fills rows of four (on a phone) and of five."""
ALL_TYPES: Final = "All types"
ALL_SIZES: Final = "All sizes"


def filter_samples(dataset: Dataset) -> list[SampleInfo]:
    """Ask for a cell type and an image size. Return the samples that match both."""
    type_counts = Counter(info.cell_type for info in dataset.sample_infos)
    size_counts = Counter(info.size for info in dataset.sample_infos)
    with st.container(horizontal=True):
        cell_type = st.selectbox(
            "Cell type",
            [ALL_TYPES, *(name for name in ALL_CELL_TYPES if type_counts[name])],
            key="type",
            bind="query-params",
            width=170,
        )
        size_by_text = {format_size(size): size for size, _ in size_counts.most_common()}
        size = st.selectbox(
            "Size in pixels",
            [ALL_SIZES, *size_by_text],
            key="size",
            bind="query-params",
            width=170,
            help="Width × height, the most common first.",
        )
    return [
        info
        for info in dataset.sample_infos
        if cell_type in (ALL_TYPES, info.cell_type) and (size == ALL_SIZES or info.size == size_by_text.get(size))
    ]


def show_gallery(dataset: Dataset, infos: Sequence[SampleInfo], selected_id: str) -> None:
    """Show samples as thumbnails with a button each, one page at a time.

    Args:
        dataset: The data set.
        infos: The samples to show.
        selected_id: The id of the sample that the page shows enlarged.
    """
    if not infos:
        st.info("No image in this data set has this cell type and this size.", icon=":material/filter_alt_off:")
        return
    tiles = st.container()
    total_text = pluralise(len(dataset), "image")
    st.caption(total_text if len(infos) == len(dataset) else f"{len(infos)} of {total_text}")
    page = select_page(len(infos), PER_PAGE, "page")
    with tiles, st.grid("auto", min_column_width=80, gap=("small", "xsmall"), key="gallery") as grid:
        for info in infos[(page - 1) * PER_PAGE : page * PER_PAGE]:
            with grid.cell(), st.container(gap=None):
                _show_tile(dataset.name, info, info.id == selected_id)


def select_page(count: int, per_page: int, key: str) -> int:
    """Ask for a page of a long list. Return its number, from 1. A list that fits on one page needs no choice."""
    page_count = -(-count // per_page)
    if page_count <= 1:
        return 1
    # With another filter there can be fewer pages than before.
    if st.session_state.get(key, 1) > page_count:
        st.session_state[key] = page_count
    return st.pagination(page_count, key=key, bind="query-params")


def _show_tile(dataset_name: str, info: SampleInfo, is_selected: bool) -> None:
    try:
        loaded_image = cache.load_image(dataset_name, info.id)
        alt = f"{info.cell_type or 'Image'} {get_local_id(info.id)}"
        show_png(cache.encode_thumbnail(loaded_image.digest, loaded_image.sample.image), alt)
    except WbcsegError as error:
        st.markdown(":material/broken_image:", help=escape_markdown(str(error)))
    label = f":small[{escape_markdown(get_local_id(info.id))}]"
    st.button(
        # Long names would not fit between the edges of a button.
        f":primary[**{label}**]" if is_selected else label,
        key=f"show_{info.id}",
        type="tertiary",
        on_click=dataset_picker.go_to_image,
        args=(dataset_name, info.id),
        width="stretch",
        help=f"Enlarge ({info.cell_type or 'unknown cell type'}, {format_size(info.size)} pixels)",
    )
