"""The training loop. Imports TensorFlow, by its trainer: one training per process, see :mod:`wbcseg.training`."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from typing import Final

from wbcseg.datasets import check_manifest
from wbcseg.errors import TrainingError
from wbcseg.io.atomic import remove_temporary_files
from wbcseg.models.weights import Weights
from wbcseg.training import checkpoint
from wbcseg.training.auxiliary.meter import MetricMeter
from wbcseg.training.checkpoint import Checkpoint
from wbcseg.training.data import TrainingData, count_steps_per_epoch, iter_training_batches, prefetch
from wbcseg.training.jobs.process import get_peak_memory
from wbcseg.training.jobs.room import check_free_disk
from wbcseg.training.precision import measure_precision
from wbcseg.training.runs import snapshots
from wbcseg.training.runs.folder import Run
from wbcseg.training.runs.progress import Progress, ProgressWriter
from wbcseg.training.runs.scores import compute_score, is_stalled
from wbcseg.training.step_timer import time_training_step
from wbcseg.training.tf_env import describe_environment
from wbcseg.training.trainer import Trainer, compute_learning_rate

MIN_EPOCH_BYTES: Final = 20_000_000
"""Bytes that must be free on the disk for the small files of an epoch."""


def train(
    run: Run,
    data: TrainingData,
    *,
    start_weights: Weights | None = None,
    on_progress: Callable[[Progress], None] = lambda _: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> bool:
    """Train a run to its end, from its last checkpoint or from the beginning.

    With the setting ``patience``, it also ends when the validation Dice has stopped improving.

    A process that is killed at any moment loses at most the current epoch.

    Args:
        run: A run folder with settings.
        data: The data, prepared with the same settings.
        start_weights: Weights to start from, unless there is a checkpoint; by default random ones.
        on_progress: Called after every batch and every epoch.
        should_stop: Called after every batch; if it returns true, the current epoch is discarded.

    Returns:
        Whether the training finished.

    Raises:
        ManifestError: If the data differ from those that the run started with.
        TrainingError: If the loss is not finite.
        WeightsError: If the weights to start from are of another network.
        RunError: If the folder cannot be used.
        MemoryError: If there is not enough memory.
        OSError: If the disk is full.
    """
    config = run.load_config()
    remove_temporary_files(run.folder)
    if (run.folder / "split.json").exists():
        stored = run.load_split()
        check_manifest(stored.dataset, stored.manifest, data.split.manifest)
    else:
        run.write("split.json", data.split.to_dict())
    precision = measure_precision(config, time_training_step)
    trainer = Trainer(config.replace(precision=precision), count_steps_per_epoch(len(data.train), config.batch_size))
    run.write("environment.json", describe_environment(trainer.precision))

    resumed = checkpoint.load_checkpoint(run.folder)
    if resumed:
        trainer.restore(resumed.arrays)
        run.write("metrics.json", {"epochs": resumed.history})
    elif start_weights is not None:
        trainer.start_from(start_weights)
    writer = ProgressWriter(
        run, config.epochs, trainer.steps_per_epoch, list(resumed.history) if resumed else [], on_progress
    )
    history = writer.history
    best = checkpoint.load_best_weights(run.folder)
    best_score = best[1] if best else -math.inf

    snapshot_indices = _select_snapshot_indices(run, data.test.ids)
    snapshots.start_snapshots(run, [data.test.ids[i] for i in snapshot_indices], data.test.labels[snapshot_indices])
    if not history:
        snapshots.add_snapshot(run, 0, trainer.segment(data.test.images[snapshot_indices]))

    for epoch in range(len(history), config.epochs):
        if is_stalled(history, config):
            break
        # Two checkpoints and the best weights are written in an epoch.
        check_free_disk(run.folder, MIN_EPOCH_BYTES + 3 * checkpoint.get_size(run.folder))
        run.set_state("running", epoch=epoch, epochs=config.epochs)
        start_time, cpu_start_time = time.perf_counter(), time.process_time()
        row = _train_epoch(trainer, data, epoch, writer, should_stop)
        if row is None:
            return False
        writer.begin_test()
        with trainer.use_export_weights():
            row |= trainer.evaluate(data.test.iter_batches(config.batch_size))
            snapshots.add_snapshot(run, epoch + 1, trainer.segment(data.test.images[snapshot_indices]))
        row |= {"seconds": time.perf_counter() - start_time, "memory_bytes": get_peak_memory()}
        # Of all cores together: unlike wall-clock time, it hardly depends on what else the computer does.
        row["cpu_seconds"] = time.process_time() - cpu_start_time
        _check_finite(row, config.learning_rate, f"the validation after epoch {epoch + 1}")
        score = compute_score(row)
        arrays = trainer.collect_state()
        # Before the checkpoint: a process that is killed in between repeats this epoch and finds the same weights.
        if score > best_score:
            best_score = score
            checkpoint.save_best_weights(run.folder, checkpoint.select_export_weights(arrays), score)
        checkpoint.save_checkpoint(run.folder, Checkpoint(arrays, epoch + 1, [*history, row]))
        writer.end_epoch(row)
    return True


def _select_snapshot_indices(run: Run, ids: Sequence[str]) -> list[int]:
    """Return the validation images of the run's snapshots; a resumed run keeps those that it began with."""
    stored = snapshots.load_snapshots(run)
    if stored is not None and set(stored.ids) <= set(ids):
        return [ids.index(sample_id) for sample_id in stored.ids]
    return snapshots.select_snapshot_indices(len(ids))


def _train_epoch(
    trainer: Trainer, data: TrainingData, epoch: int, writer: ProgressWriter, should_stop: Callable[[], bool]
) -> dict[str, float] | None:
    """Train for one epoch; return its metrics, or ``None`` if asked to stop."""
    config, start_time = trainer.config, time.perf_counter()
    meter = MetricMeter()
    writer.begin_epoch()
    for step, (images, targets) in enumerate(prefetch(iter_training_batches(data.train, config, epoch))):
        loss, metrics = trainer.step(images, targets, epoch * trainer.steps_per_epoch + step)
        _check_finite({"loss": loss}, config.learning_rate, f"epoch {epoch + 1}, batch {step + 1}")
        batch_meter = MetricMeter()
        batch_meter.add(len(images), loss, metrics)
        meter.add(len(images), loss, metrics)
        writer.record_batch(len(images), batch_meter.compute_means())
        if should_stop():
            return None
    seconds = time.perf_counter() - start_time
    return {
        "epoch": epoch + 1,
        **meter.compute_means(),
        "train_seconds": seconds,
        "images_per_second": meter.image_count / seconds,
        "learning_rate": compute_learning_rate(
            config, (epoch + 1) * trainer.steps_per_epoch - 1, trainer.steps_per_epoch
        ),
    }


def _check_finite(values: dict[str, float], learning_rate: float, location: str) -> None:
    for name, value in values.items():
        if not math.isfinite(value):
            raise TrainingError(
                f"The {name.removeprefix('val_').replace('_', ' ')} became {value} in {location}. The best weights "
                "so far and the last whole epoch are kept.",
                hint=f"Start a new run with a learning rate below {learning_rate:g}.",
            )
