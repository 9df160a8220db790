"""Train many runs on the workers of a scheduler, one at a time on each."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from wbcseg.errors import ErrorCode, RunError, WbcsegError
from wbcseg.training import Run, TrainingConfig
from wbcseg.training.jobs.until_done import train_until_done

MAX_ATTEMPTS: Final = 5
"""How often a training is given to a worker whose process ends twice each time."""


def train_on_workers(
    trainings: Sequence[tuple[str, TrainingConfig]],
    client: Any,
    runs_folder: Path,
    *,
    threads: int | None = None,
    on_finished: Callable[[str], None] = lambda _: None,
) -> list[Run] | None:
    """Train runs to their end: start, resume or reuse them.

    A training is a process of its own on its worker. If the worker is lost, another one goes on from the last epoch.

    Args:
        trainings: Name and settings of the runs.
        client: A ``distributed.Client``; see :func:`wbcseg.scale.connect`.
        runs_folder: Folder of runs, under the same path on every machine.
        threads: Processor threads of each training (all of the machine).
        on_finished: Called with the name of each run that has ended.

    Returns:
        The finished runs in the order of the trainings, or ``None`` if one was stopped.

    Raises:
        RunError: If a training failed.
        WbcsegError: If the scheduler is lost.
    """
    from distributed import CancelledError, KilledWorker, as_completed

    attempts = {name: 1 for name, _ in trainings}
    configs = dict(trainings)
    finished: dict[str, bool] = {}

    def submit(name: str) -> Any:
        return client.submit(train_one, name, configs[name], str(runs_folder), threads, pure=False, key=_make_key(name))

    def _make_key(name: str) -> str:
        return f"train-{name}-{attempts[name]}"

    futures = {submit(name): name for name in configs}
    queue = as_completed(list(futures))
    for future in queue:
        name = futures[future]
        try:
            finished[name] = future.result()
        except KilledWorker:
            if attempts[name] == MAX_ATTEMPTS:
                raise RunError(
                    f"Run {name} was lost with its worker {MAX_ATTEMPTS} times.", code=ErrorCode.OUT_OF_MEMORY
                ) from None
            attempts[name] += 1
            again = submit(name)
            futures[again] = name
            queue.add(again)
            continue
        except (CancelledError, OSError) as error:
            raise WbcsegError(
                f"The scheduler was lost: {error}",
                code=ErrorCode.UNREADABLE,
                hint="Run the same command again: every training goes on from its last epoch.",
            ) from None
        on_finished(name)
    return [Run(runs_folder / name) for name in configs] if all(finished.values()) else None


def train_one(name: str, config: TrainingConfig, runs_folder: str, threads: int | None) -> bool:
    """Train a run on a worker. Return whether it is finished; otherwise it was stopped."""
    # The queue of a folder of runs lets one run train at a time; here, the scheduler decides how many there are.
    with tempfile.TemporaryDirectory(prefix="wbcseg-queue-") as own_queue:
        run = train_until_done(
            name, config, runs_folder=Path(runs_folder), threads=threads, environment={"WBCSEG_RUNS": own_queue}
        )
    return run is not None
