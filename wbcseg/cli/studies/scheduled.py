"""Train the runs of a study on the workers of a Dask scheduler."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable

from wbcseg.paths import get_runs_folder
from wbcseg.training import TrainingConfig


def add_scheduler_options(parser: argparse.ArgumentParser) -> None:
    """Add the options for training on several processes or machines."""
    group = parser.add_argument_group("many processes or machines")
    group.add_argument(
        "--scheduler",
        metavar="WHERE",
        help="train on the workers of Dask (extra cluster), one training at a time on each: local; an address such as "
        "tcp://host:8786; or a scheduler file. The folder of runs must be the same on all machines.",
    )
    group.add_argument("--workers", type=int, metavar="N", help="number of processes of --scheduler local (cores)")


def train_scheduled(trainings: Iterable[tuple[str, TrainingConfig]], options: argparse.Namespace) -> bool:
    """Train runs on workers, if a scheduler was given. Return whether the studies can go on: none was stopped.

    Args:
        trainings: Name and settings of the runs; finished ones are not trained again.
        options: The options of the command.

    Raises:
        RunError: If a training failed.
        WbcsegError: If the scheduler cannot be reached or is lost.
    """
    planned = list(trainings)
    if options.scheduler is None or not planned:
        return True
    # Imported here, because everything else works without Dask.
    from wbcseg.scale.cluster import LOCAL, connect
    from wbcseg.scale.trainings import train_on_workers

    count = 0

    def show_finished(name: str) -> None:
        nonlocal count
        count += 1
        print(f"{count} of {len(planned)} trainings: {name}", flush=True)

    with connect(options.scheduler, workers=options.workers) as client:
        cores = os.cpu_count() or 1
        threads = max(1, cores // (options.workers or cores)) if options.scheduler == LOCAL else None
        runs = train_on_workers(planned, client, get_runs_folder(), threads=threads, on_finished=show_finished)
    return runs is not None
