"""Run folders as a training run leaves them, made without training."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wbcseg.datasets import open_dataset
from wbcseg.models.card_records import Environment
from wbcseg.training import PRESETS, Run, TrainingConfig
from wbcseg.training.precision import build_precision_record, store_precision_record
from wbcseg.training.runs import snapshots
from wbcseg.transforms.padding import pad_labels_to_square

ENVIRONMENT = Environment(
    python="3.12",
    system="Linux",
    processor="a processor",
    cores=2,
    features=("avx2",),
    precision="float32",
    packages={},
)
QUICK = PRESETS["quick"].replace(dataset="synthetic")
"""Default settings of the page Train where no data set has been downloaded."""
REGIONS = {"nucleus": 0.97, "cytoplasm": 0.93, "cell": 0.98}


def make_epoch_row(epoch: int, speed: float = 8.0) -> dict[str, float]:
    """Return the metrics of an epoch (from 1) of a run that learns."""
    rest = math.exp(-epoch / speed)
    jitter = 0.02 * math.sin(7 * epoch) * rest
    metrics: dict[str, float] = {"epoch": epoch, "seconds": 4.0, "train_seconds": 3.0, "memory_bytes": 900_000_000}
    for prefix, gap in (("", 0.0), ("val_", 0.015)):
        metrics |= {
            f"{prefix}loss": 0.06 + rest + 2 * gap + jitter,
            f"{prefix}accuracy": 0.98 - 0.3 * rest - gap - jitter,
            f"{prefix}binary_accuracy": 0.985 - 0.25 * rest - gap - jitter,
        }
        metrics |= {f"{prefix}dice_{name}": best - 0.8 * rest - gap - jitter for name, best in REGIONS.items()}
    return metrics


def make_batch_row(number: int) -> dict[str, float]:
    """Return the metrics of a batch (from 1) of the first epoch."""
    metrics = make_epoch_row(1, speed=1.0 + number / 4)
    return {
        "batch": number,
        **{name: value for name, value in metrics.items() if not name.startswith(("val", "epoch", "sec", "tr", "mem"))},
    }


def make_run(
    name: str,
    status: str = "finished",
    *,
    epochs: int = 3,
    config: TrainingConfig = QUICK,
    with_snapshots: bool = False,
    folder: Path | None = None,
    **details: Any,
) -> Run:
    """Make a run folder.

    Args:
        name: Its name.
        status: Status in its state file. With ``running`` or ``queued``, this process is the one that trains.
        epochs: Number of complete epochs.
        config: Its settings.
        with_snapshots: Whether it has snapshots.
        folder: The folder of the runs; ``WBCSEG_RUNS`` by default.
        **details: Further entries of its state file, such as ``reason``.
    """
    run = Run((folder or Path(os.environ["WBCSEG_RUNS"])) / name)
    run.create(config)
    run.set_state(status, epoch=epochs, epochs=config.epochs, **details)
    run.write("metrics.json", {"epochs": [make_epoch_row(epoch) for epoch in range(1, epochs + 1)]})
    run.write("batches.json", {"batches": [make_batch_row(number) for number in range(1, 4)]})
    write_progress(run, epoch=epochs)
    if with_snapshots:
        add_snapshots(run, config, epochs)
    return run


def skip_precision_timing(config: TrainingConfig, cache: Path, patch: pytest.MonkeyPatch) -> None:
    """Use a cache in which the answer to ``precision="auto"`` is known for these settings: float32."""
    patch.setenv("WBCSEG_CACHE", str(cache))
    store_precision_record(build_precision_record(config, {"float32": 1.0}))


def write_progress(run: Run, **changes: Any) -> None:
    """Write where a run is within its epoch."""
    values = {"phase": "training", "epoch": 0, "epochs": run.load_config().epochs, "step": 1, "steps": 3, "loss": 0.5}
    run.write("progress.json", {**values, "images_per_second": 21.4, "seconds_left": 83.0, "changed": 0.0, **changes})


def add_snapshots(run: Run, config: TrainingConfig, epochs: int) -> None:
    """Add snapshots of a network that gets more and more of the experts' masks right."""
    dataset, ids = open_dataset("synthetic"), ("synthetic/003", "synthetic/012", "synthetic/030")
    masks = [dataset.read(sample_id).mask for sample_id in ids]
    expert = np.stack([pad_labels_to_square(mask, config.input_size) for mask in masks if mask is not None])
    snapshots.start_snapshots(run, ids, expert)
    rng = np.random.default_rng(2)
    for epoch in range(epochs + 1):
        is_known = rng.random(expert.shape) > math.exp(-epoch / 4)
        snapshots.add_snapshot(run, epoch, np.where(is_known, expert, 0).astype(np.uint8))
