"""Train by steps until the last one or until stopped, with checkpoints from which the training resumes."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from wbcseg.errors import ErrorCode, RunError
from wbcseg.io.arrays import Arrays
from wbcseg.io.atomic import write_json
from wbcseg.training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint

Options = TypeVar("Options")

OPTIONS_FILE: Final = "options.json"

CHECKPOINT_SECONDS: Final = 150.0
"""Seconds between two checkpoints."""

REPORT_STEPS: Final = 50
"""Steps over which losses are averaged."""


@dataclass(frozen=True)
class StepReport:
    """Progress of a training.

    Attributes:
        step: Steps done.
        steps: Steps in total.
        losses: Mean losses since the last report, by name.
        seconds_per_step: Mean duration of a step.
        waiting: Share of it in which the training waited for batches.
    """

    step: int
    steps: int
    losses: dict[str, float]
    seconds_per_step: float
    waiting: float


class SteppingTrainer(Protocol):
    """What the loop needs of :class:`wbcseg.training.steps.trainer.StepTrainer`, which imports TensorFlow."""

    def step(self, batch: Sequence[NDArray[Any]], number: int) -> dict[str, float]:
        """Do a training step."""

    def collect_state(self) -> Arrays:
        """Return everything that a resumed training needs."""

    def restore(self, arrays: Arrays) -> None:
        """Restore it."""


def restore_checkpoint(trainer: SteppingTrainer, folder: Path) -> tuple[int, list[dict[str, float]]] | None:
    """Restore the newest checkpoint of a folder; return its number of steps and its history, if there is one.

    Raises:
        RunError: If there are checkpoints but none can be read.
        TrainingError: If they belong to another network.
    """
    checkpoint = load_checkpoint(folder)
    if checkpoint is None:
        return None
    trainer.restore(checkpoint.arrays)
    return checkpoint.epoch, checkpoint.history


def run_steps(
    trainer: SteppingTrainer,
    batches: Iterator[Sequence[NDArray[Any]]],
    folder: Path,
    steps: int,
    start: tuple[int, list[dict[str, float]]] | None = None,
    *,
    should_stop: Callable[[], bool] = lambda: False,
    on_report: Callable[[StepReport], None] = lambda _: None,
) -> bool:
    """Train, and save checkpoints in a folder.

    Args:
        trainer: The network in training.
        batches: Batches without end.
        folder: The folder.
        steps: Steps in total.
        start: Steps done before and their history.
        should_stop: Asked after every step.
        on_report: Called every :data:`REPORT_STEPS` steps and at the end.

    Returns:
        Whether the training is finished; ``False`` if it was stopped, with a checkpoint.
    """
    step, history = start or (0, [])
    pending: list[dict[str, float]] = []
    saved_time = report_time = time.monotonic()
    waited = 0.0
    while step < steps and not should_stop():
        wait_start = time.monotonic()
        batch = next(batches)
        waited += time.monotonic() - wait_start
        pending.append(trainer.step(batch, step))
        step += 1
        now = time.monotonic()
        if step % REPORT_STEPS == 0 or step == steps:
            losses = {name: float(np.mean([row[name] for row in pending])) for name in pending[0]}
            elapsed = max(now - report_time, 1e-6)
            on_report(StepReport(step, steps, losses, elapsed / len(pending), waited / elapsed))
            history.append({"step": step, **losses, "seconds": round(elapsed, 2)})
            pending, report_time, waited = [], now, 0.0
        if now - saved_time > CHECKPOINT_SECONDS:
            save_checkpoint(folder, Checkpoint(trainer.collect_state(), step, history))
            saved_time = now
    save_checkpoint(folder, Checkpoint(trainer.collect_state(), step, history))
    return step >= steps


def write_options(folder: Path, options: dict[str, Any]) -> None:
    """Write the settings of a training into its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / OPTIONS_FILE, options)


def read_options(folder: Path, make: Callable[..., Options]) -> Options:
    """Return the settings of the training in a folder.

    Args:
        folder: The folder.
        make: Returns settings from values by name.

    Raises:
        RunError: If they cannot be read.
        ConfigError: If a value is out of range.
    """
    try:
        return make(**json.loads((folder / OPTIONS_FILE).read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise RunError(
            f"There is no training in {folder}: it has no {OPTIONS_FILE}.", code=ErrorCode.NOT_FOUND
        ) from None
    except (OSError, ValueError, TypeError) as error:
        raise RunError(f"File {OPTIONS_FILE} in {folder} cannot be read: {error}.", code=ErrorCode.DAMAGED) from None
