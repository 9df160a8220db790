"""Estimate time and memory of a training before it starts. Does not import TensorFlow.

In order of trust: earlier runs on this machine, a few steps timed on it (:func:`start_probe`), and records of another
machine that come with the package. The most similar one is scaled (:mod:`wbcseg.training.cost.model`).
"""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from wbcseg.errors import ErrorCode, NotEnoughMemoryError
from wbcseg.io.memory import get_free_memory
from wbcseg.models import get_spec
from wbcseg.paths import get_runs_folder
from wbcseg.training.config import TrainingConfig
from wbcseg.training.cost.counts import SplitCounts, count_samples, has_exact_counts
from wbcseg.training.cost.history import load_run_costs
from wbcseg.training.cost.model import (
    Basis,
    CostSource,
    estimate_finish_seconds,
    estimate_memory,
    estimate_start_seconds,
    estimate_test_seconds_per_image,
    estimate_train_seconds_per_image,
    find_nearest_source,
    load_reference_sources,
)
from wbcseg.training.cost.probe import is_probing, start_probe
from wbcseg.training.cost.records import get_hardware, load_cost_records

__all__ = [
    "CostEstimate",
    "check_memory",
    "count_samples",
    "estimate_cost",
    "get_free_memory",
    "has_exact_counts",
    "is_probing",
    "start_probe",
]

MEMORY_MARGIN: Final = 1.1
"""A training is refused if the free memory is less than the estimate times this, for the error of the estimate."""

SUGGESTED_BASE_FILTERS: Final = (64, 48, 32, 24, 16, 12, 8, 4)
"""Base filters that an error message may suggest."""

MIN_SUGGESTED_BATCH_SIZE: Final = 4
"""Smallest batch that an error message suggests: batch normalisation needs a few images."""

PREPARE_SECONDS_PER_IMAGE: Final = 0.05
"""Seconds per image before the training starts: reading, search for other images of the same cell, split."""


@dataclass(frozen=True)
class CostEstimate:
    """Time and memory of a training.

    Attributes:
        seconds: The whole training: start, all epochs with validation, export and evaluation.
        seconds_per_epoch: One epoch with validation.
        memory_bytes: Peak memory of the training's process.
        free_bytes: Memory that a new process can use now.
        basis: Basis of the time: earlier ``runs`` or steps ``timed`` on this machine, or the ``reference`` machine,
            which may be faster or slower than this one.
        is_exact: Whether the same network, base filters, input size, batch size and precision were measured on this
            machine; otherwise the time is scaled.
    """

    seconds: float
    seconds_per_epoch: float
    memory_bytes: int
    free_bytes: int
    basis: Basis
    is_exact: bool

    @property
    def fits(self) -> bool:
        """Whether the memory is enough, with a margin (:data:`MEMORY_MARGIN`)."""
        return self.memory_bytes * MEMORY_MARGIN <= self.free_bytes


def estimate_cost(
    config: TrainingConfig, split_counts: SplitCounts | None = None, runs_root: Path | None = None
) -> CostEstimate:
    """Return time and memory of a training on this machine.

    Args:
        config: The training.
        split_counts: Number of training and validation images; by default from :func:`count_samples`.
        runs_root: The runs folder; by default the usual one.

    Raises:
        DatasetError: If `split_counts` is not given and the data set cannot be counted.
    """
    train_count, test_count = split_counts or count_samples(config)
    sources = _load_cost_sources(config, runs_root)
    nearest_source = find_nearest_source(config, sources)
    slowdown = _estimate_slowdown(nearest_source)
    test_seconds = test_count * estimate_test_seconds_per_image(config, nearest_source) * slowdown
    epoch_seconds = train_count * estimate_train_seconds_per_image(config, nearest_source) * slowdown + test_seconds
    startup_seconds = (
        estimate_start_seconds(config, nearest_source) + PREPARE_SECONDS_PER_IMAGE * (train_count + test_count)
    ) * slowdown
    # The evaluation segments every validation image once more.
    export_seconds = estimate_finish_seconds(config) * slowdown + test_seconds
    return CostEstimate(
        seconds=startup_seconds + config.epochs * epoch_seconds + export_seconds,
        seconds_per_epoch=epoch_seconds,
        memory_bytes=estimate_memory(
            config, find_nearest_source(config, sources, require_memory=True), train_count + test_count
        ),
        free_bytes=get_free_memory(),
        basis=nearest_source.basis,
        is_exact=nearest_source.basis != "reference" and nearest_source.matches(config),
    )


