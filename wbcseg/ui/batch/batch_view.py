"""Measuring many pictures: how far it is, what was found, and what can be taken away."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import streamlit as st

from wbcseg.errors import WbcsegError
from wbcseg.inference import Catalog
from wbcseg.pipeline import Batch, PipelineConfig, Progress
from wbcseg.quality import load_quality_model
from wbcseg.ui import cache
from wbcseg.ui.batch import upload
from wbcseg.ui.batch.options import CacheKey, PredictionOptions
from wbcseg.ui.components.cell_table import Row, build_rows, render_table_html, select_rows_to_review, summarize_results
from wbcseg.ui.components.downloads import show_download_buttons
from wbcseg.ui.components.pixel_size import warn_implausible_pixel_size
from wbcseg.ui.formatting import escape_markdown
from wbcseg.ui.state import restore_widget, save_widget

REFRESH_SECONDS: Final = 1.0
"""Seconds between two looks at a batch that goes on."""

ROWS_PER_PAGE: Final = 25
"""Rows of the table on a page."""

KeyedBatch = tuple[tuple[tuple[str, ...], CacheKey], Batch]
"""A batch with the tokens of what was brought and of how it is read."""

_BATCH_KEY: Final = "measure_batch"
_PAGE_KEY: Final = "measure_rows"


def get_or_start_batch(upload_set: upload.UploadSet, options: PredictionOptions, catalog: Catalog) -> Batch | None:
    """Return the batch of what was brought, started where it is new; ``None`` where its model cannot be used."""
    cache_key = (upload_set.cache_key, options.cache_key)
    current: KeyedBatch | None = st.session_state.get(_BATCH_KEY)
    if current is not None and current[0] == cache_key:
        return current[1]
    previous = None
    if current is not None:
        current[1].cancel()
        previous = current[1] if current[0][1] == options.cache_key else None
    try:
        pipeline_config = PipelineConfig(
            cache.load_segmenter(options.entry, catalog),
            load_quality_model(options.entry.card),
            cache.load_segmenter(options.second_entry, catalog) if options.second_entry else None,
            options.tta,
            options.page,
            options.entry.card.training_digests,
        )
    except WbcsegError as error:
        st.error(escape_markdown(str(error)), icon=":material/error:")
        return None
    batch = Batch(upload_set.input_images, pipeline_config, previous=previous)
    st.session_state[_BATCH_KEY] = (cache_key, batch)
    st.session_state[_PAGE_KEY] = 0
    batch.start()
    return batch


def cancel() -> None:
    """Stop what goes on and forget it: nothing is brought any more."""
    current: KeyedBatch | None = st.session_state.pop(_BATCH_KEY, None)
    if current is not None:
        current[1].cancel()


def show_results(batch: Batch, options: PredictionOptions, catalog: Catalog) -> None:
    """Show how far a batch is and what it found; while it goes on, what is shown follows."""
    alive = batch.progress.is_active
    st.fragment(_show_live, run_every=REFRESH_SECONDS if alive else None)(batch, options, catalog, alive)


def _show_live(batch: Batch, options: PredictionOptions, catalog: Catalog, was_alive: bool) -> None:
    batch.record_heartbeat()
    progress = batch.progress
    if progress.is_active != was_alive:
        # Once more as a whole: whether the page looks again by itself is settled there.
        st.rerun()
    _show_progress(batch, progress)
    results = batch.get_results()
    if not progress.is_active:
        _show_downloads(batch, options, catalog)
    if not results:
        return
    all_rows = build_rows(results, numbered=len(batch.input_images) > 1)
    headline, details = summarize_results(results)
    st.markdown(f"**{escape_markdown(headline)}**" + (f"; {escape_markdown(details)}." if details else ""))
    warn_implausible_pixel_size((row.cell.features for row in all_rows if row.cell), options.pixel_size)
    rows = _select_rows(all_rows)
    if not rows:
        st.markdown("Nothing to check among them.")
        return
    last_page = (len(rows) - 1) // ROWS_PER_PAGE
    page = min(st.session_state.get(_PAGE_KEY, 0), last_page)
    page_rows = rows[page * ROWS_PER_PAGE : (page + 1) * ROWS_PER_PAGE]
    range_text = f"rows {page * ROWS_PER_PAGE + 1} to {page * ROWS_PER_PAGE + len(page_rows)} of {len(rows)}"
    st.html(render_table_html(page_rows, all_rows, options.pixel_size, f"Pictures and cells, {range_text}"))
    if last_page:
        _show_pagination(page, last_page, range_text)


def _select_rows(all_rows: Sequence[Row]) -> Sequence[Row]:
    """Ask whether all rows are wanted where results are judged. Return those that are."""
    if not any(row.cell and row.cell.status for row in all_rows):
        return all_rows
    restore_widget("measure_only", False)
    flagged_only = st.toggle(
        "Only those to check",
        key="measure_only",
        on_change=_on_filter_changed,
        help="Cells whose result should be checked or is unlike the training data, and what could not be used.",
    )
    return select_rows_to_review(all_rows) if flagged_only else all_rows


def _on_filter_changed() -> None:
    save_widget("measure_only")
    _go_to_page(0)


def _show_downloads(batch: Batch, options: PredictionOptions, catalog: Catalog) -> None:
    """Offer the results as files, and to begin anew."""
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
            key="measure_previous",
        )
        st.button(
            "Next rows",
            icon=":material/chevron_right:",
            icon_position="right",
            on_click=_go_to_page,
            args=(page + 1,),
            disabled=page == last_page,
            key="measure_next",
        )
        st.markdown(range_text.capitalize(), width="content")


def _go_to_page(page: int) -> None:
    st.session_state[_PAGE_KEY] = page


def _show_progress(batch: Batch, progress: Progress) -> None:
    count_text = f"{progress.done} of {progress.total} pictures"
    if progress.state == "done":
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        with st.container(width="stretch"):
            fraction = progress.done / progress.total if progress.total else 1.0
            st.progress(fraction, text=f"{count_text}{_STATE_TEXT.get(progress.state, '')}")
        # One button with two labels: of two, the new one would move under the pointer when the old one goes.
        is_cancelled = progress.state == "cancelled"
        st.button(
            "Go on" if is_cancelled else "Cancel",
            icon=":material/play_arrow:" if is_cancelled else ":material/stop:",
            on_click=batch.start if is_cancelled else batch.cancel,
            key="measure_stop_or_go",
        )


_STATE_TEXT: Final = {
    "waiting": " · waiting: other pictures are being measured, in another window or by somebody else",
    "paused": " · paused",
    "cancelled": " · cancelled",
}
