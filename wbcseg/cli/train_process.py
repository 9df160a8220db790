"""Trainings that belong to something larger: each in a process of its own, begun, gone on with, or already there."""

from __future__ import annotations

import subprocess
import sys

from wbcseg.errors import RunError
from wbcseg.paths import get_runs_folder
from wbcseg.training import Run, TrainingConfig
from wbcseg.training.jobs.stop_signal import STOPPED_EXIT_CODE


def train_until_done(name: str, config: TrainingConfig) -> Run | None:
    """Train a run to its end, from wherever it is.

    Args:
        name: Name of the run among the runs.
        config: Its settings.

    Returns:
        The finished run, or ``None`` where the training was stopped before its end.

    Raises:
        RunError: If there is a run of that name with other settings, or the training failed.
    """
    run = Run(get_runs_folder() / name)
    if not (run.folder / "config.json").exists():
        run.create(config)
    elif run.load_config() != config:
        raise RunError(f"Run {run.name} has other settings than wanted here. Rename or delete it.")
    if run.load_state()["status"] == "finished":
        return run
    exit_code = subprocess.run(
        [sys.executable, "-m", "wbcseg", "train", "--resume", str(run.folder)], check=False
    ).returncode
    if exit_code == STOPPED_EXIT_CODE:
        return None
    if exit_code:
        raise RunError(f"Run {run.name} did not come to its end: {run.load_state().get('reason', 'no reason given')}")
    return run
