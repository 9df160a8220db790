"""Start, stop, resume, rename and delete runs. Each trains in a process that outlives the page and the server.

There is no central list: every run folder says which process works on it, and that process keeps its own position in
the queue (:mod:`wbcseg.training.jobs.queue`). So a page, another tab, the terminal and a restarted server see the same.
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

from wbcseg.errors import ErrorCode, RunError
from wbcseg.hosting import get_limits
from wbcseg.io.foreign import is_plain_file
from wbcseg.paths import IMPORT_ROOT, get_runs_folder, get_runs_root
from wbcseg.training.config import UPLOADED_DATASET, TrainingConfig
from wbcseg.training.jobs.process import get_detached_popen_kwargs
from wbcseg.training.jobs.queue import list_all_runs, list_runs
from wbcseg.training.jobs.room import check_free_disk, check_offered, check_quotas, start_lock
from wbcseg.training.jobs.stop_signal import STOP_GRACE_SECONDS, mark_stopped
from wbcseg.training.runs.folder import Run
from wbcseg.training.runs.names import check_run_name, suggest_run_name
from wbcseg.training.runs.state import PROCESS_STATUSES

MAX_LAUNCH_SECONDS: Final = 60.0
"""Seconds that a new process may take until it reports its status."""


def start_run(config: TrainingConfig, *, name: str | None = None, data: bytes | None = None) -> Run:
    """Start a training in a new process. It is queued while another run trains.

    Args:
        config: The settings.
        name: Name of the run; by default network, base filters, data set and a number.
        data: A zip of images and masks, for the data set :data:`UPLOADED_DATASET`. It is passed through memory only.

    Returns:
        The run.

    Raises:
        RunError: If the name is taken or not allowed, the folder cannot be written, the disk is nearly full, the queue
            is full, or a limit of this server is reached.
    """
    check_offered()
    folder = get_runs_folder()
    if config.dataset == UPLOADED_DATASET and data is None:
        raise RunError("No images were uploaded: a zip of images and masks is needed.", code=ErrorCode.NO_IMAGES)
    if name is not None:
        check_run_name(name)
    elif Path(config.dataset).exists():
        config = config.replace(dataset=str(Path(config.dataset).absolute()))
    with start_lock(get_runs_root()):
        check_room(folder)
        check_quotas(list_runs(folder), list_all_runs(get_runs_root()))
        while True:
            run = Run(folder / (name or suggest_run_name(config, folder)))
            try:
                run.create(config)
                break
            except RunError:
                # A run that was started at the same moment can have taken the suggested name.
                if name is not None or not (run.folder / "config.json").exists():
                    raise
        _launch_process(run, data)
    return run


def resume_run(run: Run, *, data: bytes | None = None) -> None:
    """Resume a run that was stopped, interrupted or failed, from its last whole epoch.

    Args:
        run: The run.
        data: As for :func:`start_run`; they must be the same images.

    Raises:
        RunError: If it is active, is finished, or needs images that are not given.
    """
    check_offered()
    config = run.load_config()
    if is_active(run):
        raise RunError(f"Run {run.name} is already active.", code=ErrorCode.BUSY)
    if run.load_state().status == "finished":
        raise RunError(
            f"Run {run.name} is finished.", code=ErrorCode.INVALID_VALUE, hint="Start a new one to train for longer."
        )
    if config.dataset == UPLOADED_DATASET and data is None:
        raise RunError(
            f"Run {run.name} was trained on uploaded images, which were not stored.",
            code=ErrorCode.NO_IMAGES,
            hint="Upload the same zip to resume.",
        )
    with start_lock(get_runs_root()):
        if is_active(run):
            raise RunError(f"Run {run.name} is already active.", code=ErrorCode.BUSY)
        check_room(run.folder.parent)
        run.clear_stop_request()
        _launch_process(run, data)


def check_room(folder: Path) -> None:
    """Check that one more run may wait, and that there is room for it on the disk.

    Args:
        folder: The folder of the runs.

    Raises:
        RunError: If the queue is full (code ``busy``), or the disk is nearly full (``write_failed``).
    """
    max_queued = get_limits().queued_runs
    if sum(map(_is_waiting, list_all_runs(get_runs_root()))) >= max_queued:
        raise RunError(
            f"The queue is full: {max_queued} runs.", code=ErrorCode.BUSY, hint="Wait for one of them, or stop one."
        )
    check_free_disk(folder)


def stop_run(run: Run, *, wait: bool = False) -> None:
    """Ask a run to stop after the current batch. If it has not stopped after ten seconds, its process is ended.

    Args:
        run: The run.
        wait: Whether to wait until its process has ended.

    Raises:
        RunError: If it is not active.
    """
    if not is_active(run):
        raise RunError(f"Run {run.name} is not active: there is nothing to stop.", code=ErrorCode.INVALID_VALUE)
    process = run.find_process()
    if run.get_stop_request_age() is None:
        run.request_stop()
    while wait and (is_active(run) or (process and process.is_alive())):
        time.sleep(0.1)
        process = run.find_process() or process
        reap_if_hung(run)


def is_active(run: Run) -> bool:
    """Return whether a process works on a run, or is about to."""
    try:
        return run.find_process() is not None or is_launching(run)
    except RunError:
        return False


def count_active_runs() -> int:
    """Return how many runs train or wait, those of all visitors."""
    return sum(map(is_active, list_all_runs(get_runs_root())))


def _is_waiting(run: Run) -> bool:
    """Return whether a run waits, or its process has just been started and does not say yet that it does."""
    try:
        return run.load_state().status != "running" and is_active(run)
    except RunError:
        return False


def is_launching(run: Run) -> bool:
    """Return whether the process of a run was started a moment ago and has not reported its status yet.

    Raises:
        RunError: If the run's state cannot be read.
    """
    state = run.load_state()
    # A time in the future is none: the clock was changed, or somebody else wrote the file.
    return state.status == "new" and -1.0 < time.time() - state.launched_at < MAX_LAUNCH_SECONDS


def reap_if_hung(run: Run) -> None:
    """End the process of a run that was asked to stop and has not stopped in time.

    The process normally does that by itself; this is for one that hangs.
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
        RunError: If it is active, is not a run, or cannot be deleted.
    """
    config_file = run.folder / "config.json"
    if not config_file.exists() and not config_file.is_symlink():
        raise RunError(f"There is no run {run.name} in {run.folder.parent}.", code=ErrorCode.NOT_FOUND)
    _check_idle(run, "deleted")
    # Hidden first, so that no reader finds half a run.
    hidden_folder = run.folder.with_name(f".deleted-{time.time_ns()}")
    try:
        if run.folder.is_symlink():
            run.folder.unlink()
            return
        run.folder.rename(hidden_folder)
        shutil.rmtree(hidden_folder)
    except OSError as error:
        raise RunError(
            f"Run {run.name} cannot be deleted: {error.strerror or error}", code=ErrorCode.WRITE_FAILED
        ) from None


def rename_run(run: Run, name: str) -> Run:
    """Rename a run.

    Returns:
        The run under its new name.

    Raises:
        RunError: If it is active, the name is taken or not allowed, or the folder cannot be moved.
    """
    check_run_name(name)
    _check_idle(run, "renamed")
    target = run.folder.with_name(name)
    if target.exists():
        raise RunError(f"There is a run {name!r} already.", code=ErrorCode.ALREADY_EXISTS, hint="Choose another name.")
    try:
        run.folder.rename(target)
    except OSError as error:
        raise RunError(
            f"Run {run.name} cannot be renamed: {error.strerror or error}", code=ErrorCode.WRITE_FAILED
        ) from None
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
    raise RunError(f"There is no run {name!r}. Runs here: {run_names}.", code=ErrorCode.NOT_FOUND)


def _check_idle(run: Run, action: str) -> None:
    if is_active(run):
        raise RunError(f"Run {run.name} is active and cannot be {action}.", code=ErrorCode.BUSY, hint="Stop it first.")


def _launch_process(run: Run, data: bytes | None) -> None:
    command = [sys.executable, "-u", "-m", "wbcseg", "train", "--resume", str(run.folder), "--detached"]
    # A folder that cannot be written must raise here, not in the new process.
    launched_at = time.time()
    run.set_state("new", launched_at=launched_at)
    try:
        log_file = run.folder / "log.txt"
        if not is_plain_file(log_file):
            # Never write through a link.
            log_file.unlink(missing_ok=True)
        with log_file.open("ab") as log:
            process = subprocess.Popen(
                command,
                cwd=IMPORT_ROOT,
                env={
                    **os.environ,
                    "WBCSEG_RUNS": str(get_runs_folder()),
                    "WBCSEG_RUNS_ROOT": str(get_runs_root()),
                },
                stdin=subprocess.DEVNULL if data is None else subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                **get_detached_popen_kwargs(),
            )
    except OSError as error:
        raise RunError(
            f"The process of run {run.name} could not be started: {error.strerror or error}", code=ErrorCode.UNREADABLE
        ) from None
    threading.Thread(
        target=_wait_for_process, args=(run, process, launched_at, data), daemon=True, name=f"run {run.name}"
    ).start()


def _wait_for_process(run: Run, process: subprocess.Popen[bytes], launched_at: float, data: bytes | None) -> None:
    """Pass the data to a process, and record how it ended if it could not do so itself."""
    if data is not None and process.stdin is not None:
        with contextlib.suppress(OSError), process.stdin as pipe:
            pipe.write(data)
    exit_code = process.wait()
    with contextlib.suppress(RunError):
        state = run.load_state()
        # By now another process can be working on the run.
        never_reported = state.status == "new" and state.launched_at == launched_at
        was_active = state.status in PROCESS_STATUSES and state.process is not None and state.process.pid == process.pid
        if not never_reported and not was_active:
            return
        run.set_state("failed", reason=_explain_exit_code(exit_code))


def _explain_exit_code(exit_code: int) -> str:
    # Killed; or, if memory ran out inside TensorFlow, an abort or a segmentation fault.
    if exit_code in (-9, -6, -11):
        return (
            "The system ended its process, most likely because memory ran out. Close other programs and resume, or "
            "start again with fewer base filters or a smaller batch size."
        )
    return (
        f"Its process ended without a message (exit code {exit_code}); log.txt in its folder may say why. Try to "
        "resume it."
    )
