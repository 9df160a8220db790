"""One picture or cell of many, looked at closer."""

from __future__ import annotations

from typing import Final

import numpy as np
import streamlit as st

from wbcseg.errors import WbcsegError
from wbcseg.io import encode_png
from wbcseg.pipeline import Batch, render_field, render_overlay
from wbcseg.quality import STATUS_LABELS
from wbcseg.results import CellResult
from wbcseg.ui.components import quality_badges
from wbcseg.ui.components.cell_table import DICE_TITLES, Row, build_rows, format_cell_count
from wbcseg.ui.components.downloads import build_feature_table
from wbcseg.ui.components.image import show_png
from wbcseg.ui.components.table import show_table
from wbcseg.ui.formatting import escape_markdown, format_score, format_size
from wbcseg.ui.segment import upload
from wbcseg.visualization import RgbImage, resize_for_display

FIELD_SIDE: Final = 1200
"""Longer side in pixels of the field of view that is shown."""

CROP_SIDE: Final = 480
"""The same of a crop, which is enlarged where it is smaller."""

MIN_FIELD_WIDTH: Final = 300
"""Narrowest picture of a field of view in pixels: one fits on a phone, or two crops beside each other."""


def show_detail(batch: Batch, pixel_size: float | None) -> None:
    """Let the reader choose a row and look at it closer."""
    rows = [row for row in build_rows(batch.get_results()) if row.result.size is not None]
    if not rows:
        return
    st.subheader("Look closer")
    index = st.selectbox(
        "Look closer at",
        range(len(rows)),
        format_func=lambda index: rows[index].title,
        key="measure_closer",
        width=420,
        label_visibility="collapsed",
    )
    row = rows[index]
    # A field of view needs the whole width for itself and its drawing; a crop leaves room for its figures.
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
    show_png(render_annotated_png(row) if png is None else png, f"{row.title}, with its classes laid over it")


def render_annotated_png(row: Row) -> bytes:
    """Draw a row large, as a PNG."""
    return encode_png(_render_pair(row)[1])


def _show_side_by_side(row: Row) -> None:
    """Show a row as it was photographed, and beside it with its classes."""
    plain, annotated = map(encode_png, _render_pair(row))
    with st.grid(2, min_column_width=MIN_FIELD_WIDTH if row.cell is None else MIN_FIELD_WIDTH // 2):
        with st.container(gap="xsmall"):
            st.markdown("**Picture**")
            show_png(plain, f"{row.title}, as it was photographed")
        with st.container(gap="xsmall"):
            st.markdown("**With its classes**" if row.cell else "**With its cells**")
            show_annotated(row, annotated)


def _render_pair(row: Row) -> tuple[RgbImage, RgbImage]:
    """Return a row large as it was photographed, and with its classes."""
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
    # Without a class nothing is laid over it, and it is shrunk as its drawing is.
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
    # Chosen anew for every row, so that a click is that row's.
    upload.show_segment_upload_button("Open in Predict", result.input_image, result.page, "measure_open")


def _show_features(cell: CellResult, pixel_size: float | None) -> None:
    if cell.status:
        st.markdown(f"{quality_badges.STATUS_ICONS[cell.status]} **{STATUS_LABELS[cell.status]}**")
    if cell.features is None:
        st.markdown("No white cell was found.")
        return
    for reason in cell.reasons:
        st.markdown(f"- {escape_markdown(reason)}")
    rows = build_feature_table([cell.features], pixel_size)
    rows += [[f"Dice, {region}", format_score(value)] for region, value in cell.dice.items() if region in DICE_TITLES]
    show_table(["Figure", "Value"], rows, "Figures of the cell")
