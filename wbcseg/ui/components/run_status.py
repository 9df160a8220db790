"""The status of a run and its actions: stop, resume, and trying the model."""

from __future__ import annotations

from typing import Final

import streamlit as st

from wbcseg.datasets import DATASETS
from wbcseg.errors import WbcsegError
from wbcseg.evaluation.fine_tuning import FineTuning, load_fine_tuning
from wbcseg.splitting.thesis import get_original_id
from wbcseg.training import Run
from wbcseg.training.config import UPLOADED_DATASET
from wbcseg.training.jobs import manager
from wbcseg.training.runs.progress import load_progress
from wbcseg.training.runs.summary import RunStatus, RunSummary
from wbcseg.ui import cache, routes
from wbcseg.ui.components import problems
from wbcseg.ui.components.dataset_upload import upload_dataset
from wbcseg.ui.formatting import escape_lines, format_dataset_name, format_duration, format_ordinal, get_local_id
from wbcseg.ui.glossary import GLOSSARY

STATUS_STYLES: Final[dict[RunStatus, tuple[str, str, str]]] = {
    "starting": ("Starting", "blue", "rocket_launch"),
    "queued": ("Queued", "orange", "hourglass_top"),
    "running": ("Running", "blue", "play_circle"),
    "stopping": ("Stopping", "orange", "pause_circle"),
    "stopped": ("Stopped", "gray", "stop_circle"),
    "finished": ("Finished", "green", "check_circle"),
    "failed": ("Failed", "red", "error"),
    "interrupted": ("Interrupted", "red", "power_off"),
    "damaged": ("Damaged", "red", "broken_image"),
    "outdated": ("Made by version 0.1", "gray", "history"),
}
"""Label, colour and icon of each status."""

PHASE_TITLES: Final = {
    "preparing": "Reading the images and building the network",
    "testing": "Testing on the validation images",
    "finishing": "Exporting and evaluating",
}

ERROR_STATUSES: Final = ("failed", "interrupted", "damaged")
_PROBLEM_KEY: Final = "run_problem"


def format_status(summary: RunSummary) -> str:
    """Return the label of a run's status, with its position where it is queued."""
    label = STATUS_STYLES[summary.status][0]
    return f"{label}: {format_ordinal(summary.queue_position)}" if summary.queue_position else label


def format_status_badge(summary: RunSummary) -> str:
    """Return a run's status as a coloured badge, in Markdown."""
    if summary.is_example:
        return ":violet-badge[:material/school: Example]"
    _, colour, icon = STATUS_STYLES[summary.status]
    return f":{colour}-badge[:material/{icon}: {format_status(summary)}]"


def format_leaky_badge() -> str:
    """Return the badge of a leaky split, in Markdown."""
    return ":orange-badge[:material/content_copy: Leaky split]"


def show_status(summary: RunSummary) -> None:
    """Show a run's progress, and why it stopped or failed."""
    if summary.reason:
        show_message = st.error if summary.status in ERROR_STATUSES else st.info
        show_message(
            escape_lines(summary.reason),
            icon=":material/error:" if summary.status in ERROR_STATUSES else ":material/info:",
        )
    if summary.status == "starting":
        st.progress(_compute_progress(summary), text="Starting: TensorFlow takes about 15 seconds to load.")
    elif summary.status == "queued":
        st.progress(
            _compute_progress(summary),
            text=f"{format_status(summary)}. The run starts by itself when it is its turn.",
        )
    elif summary.status == "stopping":
        st.progress(_compute_progress(summary), text="Stopping after the current batch, within ten seconds.")
    elif summary.status == "running":
        _show_progress(summary)
    elif summary.epochs:
        done_text = f"{summary.epoch} of {summary.epochs} epochs done"
        duration_text = f" in {format_duration(summary.seconds)}" if summary.seconds else ""
        st.progress(_compute_progress(summary), text=done_text + duration_text)
    if summary.status == "finished" and (fine_tuning := load_fine_tuning(summary.run)) is not None:
        _show_fine_tuning(fine_tuning)


def _show_fine_tuning(fine_tuning: FineTuning) -> None:
    """Show whether fine-tuning helped."""
    cell = fine_tuning.changes.get("cell")
    show_message, icon = {
        "better": (st.success, "trending_up"),
        "worse": (st.warning, "trending_down"),
    }.get(cell.verdict if cell else "unclear", (st.info, "trending_flat"))
    show_message(escape_lines(fine_tuning.summary), icon=f":material/{icon}:")


