"""Train a run to its end in a process of its own: start it, resume it, or return it if it is finished."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from wbcseg.errors import ErrorCode, RunError
from wbcseg.paths import get_runs_folder
from wbcseg.training import Run, TrainingConfig
from wbcseg.training.jobs.process import end_with_parent
from wbcseg.training.jobs.stop_signal import STOPPED_EXIT_CODE

POLL_INTERVAL = 1.0


def train_until_done(
    name: str,
    config: TrainingConfig,
    *,
    runs_folder: Path | None = None,
    threads: int | None = None,
    environment: Mapping[str, str] | None = None,
) -> Run | None:
    """Train a run to its end.

    The process ends with the one that calls this, at least on Linux; the next call goes on from the last epoch.

    Args:
        name: Name of the run.
        config: Its settings.
        runs_folder: Folder of the run's folder (that of all runs).
        threads: Number of processor threads of the training (all).
        environment: Further environment variables of the process.

    Returns:
        The finished run, or ``None`` if the training was stopped.

    Raises:
        RunError: If there is a run of that name with other settings, or the training failed.
    """
    run = Run((runs_folder or get_runs_folder()) / name)
    if not (run.folder / "config.json").exists():
        run.create(config)
    elif run.load_config() != config:
        raise RunError(
            f"Run {run.name} exists with other settings.",
            code=ErrorCode.ALREADY_EXISTS,
            hint="Rename or delete it.",
        )
    while run.find_process() is not None:
        time.sleep(POLL_INTERVAL)
    if run.load_state().status == "finished":
        return run
    command = [sys.executable, "-m", "wbcseg", "train", "--resume", str(run.folder)]
    exit_code = subprocess.run(
        [*command, *(["--threads", str(threads)] if threads else [])],
        check=False,
        env=os.environ | dict(environment or {}),
        preexec_fn=end_with_parent(),
    ).returncode
    if exit_code == STOPPED_EXIT_CODE:
        return None
    if exit_code:
        raise RunError(f"Run {run.name} did not finish: {run.load_state().reason or 'no reason given'}")
    return run
