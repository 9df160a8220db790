"""A running batch: its progress, its results and their downloads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import streamlit as st

from wbcseg.api import Batch, Progress, start_batch
from wbcseg.errors import WbcsegError
from wbcseg.inference import Catalog
from wbcseg.ui import cache
from wbcseg.ui.batch import upload
from wbcseg.ui.batch.options import CacheKey, PredictionOptions
from wbcseg.ui.components.cell_table import Row, build_rows, render_table_html, select_rows_to_review, summarize_results
from wbcseg.ui.components.downloads import show_download_buttons
from wbcseg.ui.components.pixel_size import offer_stated_pixel_size, warn_implausible_pixel_size
from wbcseg.ui.counting import format_rule_count, get_edge_rule
from wbcseg.ui.formatting import escape_markdown
from wbcseg.ui.state import restore_widget, save_widget

REFRESH_SECONDS: Final = 1.0
"""Seconds between two updates of a running batch."""

IDLE_TIMEOUT: Final = 120.0
"""Seconds after which a batch pauses that no page shows. Browsers wake a hidden page once a minute."""

ROWS_PER_PAGE: Final = 25
"""Table rows per page."""

KeyedBatch = tuple[tuple[tuple[str, ...], CacheKey], Batch]
"""A batch with the keys of its uploads and of its settings."""

_BATCH_KEY: Final = "batch"
_PAGE_KEY: Final = "batch_table_page"


def get_or_start_batch(upload_set: upload.UploadSet, options: PredictionOptions, catalog: Catalog) -> Batch | None:
    """Return the batch of the uploads, started if it is new; ``None`` if its model cannot be used."""
    cache_key = (upload_set.cache_key, options.cache_key)
    current: KeyedBatch | None = st.session_state.get(_BATCH_KEY)
    if current is not None and current[0] == cache_key:
        return current[1]
    previous = None
    if current is not None:
        current[1].cancel()
        previous = current[1] if current[0][1] == options.cache_key else None
    try:
        batch = start_batch(
            upload_set.input_images,
            cache.load_segmenter(options.entry, catalog),
            second_model=cache.load_segmenter(options.second_entry, catalog) if options.second_entry else None,
            tta=options.tta,
            page=options.page,
            previous=previous,
            idle_timeout=IDLE_TIMEOUT,
        )
    except WbcsegError as error:
        st.error(escape_markdown(str(error)), icon=":material/error:")
        return None
    st.session_state[_BATCH_KEY] = (cache_key, batch)
    st.session_state[_PAGE_KEY] = 0
    return batch


def cancel() -> None:
    """Cancel the current batch and discard it."""
    current: KeyedBatch | None = st.session_state.pop(_BATCH_KEY, None)
    if current is not None:
        current[1].cancel()


def show_results(batch: Batch, options: PredictionOptions, catalog: Catalog) -> None:
    """Show the progress and the results of a batch, updated while it runs."""
    is_active = batch.progress.is_active
    st.fragment(_show_live, run_every=REFRESH_SECONDS if is_active else None)(batch, options, catalog, is_active)


def _show_live(batch: Batch, options: PredictionOptions, catalog: Catalog, was_active: bool) -> None:
    batch.record_heartbeat()
    progress = batch.progress
    if progress.is_active != was_active:
        # Run the whole page: it decides whether this part refreshes itself.
        st.rerun()
    _show_progress(batch, progress)
    results = batch.get_results()
    if not progress.is_active:
        _show_downloads(batch, options, catalog)
    if not results:
        return
    all_rows = build_rows(results, numbered=len(batch.input_images) > 1)
    headline, details = summarize_results(results)
    if any(result.is_field_of_view for result in results):
        headline += format_rule_count((cell for result in results for cell in result.cells), get_edge_rule())
    st.markdown(f"**{escape_markdown(headline)}**" + (f"; {escape_markdown(details)}." if details else ""))
    offer_stated_pixel_size((result.pixel_size for result in results), in_address=False)
    warn_implausible_pixel_size((row.cell.features for row in all_rows if row.cell), options.pixel_size)
    rows = _select_rows(all_rows)
    if not rows:
        st.markdown("No flagged results.")
        return
    last_page = (len(rows) - 1) // ROWS_PER_PAGE
    page = min(st.session_state.get(_PAGE_KEY, 0), last_page)
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


def _show_downloads(batch: Batch, options: PredictionOptions, catalog: Catalog) -> None:
    """Show the download buttons and the button to start over."""
    with st.container(horizontal=True, vertical_alignment="center"):
        if batch.get_results():
            entries = {entry.name: entry for entry in catalog.usable}
            show_download_buttons(
                batch.get_reports,
                entries,
                tta=options.tta,
                page=options.page,
                second_entry=options.second_entry,
                reading_context=batch.cache_last_image,
            )
        upload.show_start_over_button()


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
    st.session_state[_PAGE_KEY] = page


def _show_progress(batch: Batch, progress: Progress) -> None:
    count_text = f"{progress.done} of {progress.total} images"
    if progress.state == "done":
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        with st.container(width="stretch"):
            fraction = progress.done / progress.total if progress.total else 1.0
            st.progress(fraction, text=f"{count_text}{_STATE_TEXT.get(progress.state, '')}")
        # One button with two labels: of two buttons, the second would move under the pointer when the first vanishes.
        is_cancelled = progress.state == "cancelled"
        st.button(
            "Resume" if is_cancelled else "Cancel",
            icon=":material/play_arrow:" if is_cancelled else ":material/stop:",
            on_click=batch.start if is_cancelled else batch.cancel,
            key="batch_toggle",
        )


_STATE_TEXT: Final = {
    "waiting": " · waiting for another batch, in another window or by another user",
    "paused": " · paused",
    "cancelled": " · cancelled",
}
