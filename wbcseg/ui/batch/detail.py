"""One picture or cell of many, looked at closer."""

from __future__ import annotations

from typing import Final

import numpy as np
import streamlit as st

from wbcseg.errors import WbcsegError
from wbcseg.io import encode_png
from wbcseg.pipeline import Batch, marked, marked_field
from wbcseg.results import Finding
from wbcseg.ui.components import quality_badges
from wbcseg.ui.components.cell_table import DICE, Row, field_text, rows_of
from wbcseg.ui.components.downloads import figures_table
from wbcseg.ui.components.image import show_png
from wbcseg.ui.components.table import show_table
from wbcseg.ui.segment import upload
from wbcseg.ui.text import as_text, figure, size_text
from wbcseg.visualization import Rgb, fit

LARGE: Final = 1200
"""Longer side in pixels of the field of view that is shown."""

CLOSE: Final = 480
"""The same of a crop, which is enlarged where it is smaller."""

PHONE: Final = 300
"""Narrowest picture of a field of view in pixels: one fits on a phone, or two crops beside each other."""


def show_closer(batch: Batch, micrometres: float | None) -> None:
    """Let the reader choose a row and look at it closer."""
    rows = [row for row in rows_of(batch.outcomes()) if row.outcome.size is not None]
    if not rows:
        return
    st.subheader("Look closer")
    place = st.selectbox(
        "Look closer at",
        range(len(rows)),
        format_func=lambda place: rows[place].title,
        key="measure_closer",
        width=420,
        label_visibility="collapsed",
    )
    row = rows[place]
    # A field of view needs the whole width for itself and its drawing; a crop leaves room for its figures.
    pictures, about = (st.container(), st.container()) if row.finding is None else st.columns([3, 2], gap="large")
    with pictures:
        try:
            with batch.reading():
                _show_both(row)
        except WbcsegError as problem:
            st.error(as_text(str(problem)), icon=":material/broken_image:")
    with about:
        _about(row, micrometres)


def show_large(row: Row, png: bytes | None = None) -> None:
    """Show a cell with its classes, or a field of view with its cells in numbered boxes; see :func:`large_png`."""
    show_png(large_png(row) if png is None else png, f"{row.title}, with its classes laid over it")


def large_png(row: Row) -> bytes:
    """Draw a row large, as a PNG."""
    return encode_png(_drawn(row)[1])


def _show_both(row: Row) -> None:
    """Show a row as it was photographed, and beside it with its classes."""
    plain, drawn = map(encode_png, _drawn(row))
    with st.grid(2, min_column_width=PHONE if row.finding is None else PHONE // 2):
        with st.container(gap="xsmall"):
            st.markdown("**Picture**")
            show_png(plain, f"{row.title}, as it was photographed")
        with st.container(gap="xsmall"):
            st.markdown("**With its classes**" if row.finding else "**With its cells**")
            show_large(row, drawn)


def _drawn(row: Row) -> tuple[Rgb, Rgb]:
    """Return a row large as it was photographed, and with its classes."""
    if row.finding is not None:
        image, labels = row.finding.load()
        return fit(_plain(image), CLOSE), fit(marked(image, labels, LARGE), CLOSE)
    if row.outcome.load is None:
        nothing = np.full((1, 1, 3), 255, np.uint8)
        return nothing, nothing
    image, labels = row.outcome.load()
    return _plain(image), marked_field(image, labels, row.outcome.boxes, LARGE)


def _plain(image: Rgb) -> Rgb:
    # Without a class nothing is laid over it, and it is shrunk as its drawing is.
    return marked(image, np.zeros(image.shape[:2], np.uint8), LARGE)


def _about(row: Row, micrometres: float | None) -> None:
    outcome, finding = row.outcome, row.finding
    size = f" · {size_text(outcome.size)} pixels" if outcome.size else ""
    st.markdown(f"**{as_text(row.title)}**{as_text(size)}")
    for sentence in (*outcome.notices, outcome.mask_problem):
        if sentence:
            st.caption(as_text(sentence))
    if finding is None:
        count = len(outcome.findings)
        st.markdown(f"Field of view: {field_text(count)}{', numbered from top to bottom' if count > 1 else ''}.")
    else:
        _figures(finding, micrometres)
    # Chosen anew for every row, so that a click is that row's.
    upload.predict_own_button("Open in Predict", outcome.item, outcome.page, "measure_open")


def _figures(finding: Finding, micrometres: float | None) -> None:
    if finding.status:
        st.markdown(f"{quality_badges.ICONS[finding.status]} **{as_text(finding.status)}**")
    if finding.measures is None:
        st.markdown("No white cell was found.")
        return
    for reason in finding.reasons:
        st.markdown(f"- {as_text(reason)}")
    rows = figures_table([finding.measures], micrometres)
    rows += [[f"Dice, {region}", figure(value)] for region, value in finding.scores.items() if region in DICE]
    show_table(["Figure", "Value"], rows, "Figures of the cell")
