"""What a training will cost on this computer, and starting it."""

from __future__ import annotations

import time
from typing import Final

import streamlit as st

from wbcseg.errors import NotEnoughMemoryError, WbcsegError
from wbcseg.training import TrainingConfig
from wbcseg.training.cost.estimate import (
    CostEstimate,
    check_memory,
    count_samples,
    estimate_cost,
    is_probing,
    start_probe,
)
from wbcseg.training.jobs import manager
from wbcseg.training.jobs.manager import UPLOADED_DATASET
from wbcseg.training.runs.summary import list_summaries
from wbcseg.ui.formatting import escape_lines, escape_markdown, format_bytes, format_duration
from wbcseg.ui.train.form import TrainingRequest

BASIS_TEXTS: Final = {
    ("runs", True): "as earlier trainings of this kind took here",
    ("runs", False): "scaled from earlier trainings on this computer",
    ("timed", True): "from a few steps timed on this computer",
    ("timed", False): "scaled from a few steps timed on this computer",
    ("reference", False): "scaled from another computer, this one may be faster or slower",
}
"""What an estimate rests on, by its basis and whether the very same was measured."""

DOUBLE_CLICK_SECONDS: Final = 2.0
"""Seconds within which a second click on Start is taken for a double click."""

PROGRESS_TAB: Final = "Watch"
NEW_RUN_TAB: Final = "New training"

_PROBLEM_KEY: Final = "start_problem"
_PROBED_KEY: Final = "start_measured"


def show_cost_and_start(request: TrainingRequest | None) -> None:
    """Show what a training will cost, and offer to start it."""
    fits_in_memory = request is not None and _show_cost(request)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input(
            "Name (optional)",
            key="train_name",
            max_chars=80,
            placeholder="made from network and data",
            width=300,
            help="Letters, digits, blanks, dots, hyphens and underscores. Without a name it is called after its "
            "network, width and data set.",
        )
        st.button(
            "Start training",
            icon=":material/play_arrow:",
            key="train_start",
            disabled=not fits_in_memory,
            on_click=start_training,
            args=(request,),
        )
    problem = st.session_state.pop(_PROBLEM_KEY, None)
    if problem:
        st.error(escape_lines(problem), icon=":material/error:")


def _show_cost(request: TrainingRequest) -> bool:
    """Show time and memory. Return whether the memory will do."""
    config = request.config
    try:
        sample_counts = count_samples(config, request.upload.dataset if request.upload else None)
        cost = estimate_cost(config, sample_counts)
    except WbcsegError as problem:
        st.error(escape_lines(str(problem)), icon=":material/error:")
        return False
    runs_ahead = sum(summary.is_active for summary in list_summaries())
    with st.container(border=True, gap="small"):
        _show_cost_line(config, sample_counts, cost)
        if runs_ahead:
            noun = "training goes" if runs_ahead == 1 else "trainings go"
            st.markdown(
                f":material/hourglass_top: {runs_ahead} {noun} before it: it waits in line until its turn comes."
            )
        try:
            check_memory(config, sample_counts)
        except NotEnoughMemoryError as problem:
            st.error(escape_markdown(str(problem)), icon=":material/memory:")
            return False
        if not cost.is_exact:
            probing = is_probing(config)
            st.fragment(_render_probe, run_every=1.0 if probing else None)(config, probing, idle=not runs_ahead)
    return True


def _show_cost_line(config: TrainingConfig, sample_counts: tuple[int, int], cost: CostEstimate) -> None:
    basis = BASIS_TEXTS[cost.basis, cost.is_exact]
    epochs = "1 epoch" if config.epochs == 1 else f"{config.epochs} epochs"
    st.markdown(
        f":material/schedule: About **{format_duration(cost.seconds)}** on this computer: {epochs} of "
        f"{format_duration(cost.seconds_per_epoch)} and the start and end.  \n"
        f":material/memory: About **{format_bytes(cost.memory_bytes)}** of memory, of {format_bytes(cost.free_bytes)} free now.  \n"
        f":material/photo_library: {sample_counts[0]} pictures train, {sample_counts[1]} are held out.",
    )
    st.caption(f"Time and memory are estimates, {basis}.")


def _render_probe(config: TrainingConfig, was_probing: bool, *, idle: bool) -> None:
    """Offer to time a few steps on this computer, and say when that is under way or brought nothing."""
    probing = is_probing(config)
    if probing != was_probing:
        st.rerun()
    if probing:
        st.markdown(":material/progress_activity: Timing a few steps of this training. The estimate above follows.")
        return
    clicked = st.button(
        "Measure on this computer",
        icon=":material/timer:",
        key="train_measure",
        type="tertiary",
        disabled=not idle,
        help="Times a few steps of this very training in the background, for about half a minute."
        if idle
        else "While a training goes on, the figures would be wrong.",
    )
    if clicked:
        try:
            start_probe(config)
        except WbcsegError as problem:
            st.error(escape_markdown(str(problem)), icon=":material/error:")
            return
        st.session_state[_PROBED_KEY] = config.compute_hash()
        if is_probing(config):
            st.rerun()
    if st.session_state.get(_PROBED_KEY) == config.compute_hash():
        st.caption("The last measurement of these settings brought nothing: the estimate stays as it is.")


def start_training(request: TrainingRequest) -> None:
    """Start the training and show it; a double click starts one only."""
    if time.monotonic() - st.session_state.get("train_started", -DOUBLE_CLICK_SECONDS) < DOUBLE_CLICK_SECONDS:
        return
    name = st.session_state.get("train_name", "").strip() or None
    data = request.upload.zip_bytes if request.upload and request.config.dataset == UPLOADED_DATASET else None
    try:
        run = manager.start_run(request.config, name=name, data=data)
    except WbcsegError as problem:
        st.session_state[_PROBLEM_KEY] = str(problem)
        return
    st.session_state["train_started"] = time.monotonic()
    st.session_state["train_name"] = ""
    st.session_state["run"] = run.name
    st.session_state["tab"] = PROGRESS_TAB
