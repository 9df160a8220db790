"""A running batch: its progress, its results and their downloads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import streamlit as st

from wbcseg.api import Batch, Progress, start_batch
from wbcseg.celltypes import has_type_model
from wbcseg.errors import WbcsegError
from wbcseg.inference import Catalog
from wbcseg.pipeline import ImageResult
from wbcseg.ui import cache
from wbcseg.ui.batch import images, session
from wbcseg.ui.batch.options import CacheKey, PredictionOptions
from wbcseg.ui.batch.result_table import PAGE_KEY, show_result_table
from wbcseg.ui.cell_types import get_prior
from wbcseg.ui.components.cell_table import summarize_results
from wbcseg.ui.components.downloads import show_download_buttons
from wbcseg.ui.components.pixel_size import offer_stated_pixel_size, warn_implausible_pixel_size
from wbcseg.ui.counting import format_rule_count, get_edge_rule
from wbcseg.ui.formatting import escape_markdown, format_duration
from wbcseg.ui.state import BATCH_KEY
from wbcseg.ui.uploads.store import UploadSet

REFRESH_SECONDS: Final = 1.0
"""Seconds between two updates of a running batch."""

IDLE_TIMEOUT: Final = 120.0
"""Seconds after which a batch pauses that no page shows. Browsers wake a hidden page once a minute."""

KeyedBatch = tuple[tuple[tuple[str, ...], CacheKey], Batch]
"""A batch with the keys of its uploads and of its settings."""


def get_or_start_batch(upload_set: UploadSet, options: PredictionOptions, catalog: Catalog) -> Batch | None:
    """Return the batch of the uploads, started if it is new; ``None`` if its model cannot be used."""
    cache_key = (upload_set.cache_key, options.cache_key)
    current: KeyedBatch | None = st.session_state.get(BATCH_KEY)
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
            types=has_type_model(),
            previous=previous,
            idle_timeout=IDLE_TIMEOUT,
        )
    except WbcsegError as error:
        st.error(escape_markdown(str(error)), icon=":material/error:")
        return None
    st.session_state[BATCH_KEY] = (cache_key, batch)
    st.session_state[PAGE_KEY] = 0
    return batch


def cancel() -> None:
    """Cancel the current batch and discard it."""
    current: KeyedBatch | None = st.session_state.pop(BATCH_KEY, None)
    if current is not None:
        current[1].cancel()


def show_results(batch: Batch, options: PredictionOptions, catalog: Catalog) -> None:
    """Show the progress and the results of a batch, updated while it runs."""
    is_active = batch.progress.is_active
    st.fragment(_show_live, run_every=REFRESH_SECONDS if is_active else None)(batch, options, catalog, is_active)


def _show_live(batch: Batch, options: PredictionOptions, catalog: Catalog, was_active: bool) -> None:
    batch.record_heartbeat()
    # The first result is shown as soon as it is there, not with the next update.
    if batch.progress.is_active:
        batch.wait_for_result(REFRESH_SECONDS)
    progress = batch.progress
    if progress.is_active != was_active:
        # Run the whole page: it decides whether this part refreshes itself.
        st.rerun()
    # One element each in every state, so that each takes the place of its own predecessor at once.
    if progress.state == "done":
        _show_actions(batch, options, catalog)
    else:
        _show_progress(batch, progress, options, catalog)
    results = batch.get_results()
    with st.container(key="batch_summary"):
        if results:
            _show_summary(results, options)
    if results and progress.is_active:
        with st.container():
            show_result_table(batch, options)
    else:
        st.empty()


def _show_summary(results: Sequence[ImageResult], options: PredictionOptions) -> None:
    headline, details = summarize_results(results)
    if any(result.is_field_of_view for result in results):
        headline += format_rule_count((cell for result in results for cell in result.cells), get_edge_rule())
    st.markdown(f"**{escape_markdown(headline)}**" + (f"; {escape_markdown(details)}." if details else ""))
    offer_stated_pixel_size((result.pixel_size for result in results), in_address=False)
    all_features = (cell.features for result in results for cell in result.cells)
    warn_implausible_pixel_size(all_features, options.pixel_size)


def _show_actions(batch: Batch, options: PredictionOptions, catalog: Catalog) -> None:
    """Show what can be done with the results: the downloads, saving the session, starting over."""
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key="batch_actions"):
        results = batch.get_results()
        if results:
            entries = {entry.name: entry for entry in catalog.usable}
            with st.popover("Download", icon=":material/download:", type="primary"):
                show_download_buttons(
                    batch.get_reports,
                    entries,
                    tta=options.tta,
                    page=options.page,
                    second_entry=options.second_entry,
                    prior=get_prior(),
                    image_names=[result.name for result in results],
                    reading_context=batch.cache_last_image,
                )
            session.show_save_button(batch, options)
        images.show_start_over_button()


def _show_progress(batch: Batch, progress: Progress, options: PredictionOptions, catalog: Catalog) -> None:
    with st.container(key="batch_progress"):
        with st.container(horizontal=True, vertical_alignment="center"):
            with st.container(width="stretch"):
                fraction = progress.done / progress.total if progress.total else 1.0
                left_text = "" if progress.seconds_left is None else f" · {format_duration(progress.seconds_left)} left"
                state_text = _STATE_TEXT.get(progress.state, left_text)
                st.progress(fraction, text=f"{progress.done} of {progress.total} images{state_text}")
            # One button with two labels: of two, the second would move under the pointer when the first vanishes.
            is_cancelled = progress.state == "cancelled"
            st.button(
                "Resume" if is_cancelled else "Cancel",
                icon=":material/play_arrow:" if is_cancelled else ":material/stop:",
                on_click=batch.start if is_cancelled else batch.cancel,
                key="batch_toggle",
            )
        if not progress.is_active:
            _show_actions(batch, options, catalog)


_STATE_TEXT: Final = {
    "waiting": " · starts in a moment",
    "paused": " · paused",
    "cancelled": " · cancelled",
}
