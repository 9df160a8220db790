"""One run: its state, notes, name, download; and deleting runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import streamlit as st

from wbcseg.ui import routes
from wbcseg.errors import WbcsegError
from wbcseg.training import Run
from wbcseg.training.jobs import manager
from wbcseg.training.runs.summary import RunSummary, summarise_run, zip_run, estimate_zip_size
from wbcseg.training.runs.folder import MAX_NOTES_LENGTH
from wbcseg.ui.train.live import LIVE_REFRESH_SECONDS
from wbcseg.ui.train.fields import format_config
from wbcseg.ui.components.run_status import show_actions, format_status_badge, show_leakage_badge, show_status
from wbcseg.ui.text import escape_markdown, format_bytes, escape_lines

_PROBLEM_KEY: Final = "details_problem"


def show_run(one: RunSummary) -> None:
    """Show one run and what can be done with it."""
    st.subheader(escape_markdown(one.name))
    st.fragment(_render_status, run_every=LIVE_REFRESH_SECONDS if one.is_active else None)(one, one.is_active)


def show_problem() -> None:
    """Show what went wrong with what the reader asked for last."""
    problem = st.session_state.pop(_PROBLEM_KEY, None)
    if problem:
        st.error(escape_lines(problem), icon=":material/error:")


def show_run_tools(one: RunSummary) -> None:
    """Offer notes, another name, a download and deletion of one run."""
    notes, rest = st.columns([3, 2], gap="large")
    with notes:
        _show_notes(one)
    with rest:
        _show_rename(one)
        with st.container(horizontal=True):
            _show_download(one)
            show_delete_button([one])


def show_delete_button(chosen: Sequence[RunSummary]) -> None:
    """Offer to delete runs, after asking once more."""
    busy = [one.name for one in chosen if one.is_active]
    label = "Delete" if len(chosen) == 1 else f"Delete {len(chosen)} runs"
    if st.button(
        label,
        icon=":material/delete:",
        key="delete_runs",
        disabled=bool(busy),
        help=f"Stop {escape_markdown(', '.join(busy))} first." if busy else None,
    ):
        _confirm_delete([one.run for one in chosen])


def _render_status(one: RunSummary, was_alive: bool) -> None:
    now = summarise_run(one.run)
    if now.is_active != was_alive:
        st.rerun()
    st.markdown(f"{format_status_badge(now)} {escape_markdown(format_config(now.config)) if now.config else ''}")
    show_status(now)
    show_leakage_badge(now)
    with st.container(horizontal=True, vertical_alignment="center"):
        show_actions(now, f"details_{now.name}")
        if now.config is not None:
            address = {"tab": "Watch", "run": now.name}
            st.page_link(routes.TRAIN, label="Watch", icon=":material/monitoring:", query_params=address)


def _show_notes(one: RunSummary) -> None:
    key = f"notes_{one.name}"
    st.session_state.setdefault(key, one.run.load_notes())
    st.text_area(
        "Notes",
        key=key,
        max_chars=MAX_NOTES_LENGTH,
        on_change=_save_notes,
        args=(one.run, key),
        placeholder="What you tried, and what came of it. Saved when you leave the field.",
    )


def _save_notes(run: Run, key: str) -> None:
    try:
        run.save_notes(st.session_state[key])
    except WbcsegError as problem:
        st.session_state[_PROBLEM_KEY] = str(problem)
    else:
        st.toast("Notes saved", icon=":material/check:")


def _show_rename(one: RunSummary) -> None:
    key = f"rename_{one.name}"
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input("Name", one.name, max_chars=80, key=key, disabled=one.is_active)
        st.button("Rename", key="rename_run", on_click=_rename_run, args=(one.run, key), disabled=one.is_active)


def _rename_run(run: Run, key: str) -> None:
    name = st.session_state[key].strip()
    if name == run.name:
        return
    try:
        manager.rename_run(run, name)
    except WbcsegError as problem:
        st.session_state[_PROBLEM_KEY] = str(problem)
    else:
        st.session_state["runs_chosen"] = [name]


def _show_download(one: RunSummary) -> None:
    try:
        size = estimate_zip_size(one.run)
    except OSError:
        return
    st.download_button(
        f"Download ({format_bytes(size)})",
        data=lambda: zip_run(one.run),
        file_name=f"{one.name}.zip",
        mime="application/zip",
        icon=":material/download:",
        on_click="ignore",
        disabled=one.config is None,
        help="Settings, split, figures, film, notes and the model as a zip.",
    )


@st.dialog("Delete for good?", icon=":material/delete:")
def _confirm_delete(runs: Sequence[Run]) -> None:
    st.markdown("With all that was learned, its model included:" if len(runs) == 1 else "With their models:")
    for run in runs:
        st.markdown(f"- {escape_markdown(run.name)}")
    with st.container(horizontal=True):
        gone = st.button("Delete", icon=":material/delete:", key="confirm_delete", on_click=_delete_runs, args=(runs,))
        kept = st.button("Keep", key="confirm_keep")
    if gone or kept:
        st.rerun()


def _delete_runs(runs: Sequence[Run]) -> None:
    problems = []
    for run in runs:
        try:
            manager.delete_run(run)
        except WbcsegError as problem:
            problems.append(str(problem))
    if problems:
        st.session_state[_PROBLEM_KEY] = "\n".join(problems)
