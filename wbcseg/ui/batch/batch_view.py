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
from wbcseg.ui.batch.options import CacheKey, PredictionOptions, get_model_key
from wbcseg.ui.components.cell_table import Row, build_rows, render_table_html, select_rows_to_review, summarize_results
from wbcseg.ui.components.downloads import show_download_buttons, warn_implausible_pixel_size
from wbcseg.ui.state import restore_widget, save_widget
from wbcseg.ui.text import escape_markdown

REFRESH_SECONDS: Final = 1.0
"""Seconds between two looks at a batch that goes on."""

ROWS_PER_PAGE: Final = 25
"""Rows of the table on a page."""

KeyedBatch = tuple[tuple[tuple[str, ...], CacheKey], Batch]
"""A batch with the tokens of what was brought and of how it is read."""

_BATCH_KEY: Final = "measure_batch"
_PAGE_KEY: Final = "measure_rows"


def get_or_start_batch(brought: upload.UploadSet, reading: PredictionOptions, models: Catalog) -> Batch | None:
    """Return the batch of what was brought, started where it is new; ``None`` where its model cannot be used."""
    token = (brought.cache_key, reading.cache_key)
    held: KeyedBatch | None = st.session_state.get(_BATCH_KEY)
    if held is not None and held[0] == token:
        return held[1]
    earlier = None
    if held is not None:
        held[1].cancel()
        earlier = held[1] if held[0][1] == reading.cache_key else None
    try:
        examiner = PipelineConfig(
            cache.load_segmenter(*get_model_key(reading.entry), models),
            load_quality_model(reading.entry.card) if reading.entry.card else None,
            cache.load_segmenter(*get_model_key(reading.second_entry), models) if reading.second_entry else None,
            reading.tta,
            reading.page,
            reading.entry.card.training_digests if reading.entry.card else frozenset(),
        )
    except WbcsegError as problem:
        st.error(escape_markdown(str(problem)), icon=":material/error:")
        return None
    batch = Batch(brought.input_images, examiner, earlier=earlier)
    st.session_state[_BATCH_KEY] = (token, batch)
    st.session_state[_PAGE_KEY] = 0
    batch.start()
    return batch


def cancel() -> None:
    """Stop what goes on and forget it: nothing is brought any more."""
    held: KeyedBatch | None = st.session_state.pop(_BATCH_KEY, None)
    if held is not None:
        held[1].cancel()


def show_results(batch: Batch, reading: PredictionOptions, models: Catalog) -> None:
    """Show how far a batch is and what it found; while it goes on, what is shown follows."""
    alive = batch.progress.is_active
    st.fragment(_show_live, run_every=REFRESH_SECONDS if alive else None)(batch, reading, models, alive)


def _show_live(batch: Batch, reading: PredictionOptions, models: Catalog, was_alive: bool) -> None:
    batch.record_heartbeat()
    progress = batch.progress
    if progress.is_active != was_alive:
        # Once more as a whole: whether the page looks again by itself is settled there.
        st.rerun()
    _show_progress(batch, progress)
    outcomes = batch.get_results()
    if not progress.is_active:
        _show_downloads(batch, reading, models)
    if not outcomes:
        return
    every = build_rows(outcomes, numbered=len(batch.input_images) > 1)
    short, more = summarize_results(outcomes)
    st.markdown(f"**{escape_markdown(short)}**" + (f"; {escape_markdown(more)}." if more else ""))
    warn_implausible_pixel_size((row.cell.features for row in every if row.cell), reading.pixel_size)
    rows = _select_rows(every)
    if not rows:
        st.markdown("Nothing to check among them.")
        return
    last = (len(rows) - 1) // ROWS_PER_PAGE
    page = min(st.session_state.get(_PAGE_KEY, 0), last)
    part = rows[page * ROWS_PER_PAGE : (page + 1) * ROWS_PER_PAGE]
    span = f"rows {page * ROWS_PER_PAGE + 1} to {page * ROWS_PER_PAGE + len(part)} of {len(rows)}"
    st.html(render_table_html(part, every, reading.pixel_size, f"Pictures and cells, {span}"))
    if last:
        _show_pagination(page, last, span)


def _select_rows(every: Sequence[Row]) -> Sequence[Row]:
    """Ask whether all rows are wanted where results are judged. Return those that are."""
    if not any(row.cell and row.cell.status for row in every):
        return every
    restore_widget("measure_only", False)
    only = st.toggle(
        "Only those to check",
        key="measure_only",
        on_change=_on_filter_changed,
        help="Cells whose result should be checked or is unlike the training data, and what could not be used.",
    )
    return select_rows_to_review(every) if only else every


def _on_filter_changed() -> None:
    save_widget("measure_only")
    _go_to_page(0)


def _show_downloads(batch: Batch, reading: PredictionOptions, models: Catalog) -> None:
    """Offer the results as files, and to begin anew."""
    with st.container(horizontal=True, vertical_alignment="center"):
        if batch.get_results():
            entries = {entry.name: entry for entry in models.entries}
            show_download_buttons(
                batch.get_reports,
                entries,
                careful=reading.tta,
                page=reading.page,
                second=reading.second_entry,
                reading=batch.cache_last_image,
            )
        upload.show_start_over_button()


def _show_pagination(page: int, last: int, span: str) -> None:
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
            disabled=page == last,
            key="measure_next",
        )
        st.markdown(span.capitalize(), width="content")


def _go_to_page(page: int) -> None:
    st.session_state[_PAGE_KEY] = page


def _show_progress(batch: Batch, progress: Progress) -> None:
    counted = f"{progress.done} of {progress.total} pictures"
    if progress.state == "done":
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        with st.container(width="stretch"):
            share = progress.done / progress.total if progress.total else 1.0
            st.progress(share, text=f"{counted}{_STATE_TEXT.get(progress.state, '')}")
        # One button with two labels: of two, the new one would move under the pointer when the old one goes.
        stopped = progress.state == "cancelled"
        st.button(
            "Go on" if stopped else "Cancel",
            icon=":material/play_arrow:" if stopped else ":material/stop:",
            on_click=batch.start if stopped else batch.cancel,
            key="measure_stop_or_go",
        )


_STATE_TEXT: Final = {
    "waiting": " · waiting: other pictures are being measured, in another window or by somebody else",
    "paused": " · paused",
    "cancelled": " · cancelled",
}
