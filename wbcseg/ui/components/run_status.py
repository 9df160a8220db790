"""How a training stands, in words, and what can be done about it."""

from __future__ import annotations

from typing import Final

import streamlit as st

from wbcseg.errors import WbcsegError
from wbcseg.splitting.thesis import original_id
from wbcseg.training import Run
from wbcseg.training.jobs import manager
from wbcseg.training.jobs.manager import UPLOAD
from wbcseg.training.runs.summary import Overview, Situation
from wbcseg.ui import cache, routes
from wbcseg.ui.components.dataset_upload import bring_pairs
from wbcseg.ui.text import GLOSSARY, lines_text, short_title, stem, time_text

SITUATIONS: Final[dict[Situation, tuple[str, str, str]]] = {
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

PHASES: Final = {
    "preparing": "Reading the pictures and building the network",
    "testing": "Testing on the held-out pictures",
    "finishing": "Making the model and measuring it",
}

PROBLEMS: Final = ("failed", "interrupted", "damaged")
_PROBLEM: Final = "run_problem"


def badge(one: Overview) -> str:
    """Return a run's situation as a coloured sign with words, as Markdown."""
    text, colour, icon = SITUATIONS[one.situation]
    place = f", place {one.place}" if one.place else ""
    return f":{colour}-badge[:material/{icon}: {text}{place}]"


def show_situation(one: Overview) -> None:
    """Show how far a training is, and why it is not further."""
    if one.reason:
        show = st.error if one.situation in PROBLEMS else st.info
        show(lines_text(one.reason), icon=":material/error:" if one.situation in PROBLEMS else ":material/info:")
    if one.situation == "starting":
        st.progress(_share(one), text="Starting: the software takes some 15 seconds to load.")
    elif one.situation == "waiting":
        st.progress(_share(one), text=f"Place {one.place or 1} in line: it begins by itself when its turn comes.")
    elif one.situation == "stopping":
        st.progress(_share(one), text="Stopping after its present batch, within ten seconds.")
    elif one.situation == "running":
        _show_progress(one)
    elif one.epochs:
        done = f"{one.epoch} of {one.epochs} epochs done"
        took = f" in {time_text(one.seconds)}" if one.seconds else ""
        st.progress(_share(one), text=done + took)


def actions(one: Overview, key: str) -> None:
    """Offer to stop a training, to go on with it, or to use its model."""
    with st.container(horizontal=True, vertical_alignment="center", width="content"):
        if one.alive:
            st.button(
                "Stop",
                icon=":material/stop:",
                key=f"{key}_stop",
                disabled=one.situation == "stopping",
                on_click=_act,
                args=("stop", one.run, None),
                help="Stops after the present batch. What was learned up to the last whole epoch is kept.",
            )
        if one.resumable and one.config and one.config.dataset != UPLOAD:
            st.button(
                "Go on",
                icon=":material/play_arrow:",
                key=f"{key}_resume",
                on_click=_act,
                args=("resume", one.run, None),
                help="Goes on after the last whole epoch.",
            )
        if one.situation == "finished":
            _predict_link(one)
    if one.resumable and one.config and one.config.dataset == UPLOAD:
        own = bring_pairs(f"{key}_zip", "The same zip of pictures and masks, to go on")
        st.button(
            "Go on",
            icon=":material/play_arrow:",
            key=f"{key}_resume",
            disabled=own is None,
            on_click=_act,
            args=("resume", one.run, own.data if own else None),
        )
    problem = st.session_state.pop(_PROBLEM, None)
    if problem:
        st.error(lines_text(problem), icon=":material/error:")


def leak_mark(one: Overview) -> None:
    """Say of figures that were got on pictures whose cell was in training that they were."""
    if one.config is not None and one.config.leaks:
        flipped, tested = _twins_in_training(one.run)
        count = f" {flipped} of {tested} held-out pictures have a flipped copy in training." if flipped else ""
        st.markdown(
            f":orange-badge[:material/content_copy: Leaking split]{count} The held-out figures flatter the network.",
            help=GLOSSARY["Leaking split"],
        )
    if one.config is not None and one.config.keep == "best":
        st.caption("The best epoch was chosen by its held-out figures, which flatters the model a little.")


def model_name(run: Run) -> str | None:
    """Return what a finished run is called among the models, or ``None`` where it is not among them."""
    return next((entry.name for entry in cache.catalog().usable if entry.folder == run.folder), None)


def _show_progress(one: Overview) -> None:
    progress = one.run.progress()
    phase, steps = progress.get("phase"), progress.get("steps") or 0
    share, left = _share(one), progress.get("seconds_left")
    if phase in PHASES:
        words = [PHASES[phase]] if phase != "testing" else [f"Epoch {one.epoch + 1} of {one.epochs}", PHASES[phase]]
    elif phase == "training" and steps:
        step = min(progress.get("step", 0), steps)
        share = min(1.0, (one.epoch + step / steps) / max(1, one.epochs))
        words = [f"Epoch {min(one.epoch + 1, one.epochs)} of {one.epochs}", f"batch {step} of {steps}"]
        speed = progress.get("pictures_per_second")
        words += [f"{speed:.0f} pictures per second"] if speed else []
        words += [f"about {time_text(left)} left"] if left else []
    else:
        words = ["Starting"]
    st.progress(share, text=" · ".join(words))


def _share(one: Overview) -> float:
    return min(1.0, one.epoch / one.epochs) if one.epochs else 0.0


def _act(what: str, run: Run, data: bytes | None) -> None:
    try:
        if what == "stop":
            manager.stop(run)
        else:
            manager.resume(run, data=data)
    except WbcsegError as problem:
        st.session_state[_PROBLEM] = str(problem)


def _predict_link(one: Overview) -> None:
    name = model_name(one.run)
    if name is None:
        st.caption("Its model cannot be used: Predict says why.")
        return
    address = {"models": name, **_held_out_picture(one.run)}
    st.page_link(routes.SEGMENT, label="See in Predict", icon=":material/biotech:", query_params=address)


def _held_out_picture(run: Run) -> dict[str, str]:
    """Return the address of a picture that the run has not learned from, where it is one of a data set."""
    test = _split_ids(run)[1]
    name = test[0].partition("/")[0] if test else ""
    if name not in ("zheng-1", "zheng-2", "synthetic"):
        return {}
    return {"set": short_title(name), "picture": stem(original_id(test[0]))}


def _twins_in_training(run: Run) -> tuple[int, int]:
    train, test = _split_ids(run)
    trained = {original_id(one) for one in train}
    return sum(original_id(one) in trained for one in test), len(test)


def _split_ids(run: Run) -> tuple[list[str], list[str]]:
    # Not Run.split: it loads libraries for making splits, which a page that only looks need not wait for.
    try:
        values = run.read("split.json")
        return [str(one) for one in values["train"]], [str(one) for one in values["test"]]
    except (WbcsegError, KeyError, TypeError):
        return [], []