def show_actions(summary: RunSummary, key: str) -> None:
    """Show buttons to stop or resume a run, or a link to its model."""
    with st.container(horizontal=True, vertical_alignment="center", width="content"):
        if summary.is_active:
            st.button(
                "Stop",
                icon=":material/stop:",
                key=f"{key}_stop",
                disabled=summary.status == "stopping",
                on_click=_on_action,
                args=("stop", summary.run, None),
                help="Stops after the current batch. Everything up to the last complete epoch is kept.",
            )
        if summary.is_resumable and summary.config and summary.config.dataset != UPLOADED_DATASET:
            st.button(
                "Resume",
                icon=":material/play_arrow:",
                key=f"{key}_resume",
                on_click=_on_action,
                args=("resume", summary.run, None),
                help="Resumes after the last complete epoch.",
            )
        if summary.status == "finished" and not summary.is_example:
            _show_segment_link(summary)
    if summary.is_resumable and summary.config and summary.config.dataset == UPLOADED_DATASET:
        upload = upload_dataset(
            f"{key}_zip",
            "To resume, upload the same zip of images and masks again",
            mask_correction=summary.config.mask_correction,
        )
        st.button(
            "Resume",
            icon=":material/play_arrow:",
            key=f"{key}_resume",
            disabled=upload is None,
            on_click=_on_action,
            args=("resume", summary.run, upload.zip_bytes if upload else None),
        )
    problems.show_problem(_PROBLEM_KEY)


def show_leakage_badge(summary: RunSummary) -> None:
    """Show that scores are optimistic: a leaky split, or the best epoch chosen on the validation images."""
    if summary.config is not None and summary.config.is_leaky:
        copy_count, test_count = _count_copies_in_training(summary.run)
        count_text = (
            f" {copy_count} of {test_count} validation images have a flipped copy in training." if copy_count else ""
        )
        st.markdown(
            f":orange-badge[:material/content_copy: Leaky split]{count_text} The validation scores are optimistic.",
            help=GLOSSARY["Leaky split"],
        )
    if summary.config is not None and summary.config.checkpoint == "best":
        st.caption("The best epoch was chosen on the validation images, so its scores on them are slightly optimistic.")


def _find_model_title(run: Run) -> str | None:
    """Return the title of a finished run's model, or ``None`` if the model cannot be used."""
    return next((entry.title for entry in cache.load_catalog().usable if entry.folder == run.folder), None)


def _show_progress(summary: RunSummary) -> None:
    progress = load_progress(summary.run)
    fraction = _compute_progress(summary)
    if progress and progress.phase in PHASE_TITLES:
        parts = [f"Epoch {summary.epoch + 1} of {summary.epochs}"] if progress.phase == "testing" else []
        parts.append(PHASE_TITLES[progress.phase])
    elif progress and progress.steps:
        step, speed, seconds_left = (
            min(progress.step, progress.steps),
            progress.images_per_second,
            progress.seconds_left,
        )
        fraction = min(1.0, (summary.epoch + step / progress.steps) / max(1, summary.epochs))
        parts = [f"Epoch {min(summary.epoch + 1, summary.epochs)} of {summary.epochs}"]
        parts += [f"batch {step} of {progress.steps}"]
        parts += [f"{speed:.0f} images per second"] if speed else []
        parts += [f"about {format_duration(seconds_left)} left"] if seconds_left else []
    else:
        parts = ["Starting"]
    st.progress(fraction, text=" · ".join(parts))


def _compute_progress(summary: RunSummary) -> float:
    return min(1.0, summary.epoch / summary.epochs) if summary.epochs else 0.0


def _on_action(action: str, run: Run, data: bytes | None) -> None:
    try:
        if action == "stop":
            manager.stop_run(run)
        else:
            manager.resume_run(run, data=data)
    except WbcsegError as error:
        problems.report_problem(_PROBLEM_KEY, error)


def _show_segment_link(summary: RunSummary) -> None:
    model_title = _find_model_title(summary.run)
    if model_title is None:
        st.caption("Its model cannot be used; the page Segment shows why.")
        return
    query_params = {"models": model_title, **_build_held_out_query(summary.run)}
    st.page_link(routes.SEGMENT, label="Try this model", icon=":material/biotech:", query_params=query_params)


def _build_held_out_query(run: Run) -> dict[str, str]:
    """Return the address of an image that the run was not trained on, if it is in one of the built-in data sets."""
    test_ids = _read_split_ids(run)[1]
    dataset_name = test_ids[0].partition("/")[0] if test_ids else ""
    if dataset_name not in DATASETS:
        return {}
    return {"dataset": format_dataset_name(dataset_name), "image": get_local_id(get_original_id(test_ids[0]))}


def _count_copies_in_training(run: Run) -> tuple[int, int]:
    train_ids, test_ids = _read_split_ids(run)
    original_train_ids = {get_original_id(sample_id) for sample_id in train_ids}
    return sum(get_original_id(sample_id) in original_train_ids for sample_id in test_ids), len(test_ids)


def _read_split_ids(run: Run) -> tuple[list[str], list[str]]:
    # Not Run.load_split, which imports the libraries that make splits: a page should not wait for them.
    try:
        values = run.read("split.json")
        return [str(sample_id) for sample_id in values["train"]], [str(sample_id) for sample_id in values["test"]]
    except (WbcsegError, KeyError, TypeError):
        return [], []
