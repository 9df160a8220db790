"""One run: its state, notes, name, download; and deleting runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import streamlit as st

from wbcseg.ui import routes
from wbcseg.errors import WbcsegError
from wbcseg.training import Run
from wbcseg.training.jobs import manager
from wbcseg.training.runs.summary import Overview, overview, pack, packed_size
from wbcseg.training.runs.folder import MOST_NOTES
from wbcseg.ui.train.live import REFRESH
from wbcseg.ui.train.fields import summary
from wbcseg.ui.components.run_status import actions, badge, leak_mark, show_situation
from wbcseg.ui.text import as_text, bytes_text, lines_text

_PROBLEM: Final = "details_problem"


def show_run(one: Overview) -> None:
    """Show one run and what can be done with it."""
    st.subheader(as_text(one.name))
    st.fragment(_state, run_every=REFRESH if one.alive else None)(one, one.alive)


def show_problem() -> None:
    """Show what went wrong with what the reader asked for last."""
    problem = st.session_state.pop(_PROBLEM, None)
    if problem:
        st.error(lines_text(problem), icon=":material/error:")


def manage(one: Overview) -> None:
    """Offer notes, another name, a download and deletion of one run."""
    notes, rest = st.columns([3, 2], gap="large")
    with notes:
        _notes(one)
    with rest:
        _rename(one)
        with st.container(horizontal=True):
            _download(one)
            delete_button([one])


def delete_button(chosen: Sequence[Overview]) -> None:
    """Offer to delete runs, after asking once more."""
    busy = [one.name for one in chosen if one.alive]
    label = "Delete" if len(chosen) == 1 else f"Delete {len(chosen)} runs"
    if st.button(
        label,
        icon=":material/delete:",
        key="delete_runs",
        disabled=bool(busy),
        help=f"Stop {as_text(', '.join(busy))} first." if busy else None,
    ):
        _confirm([one.run for one in chosen])


def _state(one: Overview, was_alive: bool) -> None:
    now = overview(one.run)
    if now.alive != was_alive:
        st.rerun()
    st.markdown(f"{badge(now)} {as_text(summary(now.config)) if now.config else ''}")
    show_situation(now)
    leak_mark(now)
    with st.container(horizontal=True, vertical_alignment="center"):
        actions(now, f"details_{now.name}")
        if now.config is not None:
            address = {"tab": "Watch", "run": now.name}
            st.page_link(routes.TRAIN, label="Watch", icon=":material/monitoring:", query_params=address)


def _notes(one: Overview) -> None:
    key = f"notes_{one.name}"
    st.session_state.setdefault(key, one.run.notes())
    st.text_area(
        "Notes",
        key=key,
        max_chars=MOST_NOTES,
        on_change=_save_notes,
        args=(one.run, key),
        placeholder="What you tried, and what came of it. Saved when you leave the field.",
    )


def _save_notes(run: Run, key: str) -> None:
    try:
        run.set_notes(st.session_state[key])
    except WbcsegError as problem:
        st.session_state[_PROBLEM] = str(problem)
    else:
        st.toast("Notes saved", icon=":material/check:")


def _rename(one: Overview) -> None:
    key = f"rename_{one.name}"
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input("Name", one.name, max_chars=80, key=key, disabled=one.alive)
        st.button("Rename", key="rename_run", on_click=_do_rename, args=(one.run, key), disabled=one.alive)


def _do_rename(run: Run, key: str) -> None:
    name = st.session_state[key].strip()
    if name == run.name:
        return
    try:
        manager.rename(run, name)
    except WbcsegError as problem:
        st.session_state[_PROBLEM] = str(problem)
    else:
        st.session_state["runs_chosen"] = [name]


def _download(one: Overview) -> None:
    try:
        size = packed_size(one.run)
    except OSError:
        return
    st.download_button(
        f"Download ({bytes_text(size)})",
        data=lambda: pack(one.run),
        file_name=f"{one.name}.zip",
        mime="application/zip",
        icon=":material/download:",
        on_click="ignore",
        disabled=one.config is None,
        help="Settings, split, figures, film, notes and the model as a zip.",
    )


@st.dialog("Delete for good?", icon=":material/delete:")
def _confirm(runs: Sequence[Run]) -> None:
    st.markdown("With all that was learned, its model included:" if len(runs) == 1 else "With their models:")
    for run in runs:
        st.markdown(f"- {as_text(run.name)}")
    with st.container(horizontal=True):
        gone = st.button("Delete", icon=":material/delete:", key="confirm_delete", on_click=_delete, args=(runs,))
        kept = st.button("Keep", key="confirm_keep")
    if gone or kept:
        st.rerun()


def _delete(runs: Sequence[Run]) -> None:
    problems = []
    for run in runs:
        try:
            manager.delete(run)
        except WbcsegError as problem:
            problems.append(str(problem))
    if problems:
        st.session_state[_PROBLEM] = "\n".join(problems)
