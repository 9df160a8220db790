"""Measure what a training costs: a few real steps on random pictures. Imports TensorFlow.

``python -m wbcseg.training.cost.probe_worker CONFIG`` prints one record (:class:`wbcseg.training.cost.records.Measurement`) as JSON,
and with ``--store`` writes it into the folder of the runs. ``CONFIG`` is :meth:`TrainingConfig.to_dict` as JSON, or
``-`` for standard input. The process ends by itself after at most :data:`LIMIT` seconds.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import psutil

from wbcseg.errors import WbcsegError
from wbcseg.labels import CLASSES
from wbcseg.models import describe
from wbcseg.paths import runs_folder
from wbcseg.training.config import TrainingConfig
from wbcseg.training.cost.estimate import check_fits, estimate
from wbcseg.training.cost.records import Measurement, add_measured, machine, now
from wbcseg.training.data import Batch, Side, one_ahead, training_batches
from wbcseg.training.jobs.process import give_way, peak_memory
from wbcseg.training.runs.folder import Run
from wbcseg.training.tf_env import start_engine
from wbcseg.transforms.config import augmentation

if TYPE_CHECKING:
    from wbcseg.training.trainer import Trainer

LIMIT: Final = 120.0
"""Seconds after which the process ends, whatever it has measured."""

STEPS: Final = 3
"""Training steps that are timed, after a first one that TensorFlow needs to prepare itself."""

SLOW: Final = 5.0
"""Where a step takes more seconds than this, one is enough."""

BUDGET: Final = 40.0
"""Seconds that two training and two test steps may take; the batch is made smaller where they would take longer."""


def measure(config: TrainingConfig, *, steps: int = STEPS, finish: bool = False) -> Measurement:
    """Do a few steps of a training and measure them. Belongs in a process of its own.

    Args:
        config: The settings; their data set is not read.
        steps: Training steps that are timed.
        finish: Whether to measure the end of a training as well: checkpoint and export, in a temporary folder.
    """
    start_engine()
    # A training makes its split and its card in the same process; these libraries are then in its memory as well.
    importlib.import_module("sklearn.model_selection")
    from wbcseg.training.trainer import Trainer

    base = psutil.Process().memory_info().rss
    trainer = Trainer(config, steps=1)
    started = time.time() - psutil.Process().create_time()

    side = _random_pictures(config, config.batch_size, augmentation(config.augmentation).detail)
    times: list[float] = []
    first = _timed_step(trainer, side, 0)
    while len(times) < (1 if times and times[0] > SLOW else steps):
        times.append(_timed_step(trainer, side, len(times) + 1))
    usual = statistics.median(times)

    batches = list(_random_pictures(config, config.batch_size).batches(config.batch_size))
    first_test, test = _timed_test(trainer, batches), _timed_test(trainer, batches)
    peak = peak_memory()
    finished = _timed_finish(trainer) if finish else 0.0
    processor, cores = machine()
    return Measurement(
        architecture=config.architecture,
        width=config.width,
        canvas=config.canvas,
        batch_size=config.batch_size,
        precision=trainer.precision,
        optimizer=config.optimizer,
        weight_average=bool(trainer.average),
        parameters=describe(config.architecture).parameters(config.width),
        train_seconds_per_picture=_digits(usual / config.batch_size),
        test_seconds_per_picture=_digits(test / config.batch_size),
        trace_seconds=_digits(max(0.0, first - usual) + max(0.0, first_test - test)),
        start_seconds=_digits(started),
        base_bytes=base,
        peak_bytes=peak,
        processor=processor,
        cores=cores,
        created=now(),
        finish_seconds=_digits(finished),
        finish_bytes=peak_memory() - peak if finish else 0,
    )


def affordable(config: TrainingConfig) -> TrainingConfig:
    """Return the settings with a batch that can be measured within the time.

    Raises:
        NotEnoughMemoryError: If there is not enough memory to measure it.
    """
    two_steps = estimate(config, pictures=(2, 2)).seconds_per_epoch
    chosen = config.replace(batch_size=max(1, min(config.batch_size, int(BUDGET / two_steps))))
    check_fits(chosen, pictures=(chosen.batch_size, 0))
    return chosen


def _random_pictures(config: TrainingConfig, count: int, times: int = 1) -> Side:
    """Return noise: what a picture shows makes no difference to the time.

    Args:
        config: The settings.
        count: How many.
        times: Their side, over that of the square that the network sees.
    """
    rng = np.random.default_rng(config.seed)
    shape = (count, config.canvas * times, config.canvas * times)
    return Side(
        ids=tuple(map(str, range(count))),
        images=rng.integers(0, 256, (*shape, 3), dtype=np.uint8),
        labels=rng.integers(0, len(CLASSES), shape, dtype=np.uint8),
        blank=np.zeros(shape, dtype=bool),
        cell_types=(None,) * count,
    )


def _timed_step(trainer: Trainer, side: Side, number: int) -> float:
    began = time.perf_counter()
    for images, targets in one_ahead(training_batches(side, trainer.config, number)):
        trainer.step(images, targets, number)
    return time.perf_counter() - began


def _timed_test(trainer: Trainer, batches: list[Batch]) -> float:
    began = time.perf_counter()
    trainer.test(batches)
    return time.perf_counter() - began


def _timed_finish(trainer: Trainer) -> float:
    from wbcseg.training.checkpoint import Checkpoint, save
    from wbcseg.training.export import EXAMPLES, export

    side = _random_pictures(trainer.config, EXAMPLES // 2, augmentation(trainer.config.augmentation).detail)
    with tempfile.TemporaryDirectory() as folder:
        run = Run(Path(folder) / "run")
        run.create(trainer.config)
        began = time.perf_counter()
        save(run.folder, Checkpoint(trainer.arrays(), 1, []))
        export(run, side)
        return time.perf_counter() - began


def _digits(seconds: float) -> float:
    return float(f"{seconds:.4g}")


def main(arguments: list[str] | None = None) -> int:
    """Measure the settings that the command line names; the exit code is 1 where that is not possible."""
    parser = argparse.ArgumentParser(
        prog="python -m wbcseg.training.cost.probe_worker", description="Measure a training's cost."
    )
    parser.add_argument("config", help="the settings as JSON, or - to read them from standard input")
    parser.add_argument("--store", action="store_true", help="write the record into the folder of the runs as well")
    parser.add_argument("--finish", action="store_true", help="measure checkpoint and export as well")
    parser.add_argument("--steps", type=int, default=STEPS, help=f"training steps that are timed ({STEPS})")
    options = parser.parse_args(arguments)

    # Ends native code as well, which heeds no exception.
    clock = threading.Timer(LIMIT, os._exit, (1,))
    clock.daemon = True
    clock.start()
    give_way()
    try:
        text = sys.stdin.read() if options.config == "-" else options.config
        config = affordable(TrainingConfig.from_dict(json.loads(text)))
        record = measure(config, steps=options.steps, finish=options.finish)
        if options.store:
            add_measured(runs_folder(), record)
    except (WbcsegError, OSError, ValueError, MemoryError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(json.dumps(record.to_dict()) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
