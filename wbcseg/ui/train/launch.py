"""What a training run will cost on this computer, and starting it."""

from __future__ import annotations

import time
from typing import Final

import streamlit as st

from wbcseg.errors import NotEnoughMemoryError, RunError, WbcsegError
from wbcseg.hosting import get_limits, is_public
from wbcseg.paths import get_runs_folder
from wbcseg.splitting.worker import is_splitting, start_splitting
from wbcseg.training import TrainingConfig
from wbcseg.training.config import UPLOADED_DATASET
from wbcseg.training.cost.estimate import (
    CostEstimate,
    check_memory,
    count_samples,
    estimate_cost,
    has_exact_counts,
    is_probing,
    start_probe,
)
from wbcseg.training.jobs import manager
from wbcseg.training.jobs.checks import check_start
from wbcseg.training.jobs.manager import count_active_runs
from wbcseg.training.jobs.room import check_offered
from wbcseg.training.runs.summary import list_summaries
from wbcseg.ui import routes
from wbcseg.ui.components import problems
from wbcseg.ui.formatting import (
    escape_lines,
    escape_markdown,
    format_bytes,
    format_duration,
    format_integer,
    pluralise,
)
from wbcseg.ui.train import share
from wbcseg.ui.train.form import TrainingRequest, update_request

BASIS_TEXTS: Final = {
    ("runs", True): "from earlier runs with these settings on this computer",
    ("runs", False): "scaled from earlier runs on this computer",
    ("timed", True): "from a few steps timed on this computer",
    ("timed", False): "scaled from a few steps timed on this computer",
    ("reference", False): "scaled from another computer; this one may be faster or slower",
}
"""Where an estimate comes from, by its basis and whether exactly these settings were measured."""

DOUBLE_CLICK_SECONDS: Final = 2.0
"""Time within which a second click on Start counts as a double click."""

_PROBLEM_KEY: Final = "start_problem"
_PROBED_KEY: Final = "start_probed"


def stop_if_not_offered() -> None:
    """End the page with the reason if this server offers no training, unless there are runs to look at."""
    try:
        check_offered()
    except RunError as error:
        st.info(escape_markdown(str(error)), icon=":material/school:")
        if not list_summaries():
            st.stop()
    if is_public():
        st.caption(_describe_quotas())


def _describe_quotas() -> str:
    """Return what a visitor of a public server may do, as a sentence."""
    limits = get_limits()
    parts = [
        f"keep {pluralise(limits.runs_per_visitor, 'run')}" if limits.runs_per_visitor is not None else "",
        f"of {format_bytes(limits.run_bytes)} together" if limits.run_bytes is not None else "",
        f"and train {pluralise(limits.training_minutes, 'minute')} each" if limits.training_minutes is not None else "",
    ]
    return (
        f"On this server you may {' '.join(filter(None, parts))}. Only this browser sees them: a cookie holds a random "
        "number that stands for you. Without cookies, they are gone with the visit."
    )


def show_cost_and_start(request: TrainingRequest | None) -> None:
    """Show what a training run will cost, and a button to start it."""
    fits_in_memory = request is not None and _show_cost(request)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input(
            "Name (optional)",
            key="train_name",
            max_chars=80,
            placeholder="generated automatically",
            width=300,
            help="Letters, digits, spaces, dots, hyphens and underscores. By default, the name is made from network, "
            "base filters and data set.",
        )
        st.button(
            "Start training",
            icon=":material/play_arrow:",
            key="train_start",
            disabled=not fits_in_memory,
            on_click=start_training,
            args=(request,),
        )
        if request is not None:
            share.show_take_along(request)
    problems.show_problem(_PROBLEM_KEY)


