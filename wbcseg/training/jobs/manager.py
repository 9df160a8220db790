"""Trainings as processes of their own, which outlive the page and the server that started them.

There is no central list: every run's folder says which process is at it, and that process keeps its own place in line
(:mod:`wbcseg.training.jobs.queue`). So a page, a second tab, the terminal and a server that was started anew see the same.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Final

from wbcseg.errors import RunError
from wbcseg.paths import IMPORT_ROOT, get_runs_folder
from wbcseg.training.config import TrainingConfig
from wbcseg.training.jobs.process import get_detached_popen_kwargs
from wbcseg.training.jobs.queue import list_queued_runs, list_runs
from wbcseg.training.jobs.stop_signal import STOP_GRACE_SECONDS, mark_stopped
from wbcseg.training.runs.folder import PROCESS_STATUSES, Run, check_run_name, suggest_run_name

UPLOADED_DATASET: Final = "upload"
"""Name of the data set of a run that learns from pictures that a user brought: they are never written to disk."""

MAX_QUEUED_RUNS: Final = 10
MAX_LAUNCH_SECONDS: Final = 60.0
"""Seconds that a new process may take until it says where it is."""


def start_run(config: TrainingConfig, *, name: str | None = None, data: bytes | None = None) -> Run:
    """Start a training in a process of its own. It waits in line while another one runs.

    Args:
        config: The settings.
        name: Name of the run, by default the network, width, data set and a number.
        data: A zip of pictures and masks, for the data set :data:`UPLOADED_DATASET`. It goes through the memory only.

    Returns:
        The run.

    Raises:
        RunError: If the name is taken or not acceptable, the folder cannot be written, or too many wait already.
    """
    folder = get_runs_folder()
    if len(list_queued_runs(folder)) >= MAX_QUEUED_RUNS:
        raise RunError(f"{MAX_QUEUED_RUNS} trainings wait in line already. Wait for one of them, or stop one.")
    if config.dataset == UPLOADED_DATASET and data is None:
        raise RunError("A training on your own pictures needs them: a zip of pictures and masks.")
    if name is not None:
        check_run_name(name)
    elif Path(config.dataset).exists():
        config = config.replace(dataset=str(Path(config.dataset).absolute()))
    while True:
        run = Run(folder / (name or suggest_run_name(config, folder)))
        try:
            run.create(config)
            break
        except RunError:
            # Without a name of its own, a run that was begun at the same moment can have taken this one.
            if name is not None or not (run.folder / "config.json").exists():
                raise
    _launch_process(run, data)
    return run


def resume_run(run: Run, *, data: bytes | None = None) -> None:
    """Go on with a training that was stopped, interrupted or failed, from its last whole epoch.

    Args:
        run: The run.
        data: As for :func:`start_run`; it must be the same pictures.

    Raises:
        RunError: If it is being trained, is finished, or needs pictures that are not given.
    """
    config = run.load_config()
    state = run.load_state()
    if is_active(run):
        raise RunError(f"Run {run.name} is being trained already.")
    if state["status"] == "finished":
        raise RunError(f"Run {run.name} is finished. Start a new one to train for longer.")
    if config.dataset == UPLOADED_DATASET and data is None:
        raise RunError(
            f"Run {run.name} learned from pictures of your own, which were not kept. Bring the same zip to go on."
        )
    run.clear_stop_request()
    _launch_process(run, data)


def stop_run(run: Run, *, wait: bool = False) -> None:
    """Ask a training to stop after its present batch. One that has not after ten seconds is ended where it is.

    Args:
        run: The run.
        wait: Whether to return only when its process has ended.

    Raises:
        RunError: If nothing is being trained there.
    """
    if not is_active(run):
        raise RunError(f"Run {run.name} is not being trained: there is nothing to stop.")
    process = run.find_process()
    if run.get_stop_request_age() is None:
        run.request_stop()
    while wait and (is_active(run) or (process and process.is_alive())):
        time.sleep(0.1)
        process = run.find_process() or process
        reap_if_hung(run)


def is_active(run: Run) -> bool:
    """Return whether a process is at a run, or is just about to be."""
    try:
        return run.find_process() is not None or is_launching(run)
    except RunError:
        return False


def is_launching(run: Run) -> bool:
    """Return whether the process of a run was started a moment ago and has not said anything yet.

    Raises:
        RunError: If the run's state cannot be read.
    """
    state = run.load_state()
    return state["status"] == "new" and time.time() - float(state.get("launched", 0.0)) < MAX_LAUNCH_SECONDS


def reap_if_hung(run: Run) -> None:
    """End the process of a training that was asked to stop and did not, though its time is up.

    The process does that by itself; this is for one that hangs.
    """
    request_age = run.get_stop_request_age()
    process = run.find_process()
    if process and request_age is not None and request_age > STOP_GRACE_SECONDS + 3.0:
        with contextlib.suppress(RunError):
            mark_stopped(run)
            run.clear_stop_request()
        process.kill()


def delete_run(run: Run) -> None:
    """Delete a run with everything in its folder.

    Raises:
        RunError: If it is being trained, is no run, or cannot be deleted.
    """
    if not (run.folder / "config.json").exists():
        raise RunError(f"There is no run {run.name} in {run.folder.parent}.")
    _check_idle(run, "deleted")
    # Out of sight first, so that nobody meets half a run.
    hidden_folder = run.folder.with_name(f".deleted-{run.name}-{time.time_ns()}")
    try:
        run.folder.rename(hidden_folder)
        shutil.rmtree(hidden_folder)
    except OSError as error:
        raise RunError(f"Run {run.name} cannot be deleted: {error.strerror or error}") from None


def rename_run(run: Run, name: str) -> Run:
    """Give a run another name.

    Returns:
        The run under its new name.

    Raises:
        RunError: If it is being trained, the name is taken or not acceptable, or the folder cannot be moved.
    """
    check_run_name(name)
    _check_idle(run, "renamed")
    target = run.folder.with_name(name)
    if target.exists():
        raise RunError(f"There is a run {name!r} already. Choose another name.")
    try:
        run.folder.rename(target)
    except OSError as error:
        raise RunError(f"Run {run.name} cannot be renamed: {error.strerror or error}") from None
    return Run(target)


def get_run(name: str) -> Run:
    """Return the run of that name.

    Raises:
        RunError: If there is none.
    """
    for run in list_runs(get_runs_folder()):
        if run.name == name:
            return run
    run_names = ", ".join(run.name for run in list_runs(get_runs_folder())) or "none"
    raise RunError(f"There is no run {name!r}. Runs here: {run_names}.")


def _check_idle(run: Run, action: str) -> None:
    if is_active(run):
        raise RunError(f"Run {run.name} is being trained. Stop it before it can be {action}.")


def _launch_process(run: Run, data: bytes | None) -> None:
    command = [sys.executable, "-u", "-m", "wbcseg", "train", "--resume", str(run.folder), "--detached"]
    # Without folder and state there is nothing that a process could go on with: an error here names them.
    launched_at = time.time()
    run.set_state("new", **run.load_epoch_counts(), launched=launched_at)
    try:
        with (run.folder / "log.txt").open("ab") as log:
            process = subprocess.Popen(
                command,
                cwd=IMPORT_ROOT,
                env={**os.environ, "WBCSEG_RUNS": str(get_runs_folder())},
                stdin=subprocess.DEVNULL if data is None else subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                **get_detached_popen_kwargs(),
            )
    except OSError as error:
        raise RunError(f"The training of run {run.name} could not be started: {error.strerror or error}") from None
    threading.Thread(
        target=_wait_for_process, args=(run, process, launched_at, data), daemon=True, name=f"run {run.name}"
    ).start()


def _wait_for_process(run: Run, process: subprocess.Popen[bytes], launched_at: float, data: bytes | None) -> None:
    """Hand a process its data, and write down how it ended if it could not do so itself."""
    if data is not None and process.stdin is not None:
        with contextlib.suppress(OSError), process.stdin as pipe:
            pipe.write(data)
    exit_code = process.wait()
    with contextlib.suppress(RunError):
        state = run.load_state()
        # By now another process can be at it.
        never_reported = state["status"] == "new" and state.get("launched") == launched_at
        was_active = state["status"] in PROCESS_STATUSES and (state.get("process") or {}).get("pid") == process.pid
        if not never_reported and not was_active:
            return
        run.set_state("failed", **run.load_epoch_counts(), reason=_explain_exit_code(exit_code))


def _explain_exit_code(exit_code: int) -> str:
    # Killed; or, where memory ended within TensorFlow, an abort or a wild address.
    if exit_code in (-9, -6, -11):
        return (
            "The system ended its process, most likely because memory ran out. Close other programs and go on, or "
            "start anew with a smaller width or batch size."
        )
    return (
        f"Its process ended without a word (exit code {exit_code}); log.txt in its folder may say why. Go on with it."
    )
