"""Measuring many pictures: how they are read, how far it is, what was found, and what can be taken away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import streamlit as st

from wbcseg.analysis import Batch, Progress
from wbcseg.errors import WbcsegError
from wbcseg.prediction import Catalog, ModelEntry
from wbcseg.trust import judge_of
from wbcseg.ui import bringing, status, store
from wbcseg.ui.cell_table import Row, rows_of, summary, table_html, to_look_at
from wbcseg.ui.take_away import ask_scale, offer_files
from wbcseg.ui.words import GLOSSARY, as_text

REFRESH: Final = 1.0
"""Seconds between two looks at a batch that goes on."""

ROWS: Final = 25
"""Rows of the table on a page."""

Held = tuple[tuple[tuple[str, ...], tuple[str, str, bool, int]], Batch]
"""A batch with the tokens of what was brought and of how it is read."""

_BATCH: Final = "measure_batch"
_PAGE: Final = "measure_rows"


@dataclass(frozen=True, eq=False)
class Reading:
    """How pictures are read.

    Attributes:
        entry: The model.
        careful: Whether it looks carefully.
        page: Which page of TIFF files with several, from 0.
        micrometres: Side of a pixel in µm, or ``None``.
    """

    entry: ModelEntry
    careful: bool
    page: int
    micrometres: float | None

    @property
    def token(self) -> tuple[str, str, bool, int]:
        """What the result depends on. The scale is none of it: it changes the figures when they are shown."""
        card = self.entry.card
        return self.entry.name, card.files["model"].sha256 if card else "", self.careful, self.page


def choose_reading(models: Catalog, pages: int = 1) -> Reading | None:
    """Ask how pictures are to be read.

    Args:
        models: The models to choose from.
        pages: The number of pages of the TIFF that has most.

    Returns:
        The answers, or ``None`` where there is no model.
    """
    status.show_problems(models.entries)
    usable = {entry.name: entry for entry in reversed(models.usable)}  # of two with one name, the first counts
    if not usable:
        st.info("There is no model that can be used. Train one on the page Train.", icon=":material/school:")
        return None
    names = list(reversed(usable))
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        _remember("measure_model", models.first_choice.name if models.first_choice else names[0], names)
        name = st.selectbox(
            "Model",
            names,
            format_func=lambda name: usable[name].title,
            key="measure_model",
            on_change=_keep,
            args=("measure_model",),
            width=260,
            help=GLOSSARY["Model"],
        )
        micrometres = ask_scale(in_address=False)
        page = 1
        if pages > 1:
            _remember("measure_page", 1)
            page = st.number_input(
                "Page",
                min_value=1,
                max_value=pages,
                step=1,
                key="measure_page",
                on_change=_keep,
                args=("measure_page",),
                width=130,
                help=f"Some of your TIFF files have several pages, up to {pages}. This one is read of each of them.",
            )
        _remember("measure_careful", False)
        careful = st.toggle(
            "Careful", key="measure_careful", on_change=_keep, args=("measure_careful",), help=GLOSSARY["Careful"]
        )
    return Reading(usable[name], careful, int(page) - 1, micrometres)


def measure(brought: bringing.Brought, reading: Reading, models: Catalog) -> Batch | None:
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
        model = store.segmenter(*reading.token[:2], models)
    except WbcsegError as problem:
        st.error(as_text(str(problem)), icon=":material/error:")
        return None
    judge = judge_of(reading.entry.card) if reading.entry.card else None
    batch = Batch(brought.items, model, judge=judge, careful=reading.careful, page=reading.page, earlier=earlier)
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
    every = rows_of(outcomes)
    short, more = summary(outcomes)
    st.markdown(f"**{as_text(short)}**" + (f"; {as_text(more)}." if more else ""))
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
    _remember("measure_only", False)
    only = st.toggle(
        "Only those to check",
        key="measure_only",
        on_change=_change_rows,
        help="Cells whose result should be checked or is unlike the training data, and what could not be used.",
    )
    return to_look_at(every) if only else every


def _change_rows() -> None:
    _keep("measure_only")
    _show_rows(0)


def _offer(batch: Batch, reading: Reading, models: Catalog) -> None:
    """Offer the results as files, and to begin anew."""
    with st.container(horizontal=True, vertical_alignment="center"):
        if batch.outcomes():
            entries = {entry.name: entry for entry in models.entries}
            offer_files(
                batch.pictures,
                entries,
                reading.micrometres,
                careful=batch.careful,
                page=reading.page,
                reading=batch.reading,
            )
        bringing.start_over_button()


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
        if progress.state == "cancelled":
            st.button("Go on", icon=":material/play_arrow:", on_click=batch.start, key="measure_go_on")
        else:
            st.button("Cancel", icon=":material/stop:", on_click=batch.cancel, key="measure_cancel")


_SAID: Final = {
    "waiting": " · waiting: other pictures are being measured, in another window or by somebody else",
    "paused": " · paused",
    "cancelled": " · cancelled",
}


def _remember(key: str, default: object, allowed: Sequence[object] | None = None) -> None:
    """Bring back a choice from an earlier look at the page: Streamlit forgets it on the way to another one."""
    if key in st.session_state:
        return
    kept = st.session_state.get(f"kept_{key}", default)
    st.session_state[key] = kept if allowed is None or kept in allowed else default


def _keep(key: str) -> None:
    st.session_state[f"kept_{key}"] = st.session_state[key]