def _show_cost(request: TrainingRequest) -> bool:
    """Show time and memory. Returns whether there is enough memory."""
    config = request.config
    try:
        sample_counts = count_samples(config, request.upload.dataset if request.upload else None)
        cost = estimate_cost(config, sample_counts)
    except WbcsegError as error:
        st.error(escape_lines(str(error)), icon=":material/error:")
        return False
    runs_ahead = count_active_runs()
    with st.container(border=True, gap="small"):
        is_counted = has_exact_counts(config, request.upload.dataset if request.upload else None)
        _show_cost_line(config, sample_counts, cost, is_counted=is_counted)
        if not is_counted and request.upload is None:
            start_splitting(config.dataset)
            if is_splitting(config.dataset):
                st.fragment(_wait_for_counts, run_every=1.0)(config.dataset)
        if runs_ahead:
            verb = "is" if runs_ahead == 1 else "are"
            st.markdown(
                f":material/hourglass_top: {pluralise(runs_ahead, 'run')} {verb} ahead. This run will be queued and "
                "start by itself."
            )
        try:
            check_memory(config, sample_counts)
        except NotEnoughMemoryError as error:
            st.error(escape_markdown(str(error)), icon=":material/memory:")
            return False
        # Timing does not wait in the queue.
        if not cost.is_exact and not is_public():
            probing = is_probing(config)
            st.fragment(_render_probe, run_every=1.0 if probing else None)(config, probing, idle=not runs_ahead)
    return True


def _wait_for_counts(dataset_name: str) -> None:
    """Show that the images are being compared; when that is done, the sizes of the folds are known."""
    if not is_splitting(dataset_name):
        st.rerun()
    st.caption("Comparing the images, so that those of a cell stay on one side of the split…")


def _show_cost_line(
    config: TrainingConfig, sample_counts: tuple[int, int], cost: CostEstimate, *, is_counted: bool
) -> None:
    basis = BASIS_TEXTS[cost.basis, cost.is_exact]
    train_count, validation_count = sample_counts
    # Folds keep the images of a cell together, so their sizes are known only when the images have been compared.
    qualifier = "" if is_counted else "about "
    epochs_text = f"{pluralise(config.epochs, 'epoch')} × {format_duration(cost.seconds_per_epoch)}"
    st.markdown(
        f":material/schedule: About **{format_duration(cost.seconds)}** on this computer: {epochs_text}, plus start-up "
        "and export.  \n"
        f":material/memory: About **{format_bytes(cost.memory_bytes)}** of memory; "
        f"{format_bytes(cost.free_bytes)} are free.  \n"
        f":material/photo_library: {qualifier.capitalize()}{format_integer(train_count)} images for training "
        f"and {format_integer(validation_count)} for validation.",
    )
    st.caption(f"Time and memory are estimates, {basis}.")


def _render_probe(config: TrainingConfig, was_probing: bool, *, idle: bool) -> None:
    """Show a button that times a few steps on this computer, and the state of the timing."""
    probing = is_probing(config)
    if probing != was_probing:
        st.rerun()
    if probing:
        st.markdown(":material/progress_activity: Timing a few steps of this run. The estimate will be updated.")
        return
    clicked = st.button(
        "Time it on this computer",
        icon=":material/timer:",
        key="train_probe",
        type="tertiary",
        disabled=not idle,
        help="Times a few steps of this run in the background, for about half a minute."
        if idle
        else "Not while a run is active: the times would be wrong.",
    )
    if clicked:
        try:
            start_probe(config)
        except WbcsegError as error:
            st.error(escape_markdown(str(error)), icon=":material/error:")
            return
        st.session_state[_PROBED_KEY] = config.compute_hash()
        if is_probing(config):
            st.rerun()
    if st.session_state.get(_PROBED_KEY) == config.compute_hash():
        st.caption("Timing these settings failed. The estimate is unchanged.")


def start_training(request: TrainingRequest) -> None:
    """Start a run and show its progress; a double click starts one run only."""
    if time.monotonic() - st.session_state.get("train_started", -DOUBLE_CLICK_SECONDS) < DOUBLE_CLICK_SECONDS:
        return
    name = st.session_state.get("train_name", "").strip() or None
    try:
        request = update_request(request)
        dataset = request.upload.dataset if request.upload else None
        check_start(request.config, get_runs_folder(), name=name, dataset=dataset)
        data = request.upload.zip_bytes if request.upload and request.config.dataset == UPLOADED_DATASET else None
        run = manager.start_run(request.config, name=name, data=data)
    except WbcsegError as error:
        problems.report_problem(_PROBLEM_KEY, error)
        return
    st.session_state["train_started"] = time.monotonic()
    st.session_state["train_name"] = ""
    st.session_state["run"] = run.name
    st.session_state["tab"] = routes.TRAIN_PROGRESS_TAB
