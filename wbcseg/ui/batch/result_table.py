"""The table of a batch: a row for each image and cell, also for files that could not be read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import streamlit as st

from wbcseg.api import Batch
from wbcseg.ui.batch.options import PredictionOptions
from wbcseg.ui.components.cell_table import Row, build_rows, render_table_html, select_rows_to_review
from wbcseg.ui.state import restore_widget, save_widget

ROWS_PER_PAGE: Final = 10
"""Rows per page: few, so that what follows is near."""

PAGE_KEY: Final = "batch_table_page"


def show_result_table(batch: Batch, options: PredictionOptions) -> None:
    """Show the table, within a fragment: its buttons then run that fragment only.

    Args:
        batch: The batch.
        options: Its settings.
    """
    all_rows = build_rows(batch.get_results(), numbered=len(batch.input_images) > 1)
    rows = _select_rows(all_rows)
    if not rows:
        st.markdown("No flagged results.")
        return
    last_page = (len(rows) - 1) // ROWS_PER_PAGE
    page = min(st.session_state.get(PAGE_KEY, 0), last_page)
    page_rows = rows[page * ROWS_PER_PAGE : (page + 1) * ROWS_PER_PAGE]
    range_text = f"rows {page * ROWS_PER_PAGE + 1} to {page * ROWS_PER_PAGE + len(page_rows)} of {len(rows)}"
    st.html(render_table_html(page_rows, all_rows, options.pixel_size, f"Images and cells, {range_text}"))
    if last_page:
        _show_pagination(page, last_page, range_text)


def _select_rows(all_rows: Sequence[Row]) -> Sequence[Row]:
    """Offer to show flagged rows only, if there is a quality check. Return the rows to show."""
    if not any(row.cell and row.cell.status for row in all_rows):
        return all_rows
    restore_widget("batch_flagged_only", False)
    flagged_only = st.toggle(
        "Show flagged only",
        key="batch_flagged_only",
        on_change=_on_filter_changed,
        help="Results to review or outside the training range, and files that could not be read.",
    )
    return select_rows_to_review(all_rows) if flagged_only else all_rows


def _on_filter_changed() -> None:
    save_widget("batch_flagged_only")
    _go_to_page(0)


def _show_pagination(page: int, last_page: int, range_text: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Previous rows",
            icon=":material/chevron_left:",
            on_click=_go_to_page,
            args=(page - 1,),
            disabled=page == 0,
            key="batch_previous",
        )
        st.button(
            "Next rows",
            icon=":material/chevron_right:",
            icon_position="right",
            on_click=_go_to_page,
            args=(page + 1,),
            disabled=page == last_page,
            key="batch_next",
        )
        st.markdown(range_text.capitalize(), width="content")


def _go_to_page(page: int) -> None:
    st.session_state[PAGE_KEY] = page
