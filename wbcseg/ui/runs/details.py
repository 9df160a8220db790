"""One run: its status, notes, name and download; and deleting runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import streamlit as st

from wbcseg.errors import WbcsegError
from wbcseg.training import Run
from wbcseg.training.jobs import manager
from wbcseg.training.runs.archive import estimate_zip_size, zip_run
from wbcseg.training.runs.details import MAX_OWNER_LENGTH, MAX_TAGS, save_owner, save_tags
from wbcseg.training.runs.folder import MAX_NOTES_LENGTH
from wbcseg.training.runs.summary import RunSummary, list_summaries, summarise_run
from wbcseg.ui import routes
from wbcseg.ui.components import problems
from wbcseg.ui.components.line_charts import LIVE_REFRESH_SECONDS
from wbcseg.ui.components.run_status import format_status_badge, show_actions, show_leakage_badge, show_status
from wbcseg.ui.formatting import escape_markdown, format_bytes
from wbcseg.ui.runs.table import SELECTED_KEY, format_heldout, get_baseline, pin_baseline
from wbcseg.ui.train import address
from wbcseg.ui.train.fields import format_config

PROBLEM_KEY: Final = "details_problem"
"""Where a failed action leaves its error for :func:`wbcseg.ui.components.problems.show_problem`."""


def show_run(summary: RunSummary) -> None:
    """Show a run's status and actions; they update while it is active."""
    st.subheader(escape_markdown(summary.name))
    st.fragment(_render_status, run_every=LIVE_REFRESH_SECONDS if summary.is_active else None)(
        summary, summary.is_active
    )


def show_run_tools(summary: RunSummary) -> None:
    """Show notes, rename, download and delete of one run."""
    if summary.is_example:
        show_delete_button([summary])
        return
    notes_column, tools_column = st.columns([3, 2], gap="large")
    with notes_column:
        _show_labels(summary)
        _show_notes(summary)
    with tools_column:
        _show_rename(summary)
        with st.container(horizontal=True):
            _show_download(summary)
            show_delete_button([summary])


def show_delete_button(selected: Sequence[RunSummary]) -> None:
    """Show a button that deletes runs after a confirmation."""
    if any(summary.is_example for summary in selected):
        st.caption("Examples come with the program and cannot be deleted.")
        return
    active_names = [summary.name for summary in selected if summary.is_active]
    if st.button(
        "Delete" if len(selected) == 1 else f"Delete {len(selected)} runs",
        icon=":material/delete:",
        key="delete_runs",
        disabled=bool(active_names),
        help=f"Stop {escape_markdown(', '.join(active_names))} first." if active_names else None,
    ):
        _confirm_delete([summary.run for summary in selected])


def _render_status(initial: RunSummary, was_active: bool) -> None:
    current = summarise_run(initial.run)
    if current.is_active != was_active:
        st.rerun()
    config_text = escape_markdown(format_config(current.config)) if current.config else ""
    st.markdown(f"{format_status_badge(current)} {config_text}")
    if current.heldout_dice:
        st.markdown(f"**On its held-out images:** {format_heldout(current)}")
    show_status(current)
    show_leakage_badge(current)
    with st.container(horizontal=True, vertical_alignment="center"):
        show_actions(current, f"details_{current.name}")
        if current.config is not None:
            query_params = {"tab": routes.TRAIN_PROGRESS_TAB, "run": current.name}
            st.page_link(routes.TRAIN, label="Progress", icon=":material/monitoring:", query_params=query_params)
            st.page_link(
                routes.TRAIN,
                label="Duplicate with changes",
                icon=":material/content_copy:",
                query_params=address.build_link(current.config),
            )
            _show_baseline_button(current)


def _show_baseline_button(summary: RunSummary) -> None:
    if get_baseline() == summary.name:
        st.button(
            "Baseline", icon=":material/keep_off:", key="unpin", type="tertiary", on_click=pin_baseline, args=(None,)
        )
    else:
        st.button(
            "Pin as baseline",
            icon=":material/keep:",
            key="pin",
            type="tertiary",
            on_click=pin_baseline,
            args=(summary.name,),
            help="The table then says how other runs differ from it, and comparisons include it.",
        )


