"""Measure the cost of a training with a few real steps on random images. Imports TensorFlow.

``python -m wbcseg.training.cost.probe_worker CONFIG`` prints one record
(:class:`wbcseg.training.cost.records.CostRecord`) as JSON,
and with ``--store`` writes it into the runs folder. ``CONFIG`` is :meth:`TrainingConfig.to_dict` as JSON, or
``-`` for standard input. The process ends by itself after at most :data:`MAX_PROBE_SECONDS` seconds.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psutil

from wbcseg.errors import WbcsegError
from wbcseg.models import get_spec
from wbcseg.paths import get_runs_folder
from wbcseg.training.config import TrainingConfig
from wbcseg.training.cost.estimate import check_memory, estimate_cost
from wbcseg.training.cost.records import CostRecord, get_hardware, get_timestamp, store_cost_record
from wbcseg.training.data import ArraySplit, Batch, iter_training_batches, prefetch
from wbcseg.training.jobs.process import get_peak_memory, lower_priority
from wbcseg.training.precision import measure_precision
from wbcseg.training.random_data import build_random_split
from wbcseg.training.runs.folder import Run
from wbcseg.training.tf_env import import_tensorflow
from wbcseg.transforms.config import get_augmentation

if TYPE_CHECKING:
    from wbcseg.training.trainer import Trainer

MAX_PROBE_SECONDS: Final = 120.0
"""Seconds after which the process ends in any case."""

TIMED_STEPS: Final = 3
"""Number of timed training steps, after a first one in which TensorFlow compiles the network."""

SLOW_STEP_SECONDS: Final = 5.0
"""If a step takes longer than this, one is enough."""

MAX_STEP_SECONDS: Final = 40.0
"""Seconds that two training and two validation steps may take; otherwise the batch is made smaller."""


def probe_cost(config: TrainingConfig, *, steps: int = TIMED_STEPS, include_export: bool = False) -> CostRecord:
    """Measure a few steps of a training. Must run in a process of its own.

    Args:
        config: The settings; their data set is not read.
        steps: Number of timed training steps.
        include_export: Whether to measure the last checkpoint and the export, too, in a temporary folder.
    """
    import_tensorflow()
    from wbcseg.training.step_timer import time_training_step
    from wbcseg.training.trainer import Trainer

    base_bytes = psutil.Process().memory_info().rss
    import_seconds = time.time() - psutil.Process().create_time()
    precision = measure_precision(config, time_training_step)
    build_start_time = time.perf_counter()
    trainer = Trainer(config.replace(precision=precision), steps_per_epoch=1)
    startup_seconds = import_seconds + time.perf_counter() - build_start_time

    random_split = build_random_split(config, config.batch_size, get_augmentation(config.augmentation).oversampling)
    step_times: list[float] = []
    first_step_seconds = _time_step(trainer, random_split, 0)
    while len(step_times) < (1 if step_times and step_times[0] > SLOW_STEP_SECONDS else steps):
        step_times.append(_time_step(trainer, random_split, len(step_times) + 1))
    median_step_seconds = statistics.median(step_times)

    batches = list(build_random_split(config, config.batch_size).iter_batches(config.batch_size))
    first_test_seconds, test_seconds = _time_test(trainer, batches), _time_test(trainer, batches)
    peak_bytes = get_peak_memory()
    finish_seconds = _time_finish(trainer) if include_export else 0.0
    processor, cores = get_hardware()
    return CostRecord(
        architecture=config.architecture,
        base_filters=config.base_filters,
        input_size=config.input_size,
        batch_size=config.batch_size,
        precision=trainer.precision,
        optimizer=config.optimizer,
        uses_ema=bool(trainer.ema_weights),
        uses_critic=config.uses_critic,
        parameters=get_spec(config.architecture).count_parameters(config.base_filters),
        train_seconds_per_image=_round_seconds(median_step_seconds / config.batch_size),
        test_seconds_per_image=_round_seconds(test_seconds / config.batch_size),
        trace_seconds=_round_seconds(
            max(0.0, first_step_seconds - median_step_seconds) + max(0.0, first_test_seconds - test_seconds)
        ),
        start_seconds=_round_seconds(startup_seconds),
        base_bytes=base_bytes,
        peak_bytes=peak_bytes,
        processor=processor,
        cores=cores,
        created=get_timestamp(),
        finish_seconds=_round_seconds(finish_seconds),
        finish_bytes=get_peak_memory() - peak_bytes if include_export else 0,
    )


def fit_batch_size(config: TrainingConfig) -> TrainingConfig:
    """Return the settings with a batch size that can be measured in time.

    Raises:
        NotEnoughMemoryError: If there is not enough memory.
    """
    two_steps = estimate_cost(config, split_counts=(2, 2)).seconds_per_epoch
    fitted = config.replace(batch_size=max(1, min(config.batch_size, int(MAX_STEP_SECONDS / two_steps))))
    check_memory(fitted, split_counts=(fitted.batch_size, 0))
    return fitted


def _time_step(trainer: Trainer, train_split: ArraySplit, index: int) -> float:
    start_time = time.perf_counter()
    for images, targets in prefetch(iter_training_batches(train_split, trainer.config, index)):
        trainer.step(images, targets, index)
    return time.perf_counter() - start_time


def _time_test(trainer: Trainer, batches: list[Batch]) -> float:
    start_time = time.perf_counter()
    trainer.evaluate(batches)
    return time.perf_counter() - start_time


def _time_finish(trainer: Trainer) -> float:
    from wbcseg.training.checkpoint import Checkpoint, save_checkpoint
    from wbcseg.training.export import CALIBRATION_SAMPLE_COUNT, export_model

    random_split = build_random_split(
        trainer.config, CALIBRATION_SAMPLE_COUNT // 2, get_augmentation(trainer.config.augmentation).oversampling
    )
    with tempfile.TemporaryDirectory() as folder:
        run = Run(Path(folder) / "run")
        run.create(trainer.config)
        start_time = time.perf_counter()
        save_checkpoint(run.folder, Checkpoint(trainer.collect_state(), 1, []))
        export_model(run, random_split)
        return time.perf_counter() - start_time


def _round_seconds(seconds: float) -> float:
    return float(f"{seconds:.4g}")


def main(arguments: list[str] | None = None) -> int:
    """Measure the settings given on the command line; the exit code is 1 if that is not possible."""
    parser = argparse.ArgumentParser(
        prog="python -m wbcseg.training.cost.probe_worker", description="Measure a training's cost."
    )
    parser.add_argument("config", help="the settings as JSON, or - to read them from standard input")
    parser.add_argument("--store", action="store_true", help="also write the record into the runs folder")
    parser.add_argument("--finish", action="store_true", help="also measure checkpoint and export")
    parser.add_argument(
        "--steps", type=int, default=TIMED_STEPS, help=f"number of timed training steps ({TIMED_STEPS})"
    )
    options = parser.parse_args(arguments)

    # Ends native code as well, which exceptions do not.
    timer = threading.Timer(MAX_PROBE_SECONDS, os._exit, (1,))
    timer.daemon = True
    timer.start()
    lower_priority()
    try:
        config_json = sys.stdin.read() if options.config == "-" else options.config
        config = fit_batch_size(TrainingConfig.from_dict(json.loads(config_json)))
        record = probe_cost(config, steps=options.steps, include_export=options.finish)
        if options.store:
            store_cost_record(get_runs_folder(), record)
    except (WbcsegError, OSError, ValueError, MemoryError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(json.dumps(record.to_dict()) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
