"""One picture or cell of many, looked at closer."""

from __future__ import annotations

from typing import Final

import numpy as np
import streamlit as st

from wbcseg.analysis import Batch, marked, marked_field
from wbcseg.drawing import Rgb, fit
from wbcseg.errors import WbcsegError
from wbcseg.export import Finding
from wbcseg.images import encode_png
from wbcseg.ui import choose
from wbcseg.ui.cell_table import DICE, Row, rows_of
from wbcseg.ui.picture import show_png
from wbcseg.ui.table import show_table
from wbcseg.ui.take_away import figure_text, titled
from wbcseg.ui.words import as_text, figure, size_text

LARGE: Final = 1200
"""Longer side in pixels of the field of view that is shown."""

CLOSE: Final = 480
"""The same of a crop, which is enlarged where it is smaller."""

DETAILS: Final = (
    *("nucleus_area", "cytoplasm_area", "cell_area", "nucleus_to_cell", "nucleus_to_cytoplasm"),
    *("cell_circularity", "nucleus_solidity", "nucleus_eccentricity", "lobes", "touches_border"),
)
"""Figures of the cell that is looked at closer."""


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
    picture, about = st.columns([11, 9], gap="large")
    with picture:
        try:
            with batch.reading():
                show_large(row)
        except WbcsegError as problem:
            st.error(as_text(str(problem)), icon=":material/broken_image:")
    with about:
        _about(row, micrometres)


def show_large(row: Row, png: bytes | None = None) -> None:
    """Show a cell with its classes, or a field of view with its cells in numbered boxes; see :func:`large_png`."""
    show_png(large_png(row) if png is None else png, f"{row.title}, with its classes laid over it")


def large_png(row: Row) -> bytes:
    """Draw a row large, as a PNG."""
    return encode_png(_drawn(row))


def _drawn(row: Row) -> Rgb:
    if row.finding is not None:
        image, labels = row.finding.load()
        return fit(marked(image, labels, LARGE), CLOSE)
    if row.outcome.load is None:
        return np.full((1, 1, 3), 255, np.uint8)
    image, labels = row.outcome.load()
    return marked_field(image, labels, row.outcome.boxes, LARGE)


def _about(row: Row, micrometres: float | None) -> None:
    outcome, finding = row.outcome, row.finding
    size = f" · {size_text(outcome.size)} pixels" if outcome.size else ""
    st.markdown(f"**{as_text(row.title)}**{as_text(size)}")
    for sentence in (*outcome.notices, outcome.mask_problem):
        if sentence:
            st.caption(as_text(sentence))
    if finding is None:
        count = len(outcome.findings)
        st.markdown(f"Field of view: {count} white cell{'' if count == 1 else 's'}, numbered from top to bottom.")
    else:
        _figures(finding, micrometres)
    # Chosen anew for every row, so that a click is that row's.
    choose.predict_own_button("Open in Predict", outcome.item, outcome.page, "measure_open")


def _figures(finding: Finding, micrometres: float | None) -> None:
    if finding.status:
        st.markdown(f"**{as_text(finding.status)}**")
    for reason in finding.reasons:
        st.markdown(f"- {as_text(reason)}")
    if finding.measures is None:
        st.markdown("No white cell was found.")
        return
    rows = [[titled(name, micrometres), figure_text(name, finding.measures, micrometres)] for name in DETAILS]
    rows += [[f"Dice, {region}", figure(value)] for region, value in finding.scores.items() if region in DICE]
    show_table(["Figure", "Value"], rows, "Figures of the cell")
