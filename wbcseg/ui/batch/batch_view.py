"""Measuring many pictures: how far it is, what was found, and what can be taken away."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import streamlit as st

from wbcseg.errors import WbcsegError
from wbcseg.inference import Catalog
from wbcseg.pipeline import Batch, Examiner, Progress
from wbcseg.quality import judge_of
from wbcseg.ui import cache
from wbcseg.ui.batch import upload
from wbcseg.ui.batch.options import Reading, Token, version
from wbcseg.ui.components.cell_table import Row, rows_of, summary, table_html, to_look_at
from wbcseg.ui.components.downloads import doubt_scale, offer_files
from wbcseg.ui.state import keep, remember
from wbcseg.ui.text import as_text

REFRESH: Final = 1.0
"""Seconds between two looks at a batch that goes on."""

ROWS: Final = 25
"""Rows of the table on a page."""

Held = tuple[tuple[tuple[str, ...], Token], Batch]
"""A batch with the tokens of what was brought and of how it is read."""

_BATCH: Final = "measure_batch"
_PAGE: Final = "measure_rows"


def measure(brought: upload.Brought, reading: Reading, models: Catalog) -> Batch | None:
    """Return the batch of what was brought, started where it is new; ``None`` where its model cannot be used."""
    token = (brought.token, reading.token)
    held: Held | None = st.session_state.get(_BATCH)
    if held is not None and held[0] == token:
        return held[1]
    earlier = None
    if held is not None:
        held[1].cancel()
        earlier = held[1] if held[0][1] == reading.token else None
    try:
        examiner = Examiner(
            cache.segmenter(*version(reading.entry), models),
            judge_of(reading.entry.card) if reading.entry.card else None,
            cache.segmenter(*version(reading.second), models) if reading.second else None,
            reading.careful,
            reading.page,
            reading.entry.card.training_digests if reading.entry.card else frozenset(),
        )
    except WbcsegError as problem:
        st.error(as_text(str(problem)), icon=":material/error:")
        return None
    batch = Batch(brought.items, examiner, earlier=earlier)
    st.session_state[_BATCH] = (token, batch)
    st.session_state[_PAGE] = 0
    batch.start()
    return batch


def drop() -> None:
    """Stop what goes on and forget it: nothing is brought any more."""
    held: Held | None = st.session_state.pop(_BATCH, None)
    if held is not None:
        held[1].cancel()


def show_found(batch: Batch, reading: Reading, models: Catalog) -> None:
    """Show how far a batch is and what it found; while it goes on, what is shown follows."""
    alive = batch.progress.alive
    st.fragment(_live, run_every=REFRESH if alive else None)(batch, reading, models, alive)


def _live(batch: Batch, reading: Reading, models: Catalog, was_alive: bool) -> None:
    batch.beat()
    progress = batch.progress
    if progress.alive != was_alive:
        # Once more as a whole: whether the page looks again by itself is settled there.
        st.rerun()
    _show_progress(batch, progress)
    outcomes = batch.outcomes()
    if not progress.alive:
        _offer(batch, reading, models)
    if not outcomes:
        return
    every = rows_of(outcomes, numbered=len(batch.items) > 1)
    short, more = summary(outcomes)
    st.markdown(f"**{as_text(short)}**" + (f"; {as_text(more)}." if more else ""))
    doubt_scale((row.finding.measures for row in every if row.finding), reading.micrometres)
    rows = _choose_rows(every)
    if not rows:
        st.markdown("Nothing to check among them.")
        return
    last = (len(rows) - 1) // ROWS
    page = min(st.session_state.get(_PAGE, 0), last)
    part = rows[page * ROWS : (page + 1) * ROWS]
    span = f"rows {page * ROWS + 1} to {page * ROWS + len(part)} of {len(rows)}"
    st.html(table_html(part, every, reading.micrometres, f"Pictures and cells, {span}"))
    if last:
        _turn_pages(page, last, span)


def _choose_rows(every: Sequence[Row]) -> Sequence[Row]:
    """Ask whether all rows are wanted where results are judged. Return those that are."""
    if not any(row.finding and row.finding.status for row in every):
        return every
    remember("measure_only", False)
    only = st.toggle(
        "Only those to check",
        key="measure_only",
        on_change=_change_rows,
        help="Cells whose result should be checked or is unlike the training data, and what could not be used.",
    )
    return to_look_at(every) if only else every


def _change_rows() -> None:
    keep("measure_only")
    _show_rows(0)


def _offer(batch: Batch, reading: Reading, models: Catalog) -> None:
    """Offer the results as files, and to begin anew."""
    with st.container(horizontal=True, vertical_alignment="center"):
        if batch.outcomes():
            entries = {entry.name: entry for entry in models.entries}
            offer_files(
                batch.pictures,
                entries,
                careful=reading.careful,
                page=reading.page,
                second=reading.second,
                reading=batch.reading,
            )
        upload.start_over_button()


def _turn_pages(page: int, last: int, span: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Previous rows",
            icon=":material/chevron_left:",
            on_click=_show_rows,
            args=(page - 1,),
            disabled=page == 0,
            key="measure_previous",
        )
        st.button(
            "Next rows",
            icon=":material/chevron_right:",
            icon_position="right",
            on_click=_show_rows,
            args=(page + 1,),
            disabled=page == last,
            key="measure_next",
        )
        st.markdown(span.capitalize(), width="content")


def _show_rows(page: int) -> None:
    st.session_state[_PAGE] = page


def _show_progress(batch: Batch, progress: Progress) -> None:
    counted = f"{progress.done} of {progress.total} pictures"
    if progress.state == "done":
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        with st.container(width="stretch"):
            share = progress.done / progress.total if progress.total else 1.0
            st.progress(share, text=f"{counted}{_SAID.get(progress.state, '')}")
        # One button with two labels: of two, the new one would move under the pointer when the old one goes.
        stopped = progress.state == "cancelled"
        st.button(
            "Go on" if stopped else "Cancel",
            icon=":material/play_arrow:" if stopped else ":material/stop:",
            on_click=batch.start if stopped else batch.cancel,
            key="measure_stop_or_go",
        )


_SAID: Final = {
    "waiting": " · waiting: other pictures are being measured, in another window or by somebody else",
    "paused": " · paused",
    "cancelled": " · cancelled",
}