def check_memory(
    config: TrainingConfig, split_counts: SplitCounts | None = None, runs_root: Path | None = None
) -> CostEstimate:
    """Check that there is enough memory for a training; arguments as for :func:`estimate_cost`.

    Returns:
        The estimate.

    Raises:
        NotEnoughMemoryError: If there is not; its hint says which settings would fit.
        DatasetError: If `split_counts` is not given and the data set cannot be counted.
    """
    counts = split_counts or count_samples(config)
    cost = estimate_cost(config, counts, runs_root)
    if cost.fits:
        return cost
    raise NotEnoughMemoryError(
        f"Training {get_spec(config.architecture).title} with {config.base_filters} base filters and batches of "
        f"{config.batch_size} images of {config.input_size}×{config.input_size} needs about "
        f"{_format_gigabytes(cost.memory_bytes * MEMORY_MARGIN)} of memory; "
        f"{_format_gigabytes(cost.free_bytes)} are free.",
        code=ErrorCode.OUT_OF_MEMORY,
        hint=_suggest_settings(config, sum(counts), _load_cost_sources(config, runs_root), cost.free_bytes),
    )


def _load_cost_sources(config: TrainingConfig, runs_root: Path | None) -> list[CostSource]:
    """Return all measurements, oldest first."""
    folder = runs_root or get_runs_folder()
    probed = [CostSource(record, "timed", record.batch_size) for record in load_cost_records(folder) if record.is_local]
    return [*load_reference_sources(), *probed, *load_run_costs(config, folder)]


def _estimate_slowdown(source: CostSource) -> float:
    """Return how much slower this machine may be than the measured one, judging by its cores.

    More cores than the reference machine's are not counted: small networks don't keep them busy.
    """
    cores = get_hardware()[1]
    return max(1.0, source.record.cores / cores) if source.basis == "reference" else 1.0


def _suggest_settings(config: TrainingConfig, image_count: int, sources: Sequence[CostSource], free_bytes: int) -> str:
    """Return a hint about settings that would fit into the free memory."""

    def fits(base_filters: int, batch_size: int) -> bool:
        smaller = config.replace(base_filters=base_filters, batch_size=batch_size)
        source = find_nearest_source(smaller, sources, require_memory=True)
        return estimate_memory(smaller, source, image_count) * MEMORY_MARGIN <= free_bytes

    def find_batch_size(base_filters: int) -> int | None:
        """Return the largest batch size that fits, or ``None``."""
        sizes = range(min(MIN_SUGGESTED_BATCH_SIZE, config.batch_size), config.batch_size + 1)
        fitting_count = bisect.bisect_left(sizes, True, key=lambda size: not fits(base_filters, size))
        return sizes[fitting_count - 1] if fitting_count else None

    smaller_networks = [filters for filters in SUGGESTED_BASE_FILTERS if filters < config.base_filters]
    batch_size = find_batch_size(config.base_filters)
    base_filters = next((filters for filters in smaller_networks if fits(filters, config.batch_size)), None)
    choices = [f"a batch size of {batch_size}"] if batch_size else []
    choices += [f"{base_filters} base filters"] if base_filters else []
    if not batch_size:
        combinations = ((filters, find_batch_size(filters)) for filters in smaller_networks)
        combination = next((pair for pair in combinations if pair[1]), None)
        if combination and combination[0] != base_filters:
            choices.insert(0, f"{combination[0]} base filters with a batch size of {combination[1]}")
    if choices:
        return f"Choose {' or '.join(choices)}, or close other programs."
    return "No settings of this network fit: close other programs, or use a computer with more memory."


def _format_gigabytes(byte_count: float) -> str:
    return f"{byte_count / 1e9:.1f} GB"