def _show_labels(summary: RunSummary) -> None:
    """Show fields for tags and owner."""
    tags_key, owner_key = f"tags_{summary.name}", f"owner_{summary.name}"
    st.session_state.setdefault(tags_key, list(summary.details.tags))
    st.session_state.setdefault(owner_key, summary.details.owner)
    with st.container(horizontal=True):
        st.multiselect(
            "Tags",
            list_tags(list_summaries()),
            key=tags_key,
            accept_new_options=True,
            max_selections=MAX_TAGS,
            on_change=_save_label,
            args=(save_tags, summary.run, tags_key),
            placeholder="Choose or type",
        )
        st.text_input(
            "Owner",
            key=owner_key,
            max_chars=MAX_OWNER_LENGTH,
            on_change=_save_label,
            args=(save_owner, summary.run, owner_key),
            placeholder="a name or nickname",
        )


def list_tags(summaries: Sequence[RunSummary]) -> list[str]:
    """Return the tags of all runs, in order."""
    return sorted({tag for summary in summaries for tag in summary.details.tags})


def _save_label(save: Callable[[Run, Any], None], run: Run, key: str) -> None:
    try:
        save(run, st.session_state[key])
    except WbcsegError as error:
        problems.report_problem(PROBLEM_KEY, error)


def _show_notes(summary: RunSummary) -> None:
    key = f"notes_{summary.name}"
    st.session_state.setdefault(key, summary.run.load_notes())
    st.text_area(
        "Notes",
        key=key,
        max_chars=MAX_NOTES_LENGTH,
        on_change=_save_notes,
        args=(summary.run, key),
        placeholder="What you tried and what you found. Saved when you leave the field.",
    )


def _save_notes(run: Run, key: str) -> None:
    try:
        run.save_notes(st.session_state[key])
    except WbcsegError as error:
        problems.report_problem(PROBLEM_KEY, error)
    else:
        st.toast("Notes saved", icon=":material/check:")


def _show_rename(summary: RunSummary) -> None:
    key = f"rename_{summary.name}"
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input("Name", summary.name, max_chars=80, key=key, disabled=summary.is_active)
        st.button("Rename", key="rename_run", on_click=_rename_run, args=(summary.run, key), disabled=summary.is_active)


def _rename_run(run: Run, key: str) -> None:
    name = st.session_state[key].strip()
    if name == run.name:
        return
    try:
        manager.rename_run(run, name)
    except WbcsegError as error:
        problems.report_problem(PROBLEM_KEY, error)
    else:
        st.session_state[SELECTED_KEY] = [name]


def _show_download(summary: RunSummary) -> None:
    try:
        size = estimate_zip_size(summary.run)
    except OSError:
        return
    st.download_button(
        f"Download ({format_bytes(size)})",
        data=lambda: zip_run(summary.run),
        file_name=f"{summary.name}.zip",
        mime="application/zip",
        icon=":material/download:",
        on_click="ignore",
        disabled=summary.config is None,
        help="Settings, split, metrics, snapshots, notes and the model as a zip file.",
    )


@st.dialog("Delete permanently?", icon=":material/delete:")
def _confirm_delete(runs: Sequence[Run]) -> None:
    st.markdown("This deletes the run and its model:" if len(runs) == 1 else "This deletes the runs and their models:")
    for run in runs:
        st.markdown(f"- {escape_markdown(run.name)}")
    with st.container(horizontal=True):
        deleted = st.button(
            "Delete", icon=":material/delete:", key="confirm_delete", on_click=_delete_runs, args=(runs,)
        )
        cancelled = st.button("Cancel", key="cancel_delete")
    if deleted or cancelled:
        st.rerun()


def _delete_runs(runs: Sequence[Run]) -> None:
    errors = []
    for run in runs:
        try:
            manager.delete_run(run)
        except WbcsegError as error:
            errors.append(error)
    problems.report_problem(PROBLEM_KEY, *errors)
