"""Train the runs of a study, each in a separate process: start, resume or reuse them."""

from __future__ import annotations

import subprocess
import sys

from wbcseg.errors import ErrorCode, RunError
from wbcseg.paths import get_runs_folder
from wbcseg.training import Run, TrainingConfig
from wbcseg.training.jobs.stop_signal import STOPPED_EXIT_CODE


def train_until_done(name: str, config: TrainingConfig) -> Run | None:
    """Train a run to its end: start it, resume it, or return it if it is finished.

    Args:
        name: Name of the run.
        config: Its settings.

    Returns:
        The finished run, or ``None`` if the training was stopped.

    Raises:
        RunError: If there is a run of that name with other settings, or the training failed.
    """
    run = Run(get_runs_folder() / name)
    if not (run.folder / "config.json").exists():
        run.create(config)
    elif run.load_config() != config:
        raise RunError(
            f"Run {run.name} exists with other settings.",
            code=ErrorCode.ALREADY_EXISTS,
            hint="Rename or delete it.",
        )
    if run.load_state().status == "finished":
        return run
    exit_code = subprocess.run(
        [sys.executable, "-m", "wbcseg", "train", "--resume", str(run.folder)], check=False
    ).returncode
    if exit_code == STOPPED_EXIT_CODE:
        return None
    if exit_code:
        raise RunError(f"Run {run.name} did not finish: {run.load_state().reason or 'no reason given'}")
    return run
