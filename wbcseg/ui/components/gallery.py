"""Many small pictures to choose from, a page at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

import streamlit as st

from wbcseg.datasets.base import Dataset, SampleInfo
from wbcseg.errors import WbcsegError
from wbcseg.labels import CELL_TYPES
from wbcseg.ui import cache
from wbcseg.ui.components import dataset_picker
from wbcseg.ui.components.image import show_png
from wbcseg.ui.text import escape_markdown, format_size, get_local_id

PER_PAGE: Final = 20
"""Fills rows of four (a phone) and of five."""
ALL_TYPES: Final = "All types"
ALL_SIZES: Final = "All sizes"


def filter_samples(data: Dataset) -> list[SampleInfo]:
    """Ask for a cell type and a size, and return the entries that have both."""
    types = Counter(entry.cell_type for entry in data.sample_infos)
    sizes = Counter(entry.size for entry in data.sample_infos)
    with st.container(horizontal=True):
        cell_type = st.selectbox(
            "Cell type",
            [ALL_TYPES, *(name for name in CELL_TYPES if types[name])],
            key="type",
            bind="query-params",
            width=170,
        )
        texts = {format_size(size): size for size, _ in sizes.most_common()}
        size = st.selectbox(
            "Size in pixels",
            [ALL_SIZES, *texts],
            key="size",
            bind="query-params",
            width=170,
            help="Width × height, the commonest first.",
        )
    return [
        entry
        for entry in data.sample_infos
        if cell_type in (ALL_TYPES, entry.cell_type) and (size == ALL_SIZES or entry.size == texts.get(size))
    ]


def show_gallery(data: Dataset, entries: Sequence[SampleInfo], chosen: str) -> None:
    """Show the entries as small pictures with a button each, a page at a time.

    Args:
        data: The data set.
        entries: Those of its entries that are to be shown.
        chosen: The id of the one that the page shows large.
    """
    if not entries:
        st.info("No picture of this set has both this type and this size.", icon=":material/filter_alt_off:")
        return
    tiles = st.container()
    noun = "picture" if len(entries) == 1 else "pictures"
    st.caption(f"{len(entries)} {noun}" if len(entries) == len(data) else f"{len(entries)} of {len(data)} pictures")
    page = select_page(len(entries), PER_PAGE, "page")
    with tiles, st.grid("auto", min_column_width=80, gap=("small", "xsmall"), key="gallery") as grid:
        for entry in entries[(page - 1) * PER_PAGE : page * PER_PAGE]:
            with grid.cell(), st.container(gap=None):
                _show_tile(data.name, entry, entry.id == chosen)


def select_page(count: int, per_page: int, key: str) -> int:
    """Ask for a page of a long list, and return its number from 1; a short list has no pages to choose from."""
    pages = -(-count // per_page)
    if pages <= 1:
        return 1
    # A filter can leave fewer pages than the one that was open.
    if st.session_state.get(key, 1) > pages:
        st.session_state[key] = pages
    return st.pagination(pages, key=key, bind="query-params")


def _show_tile(name: str, entry: SampleInfo, chosen: bool) -> None:
    try:
        picture = cache.load_image(name, entry.id)
        alt = f"{entry.cell_type or 'Picture'} {get_local_id(entry.id)}"
        show_png(cache.encode_thumbnail(picture.digest, picture.sample.image), alt)
    except WbcsegError as problem:
        st.markdown(":material/broken_image:", help=escape_markdown(str(problem)))
    st.button(
        escape_markdown(get_local_id(entry.id)),
        key=f"show_{entry.id}",
        type="secondary" if chosen else "tertiary",
        on_click=dataset_picker.go_to_image,
        args=(name, entry.id),
        width="stretch",
        help=f"Show it large ({entry.cell_type or 'type not known'}, {format_size(entry.size)} pixels)",
    )
