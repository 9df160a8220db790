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
from wbcseg.ui.text import escape_lines, escape_markdown, format_bytes, format_duration
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


def show_cost_and_start(plan: TrainingRequest | None) -> None:
    """Show what a training will cost, and offer to start it."""
    fits = plan is not None and _show_cost(plan)
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
            disabled=not fits,
            on_click=start_training,
            args=(plan,),
        )
    problem = st.session_state.pop(_PROBLEM_KEY, None)
    if problem:
        st.error(escape_lines(problem), icon=":material/error:")


def _show_cost(plan: TrainingRequest) -> bool:
    """Show time and memory. Return whether the memory will do."""
    config = plan.config
    try:
        counts = count_samples(config, plan.upload.dataset if plan.upload else None)
        needed = estimate_cost(config, counts)
    except WbcsegError as problem:
        st.error(escape_lines(str(problem)), icon=":material/error:")
        return False
    line = sum(one.is_active for one in list_summaries())
    with st.container(border=True, gap="small"):
        _show_cost_line(config, counts, needed)
        if line:
            noun = "training goes" if line == 1 else "trainings go"
            st.markdown(f":material/hourglass_top: {line} {noun} before it: it waits in line until its turn comes.")
        try:
            check_memory(config, counts)
        except NotEnoughMemoryError as problem:
            st.error(escape_markdown(str(problem)), icon=":material/memory:")
            return False
        if not needed.is_exact:
            busy = is_probing(config)
            st.fragment(_render_probe, run_every=1.0 if busy else None)(config, busy, idle=not line)
    return True


def _show_cost_line(config: TrainingConfig, counts: tuple[int, int], needed: CostEstimate) -> None:
    basis = BASIS_TEXTS[needed.basis, needed.is_exact]
    epochs = "1 epoch" if config.epochs == 1 else f"{config.epochs} epochs"
    st.markdown(
        f":material/schedule: About **{format_duration(needed.seconds)}** on this computer: {epochs} of "
        f"{format_duration(needed.seconds_per_epoch)} and the start and end.  \n"
        f":material/memory: About **{format_bytes(needed.memory_bytes)}** of memory, of {format_bytes(needed.free_bytes)} free now.  \n"
        f":material/photo_library: {counts[0]} pictures train, {counts[1]} are held out.",
    )
    st.caption(f"Time and memory are estimates, {basis}.")


def _render_probe(config: TrainingConfig, busy: bool, *, idle: bool) -> None:
    """Offer to time a few steps on this computer, and say when that is under way or brought nothing."""
    now = is_probing(config)
    if now != busy:
        st.rerun()
    if now:
        st.markdown(":material/progress_activity: Timing a few steps of this training. The estimate above follows.")
        return
    asked = st.button(
        "Measure on this computer",
        icon=":material/timer:",
        key="train_measure",
        type="tertiary",
        disabled=not idle,
        help="Times a few steps of this very training in the background, for about half a minute."
        if idle
        else "While a training goes on, the figures would be wrong.",
    )
    if asked:
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


def start_training(plan: TrainingRequest) -> None:
    """Start the training and show it; a double click starts one only."""
    if time.monotonic() - st.session_state.get("train_started", -DOUBLE_CLICK_SECONDS) < DOUBLE_CLICK_SECONDS:
        return
    name = st.session_state.get("train_name", "").strip() or None
    data = plan.upload.zip_bytes if plan.upload and plan.config.dataset == UPLOADED_DATASET else None
    try:
        run = manager.start_run(plan.config, name=name, data=data)
    except WbcsegError as problem:
        st.session_state[_PROBLEM_KEY] = str(problem)
        return
    st.session_state["train_started"] = time.monotonic()
    st.session_state["train_name"] = ""
    st.session_state["run"] = run.name
    st.session_state["tab"] = PROGRESS_TAB
