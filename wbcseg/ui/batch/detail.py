"""Details of one image or cell of a batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import streamlit as st

from wbcseg.api import Batch
from wbcseg.errors import WbcsegError
from wbcseg.inference import Catalog
from wbcseg.io import encode_png
from wbcseg.pipeline import render_overlay
from wbcseg.quality import STATUS_LABELS
from wbcseg.results import CellResult
from wbcseg.ui.batch import images
from wbcseg.ui.batch.field_view import show_field, show_field_button
from wbcseg.ui.batch.options import PredictionOptions
from wbcseg.ui.components import quality_badges
from wbcseg.ui.components.cell_table import DICE_TITLES, Row, build_feature_table, build_rows
from wbcseg.ui.components.image import show_png
from wbcseg.ui.components.table import show_table
from wbcseg.ui.counting import show_cell_count
from wbcseg.ui.formatting import escape_markdown, format_score, format_size
from wbcseg.ui.segment import upload
from wbcseg.visualization import resize_for_display

MAX_SIDE: Final = 1200
"""Longer side in pixels of a crop on the page; larger ones are reduced."""

CROP_SIDE: Final = 480
"""Longer side in pixels of a crop; smaller ones are enlarged."""

MIN_CROP_WIDTH: Final = 150
"""Minimum width of a crop in pixels: two fit side by side on a phone."""


def show_detail(batch: Batch, options: PredictionOptions, catalog: Catalog) -> None:
    """Let the user select a row, and show its details. Call it at the top level of a page.

    Args:
        batch: The batch.
        options: Its settings.
        catalog: The models.
    """
    rows = [row for row in build_rows(batch.get_results()) if row.result.size is not None]
    if not rows:
        return
    st.subheader("Cell details")
    index = st.selectbox(
        "Image or cell",
        range(len(rows)),
        format_func=lambda index: rows[index].title,
        key="batch_detail",
        width=420,
        label_visibility="collapsed",
    )
    row = rows[index]
    with batch.cache_last_image():
        if row.cell is None:
            _show_or_explain(lambda: show_field(batch, row.result, options, catalog))
            _show_info(row, options.pixel_size)
            return
        cell = row.cell
        image_column, info_column = st.columns([3, 2], gap="large")
        with image_column:
            _show_or_explain(lambda: _show_side_by_side(row, cell))
        with info_column:
            _show_info(row, options.pixel_size)
            if not row.result.is_field_of_view:
                show_field_button(row.result, options)


def _show_or_explain(show: Callable[[], None]) -> None:
    try:
        show()
    except WbcsegError as error:
        st.error(escape_markdown(str(error)), icon=":material/broken_image:")


def _show_side_by_side(row: Row, cell: CellResult) -> None:
    """Show a cell's crop beside its segmentation."""
    image, labels = cell.load()
    # An empty overlay: shrunk in the same way as the annotated image.
    plain, annotated = (
        encode_png(resize_for_display(render_overlay(image, shown, MAX_SIDE), CROP_SIDE))
        for shown in (np.zeros_like(labels), labels)
    )
    with st.grid(2, min_column_width=MIN_CROP_WIDTH):
        with st.container(gap="xsmall"):
            st.markdown("**Image**")
            show_png(plain, f"{row.title}, original")
        with st.container(gap="xsmall"):
            st.markdown("**Segmentation**")
            show_png(annotated, f"{row.title}, with overlay")


def _show_info(row: Row, pixel_size: float | None) -> None:
    result, cell = row.result, row.cell
    size = f" · {format_size(result.size)} pixels" if result.size else ""
    st.markdown(f"**{escape_markdown(row.title)}**{escape_markdown(size)}")
    for sentence in (*result.notices, result.mask_problem):
        if sentence:
            st.caption(escape_markdown(str(sentence)))
    if cell is None:
        show_cell_count(result.cells)
    else:
        _show_features(cell, pixel_size)
    with st.container(horizontal=True, vertical_alignment="center"):
        upload.show_segment_upload_button("Open in Segment", result.input_image, result.page, "batch_open")
        images.show_remove_button(result.input_image)


def _show_features(cell: CellResult, pixel_size: float | None) -> None:
    if cell.status:
        st.markdown(f"{quality_badges.STATUS_ICONS[cell.status]} **{STATUS_LABELS[cell.status]}**")
    if cell.features is None:
        st.markdown("No white blood cell found.")
        return
    for reason in cell.reasons:
        st.markdown(f"- {escape_markdown(reason)}")
    rows = build_feature_table([cell.features], pixel_size)
    rows += [[f"Dice, {region}", format_score(value)] for region, value in cell.dice.items() if region in DICE_TITLES]
    show_table(["Measurement", "Value"], rows, "Measurements")
