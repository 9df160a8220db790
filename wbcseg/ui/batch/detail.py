"""Details of one image or cell of a batch."""

from __future__ import annotations

from typing import Final

import numpy as np
import streamlit as st

from wbcseg.api import Batch
from wbcseg.errors import WbcsegError
from wbcseg.io import encode_png
from wbcseg.pipeline import render_field, render_overlay
from wbcseg.quality import STATUS_LABELS
from wbcseg.results import CellResult
from wbcseg.ui.components import quality_badges
from wbcseg.ui.components.cell_table import DICE_TITLES, Row, build_feature_table, build_rows
from wbcseg.ui.components.image import show_png
from wbcseg.ui.components.table import show_table
from wbcseg.ui.formatting import escape_markdown, format_cell_count, format_score, format_size
from wbcseg.ui.segment import upload
from wbcseg.visualization import RgbImage, resize_for_display

FIELD_SIDE: Final = 1200
"""Longer side in pixels of a field of view on the page."""

CROP_SIDE: Final = 480
"""Longer side in pixels of a crop; smaller ones are enlarged."""

MIN_FIELD_WIDTH: Final = 300
"""Minimum width of a field of view in pixels: one fits on a phone, or two crops side by side."""


def show_detail(batch: Batch, pixel_size: float | None) -> None:
    """Let the user select a row, and show its details."""
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
    # A field of view and its overlay need the whole width; a crop leaves room for its measurements.
    image_column, info_column = (
        (st.container(), st.container()) if row.cell is None else st.columns([3, 2], gap="large")
    )
    with image_column:
        try:
            with batch.cache_last_image():
                _show_side_by_side(row)
        except WbcsegError as error:
            st.error(escape_markdown(str(error)), icon=":material/broken_image:")
    with info_column:
        _show_info(row, pixel_size)


def show_annotated(row: Row, png: bytes | None = None) -> None:
    """Show a cell with its segmentation, or a field of view with its cells in numbered boxes."""
    show_png(render_annotated_png(row) if png is None else png, f"{row.title}, with overlay")


def render_annotated_png(row: Row) -> bytes:
    """Return the large annotated image of a row as a PNG."""
    return encode_png(_render_pair(row)[1])


def _show_side_by_side(row: Row) -> None:
    """Show the original image of a row beside the annotated one."""
    plain, annotated = map(encode_png, _render_pair(row))
    with st.grid(2, min_column_width=MIN_FIELD_WIDTH if row.cell is None else MIN_FIELD_WIDTH // 2):
        with st.container(gap="xsmall"):
            st.markdown("**Image**")
            show_png(plain, f"{row.title}, original")
        with st.container(gap="xsmall"):
            st.markdown("**Segmentation**" if row.cell else "**Cells**")
            show_annotated(row, annotated)


def _render_pair(row: Row) -> tuple[RgbImage, RgbImage]:
    """Return the large original and annotated images of a row."""
    if row.cell is not None:
        image, labels = row.cell.load()
        return resize_for_display(_render_plain(image), CROP_SIDE), resize_for_display(
            render_overlay(image, labels, FIELD_SIDE), CROP_SIDE
        )
    if row.result.load is None:
        blank = np.full((1, 1, 3), 255, np.uint8)
        return blank, blank
    image, labels = row.result.load()
    return _render_plain(image), render_field(image, labels, row.result.boxes, FIELD_SIDE)


def _render_plain(image: RgbImage) -> RgbImage:
    # An empty overlay: shrunk in the same way as the annotated image.
    return render_overlay(image, np.zeros(image.shape[:2], np.uint8), FIELD_SIDE)


def _show_info(row: Row, pixel_size: float | None) -> None:
    result, cell = row.result, row.cell
    size = f" · {format_size(result.size)} pixels" if result.size else ""
    st.markdown(f"**{escape_markdown(row.title)}**{escape_markdown(size)}")
    for sentence in (*result.notices, result.mask_problem):
        if sentence:
            st.caption(escape_markdown(str(sentence)))
    if cell is None:
        count = len(result.cells)
        st.markdown(f"Field of view: {format_cell_count(count)}{', numbered from top to bottom' if count > 1 else ''}.")
    else:
        _show_features(cell, pixel_size)
    upload.show_segment_upload_button("Open in Segment", result.input_image, result.page, "batch_open")


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
