"""How a training stands, in words, and what can be done about it."""

from __future__ import annotations

from typing import Final

import streamlit as st

from wbcseg.errors import WbcsegError
from wbcseg.splitting.thesis import get_original_id
from wbcseg.training import Run
from wbcseg.training.jobs import manager
from wbcseg.training.jobs.manager import UPLOADED_DATASET
from wbcseg.training.runs.summary import RunStatus, RunSummary
from wbcseg.ui import cache, routes
from wbcseg.ui.components.dataset_upload import upload_dataset
from wbcseg.ui.text import GLOSSARY, escape_lines, format_dataset_name, format_duration, get_local_id

STATUS_STYLES: Final[dict[RunStatus, tuple[str, str, str]]] = {
    "starting": ("Starting", "blue", "rocket_launch"),
    "waiting": ("Waiting in line", "orange", "hourglass_top"),
    "running": ("Running", "blue", "play_circle"),
    "stopping": ("Stopping", "orange", "pause_circle"),
    "stopped": ("Stopped", "gray", "stop_circle"),
    "finished": ("Finished", "green", "check_circle"),
    "failed": ("Failed", "red", "error"),
    "interrupted": ("Interrupted", "red", "power_off"),
    "damaged": ("Damaged", "red", "broken_image"),
}
"""Of each situation: words, colour and sign."""

PHASE_TITLES: Final = {
    "preparing": "Reading the pictures and building the network",
    "testing": "Testing on the held-out pictures",
    "finishing": "Making the model and measuring it",
}

ERROR_STATUSES: Final = ("failed", "interrupted", "damaged")
_PROBLEM_KEY: Final = "run_problem"


def format_status_badge(one: RunSummary) -> str:
    """Return a run's situation as a coloured sign with words, as Markdown."""
    text, colour, icon = STATUS_STYLES[one.status]
    place = f", place {one.queue_position}" if one.queue_position else ""
    return f":{colour}-badge[:material/{icon}: {text}{place}]"


def show_status(one: RunSummary) -> None:
    """Show how far a training is, and why it is not further."""
    if one.reason:
        show = st.error if one.status in ERROR_STATUSES else st.info
        show(
            escape_lines(one.reason), icon=":material/error:" if one.status in ERROR_STATUSES else ":material/info:"
        )
    if one.status == "starting":
        st.progress(_compute_progress(one), text="Starting: the software takes some 15 seconds to load.")
    elif one.status == "waiting":
        st.progress(
            _compute_progress(one), text=f"Place {one.queue_position or 1} in line: it begins by itself when its turn comes."
        )
    elif one.status == "stopping":
        st.progress(_compute_progress(one), text="Stopping after its present batch, within ten seconds.")
    elif one.status == "running":
        _show_progress(one)
    elif one.epochs:
        done = f"{one.epoch} of {one.epochs} epochs done"
        took = f" in {format_duration(one.seconds)}" if one.seconds else ""
        st.progress(_compute_progress(one), text=done + took)


def show_actions(one: RunSummary, key: str) -> None:
    """Offer to stop a training, to go on with it, or to use its model."""
    with st.container(horizontal=True, vertical_alignment="center", width="content"):
        if one.is_active:
            st.button(
                "Stop",
                icon=":material/stop:",
                key=f"{key}_stop",
                disabled=one.status == "stopping",
                on_click=_on_action,
                args=("stop", one.run, None),
                help="Stops after the present batch. What was learned up to the last whole epoch is kept.",
            )
        if one.is_resumable and one.config and one.config.dataset != UPLOADED_DATASET:
            st.button(
                "Go on",
                icon=":material/play_arrow:",
                key=f"{key}_resume",
                on_click=_on_action,
                args=("resume", one.run, None),
                help="Goes on after the last whole epoch.",
            )
        if one.status == "finished":
            _show_segment_link(one)
    if one.is_resumable and one.config and one.config.dataset == UPLOADED_DATASET:
        own = upload_dataset(f"{key}_zip", "The same zip of pictures and masks, to go on")
        st.button(
            "Go on",
            icon=":material/play_arrow:",
            key=f"{key}_resume",
            disabled=own is None,
            on_click=_on_action,
            args=("resume", one.run, own.zip_bytes if own else None),
        )
    problem = st.session_state.pop(_PROBLEM_KEY, None)
    if problem:
        st.error(escape_lines(problem), icon=":material/error:")


