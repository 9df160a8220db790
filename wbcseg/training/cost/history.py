"""The cost of earlier runs on this machine, read from their folders."""

from __future__ import annotations

import math
import statistics
from pathlib import Path
from typing import Final

from wbcseg.errors import WbcsegError
from wbcseg.models import get_spec
from wbcseg.training.config import TrainingConfig
from wbcseg.training.cost.model import CostSource
from wbcseg.training.cost.records import CostRecord, get_hardware
from wbcseg.training.jobs.queue import list_runs
from wbcseg.training.precision import resolve_precision
from wbcseg.training.runs.folder import Run

MAX_RUNS_READ: Final = 12
"""Number of runs that are read completely: the most similar ones, and of these the newest."""

RECENT_EPOCHS: Final = 20
"""Number of last epochs of a run that are averaged."""


def load_run_costs(config: TrainingConfig, folder: Path) -> list[CostSource]:
    """Return the cost of runs with the same network that were trained on this machine, oldest first.

    Args:
        config: The training to be estimated.
        folder: The runs folder.
    """
    candidates = []
    for run in list_runs(folder):
        try:
            settings = run.load_config()
            trained_at = (run.folder / "metrics.json").stat().st_mtime
        except (WbcsegError, OSError):
            continue
        if settings.architecture == config.architecture:
            distance = abs(math.log(settings.base_filters / config.base_filters)) + abs(
                math.log(settings.input_size / config.input_size)
            )
            candidates.append((distance, -trained_at, run, settings))
    candidates.sort(key=lambda c: c[:2])
    selected = sorted(candidates[:MAX_RUNS_READ], key=lambda c: -c[1])
    sources = [_load_run_cost(run, settings, -trained_at) for _, trained_at, run, settings in selected]
    return [source for source in sources if source is not None]


def _load_run_cost(run: Run, config: TrainingConfig, trained_at: float) -> CostSource | None:
    """Return the cost of a run; ``None`` if another machine trained it or its files are incomplete."""
    try:
        environment, split = run.read("environment.json"), run.read("split.json")
        if (environment["processor"], environment["cores"]) != get_hardware():
            return None
        train_count, test_count = len(split["train"]), len(split["test"])
        rows = run.load_metrics()
        # The first epoch includes the compilation.
        recent_rows = rows[1:][-RECENT_EPOCHS:] or rows
        train_seconds = statistics.median(row["train_seconds"] for row in recent_rows)
        test_seconds = statistics.median(row["seconds"] - row["train_seconds"] for row in recent_rows)
        record = CostRecord(
            architecture=config.architecture,
            base_filters=config.base_filters,
            input_size=config.input_size,
            batch_size=config.batch_size,
            precision=str(environment.get("precision", resolve_precision(config))),
            optimizer=config.optimizer,
            uses_ema=config.uses_ema,
            uses_critic=config.uses_critic,
            parameters=get_spec(config.architecture).count_parameters(config.base_filters),
            train_seconds_per_image=train_seconds / train_count,
            test_seconds_per_image=test_seconds / test_count,
            trace_seconds=0.0,
            start_seconds=0.0,
            base_bytes=0,
            peak_bytes=int(max(row.get("memory_bytes", 0) for row in rows)),
            processor=environment["processor"],
            cores=environment["cores"],
            created=trained_at,
        )
    except (WbcsegError, KeyError, TypeError, ValueError, ZeroDivisionError):
        return None
    checked = CostRecord.from_dict({**record.to_dict(), "base_bytes": 1, "peak_bytes": max(1, record.peak_bytes)})
    return CostSource(record, "runs", train_count + test_count) if checked else None