def show_leakage_badge(one: RunSummary) -> None:
    """Say of figures that were got on pictures whose cell was in training that they were."""
    if one.config is not None and one.config.is_leaky:
        flipped, tested = _count_copies_in_training(one.run)
        count = f" {flipped} of {tested} held-out pictures have a flipped copy in training." if flipped else ""
        st.markdown(
            f":orange-badge[:material/content_copy: Leaking split]{count} The held-out figures flatter the network.",
            help=GLOSSARY["Leaking split"],
        )
    if one.config is not None and one.config.checkpoint == "best":
        st.caption("The best epoch was chosen by its held-out figures, which flatters the model a little.")


def find_model_name(run: Run) -> str | None:
    """Return what a finished run is called among the models, or ``None`` where it is not among them."""
    return next((entry.name for entry in cache.load_catalog().usable if entry.folder == run.folder), None)


def _show_progress(one: RunSummary) -> None:
    progress = one.run.load_progress()
    phase, steps = progress.get("phase"), progress.get("steps") or 0
    share, left = _compute_progress(one), progress.get("seconds_left")
    if phase in PHASE_TITLES:
        words = (
            [PHASE_TITLES[phase]]
            if phase != "testing"
            else [f"Epoch {one.epoch + 1} of {one.epochs}", PHASE_TITLES[phase]]
        )
    elif phase == "training" and steps:
        step = min(progress.get("step", 0), steps)
        share = min(1.0, (one.epoch + step / steps) / max(1, one.epochs))
        words = [f"Epoch {min(one.epoch + 1, one.epochs)} of {one.epochs}", f"batch {step} of {steps}"]
        speed = progress.get("pictures_per_second")
        words += [f"{speed:.0f} pictures per second"] if speed else []
        words += [f"about {format_duration(left)} left"] if left else []
    else:
        words = ["Starting"]
    st.progress(share, text=" · ".join(words))


def _compute_progress(one: RunSummary) -> float:
    return min(1.0, one.epoch / one.epochs) if one.epochs else 0.0


def _on_action(what: str, run: Run, data: bytes | None) -> None:
    try:
        if what == "stop":
            manager.stop_run(run)
        else:
            manager.resume_run(run, data=data)
    except WbcsegError as problem:
        st.session_state[_PROBLEM_KEY] = str(problem)


def _show_segment_link(one: RunSummary) -> None:
    name = find_model_name(one.run)
    if name is None:
        st.caption("Its model cannot be used: Predict says why.")
        return
    address = {"models": name, **_build_held_out_query(one.run)}
    st.page_link(routes.SEGMENT, label="See in Predict", icon=":material/biotech:", query_params=address)


def _build_held_out_query(run: Run) -> dict[str, str]:
    """Return the address of a picture that the run has not learned from, where it is one of a data set."""
    test = _read_split_ids(run)[1]
    name = test[0].partition("/")[0] if test else ""
    if name not in ("zheng-1", "zheng-2", "synthetic"):
        return {}
    return {"set": format_dataset_name(name), "picture": get_local_id(get_original_id(test[0]))}


def _count_copies_in_training(run: Run) -> tuple[int, int]:
    train, test = _read_split_ids(run)
    trained = {get_original_id(one) for one in train}
    return sum(get_original_id(one) in trained for one in test), len(test)


def _read_split_ids(run: Run) -> tuple[list[str], list[str]]:
    # Not Run.split: it loads libraries for making splits, which a page that only looks need not wait for.
    try:
        values = run.read("split.json")
        return [str(one) for one in values["train"]], [str(one) for one in values["test"]]
    except (WbcsegError, KeyError, TypeError):
        return [], []
