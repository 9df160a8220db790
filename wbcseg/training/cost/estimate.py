"""How long a training will take and how much memory it needs, before it starts. Does not import TensorFlow.

From the most to the least trusted: earlier runs on this machine, a few steps that were timed on it
(:func:`start_measuring`), and the records of another machine that come with the program. The nearest of these is scaled
(:mod:`wbcseg.training.cost.model`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from wbcseg.datasets import Dataset, list_datasets, open_dataset
from wbcseg.errors import NotEnoughMemoryError
from wbcseg.models import get_spec
from wbcseg.paths import get_runs_folder
from wbcseg.splitting.thesis import IMAGE_SIDE, TEST_FRACTION, check_sample_count
from wbcseg.training.config import TrainingConfig
from wbcseg.training.cost.history import load_run_costs
from wbcseg.training.cost.memory import get_free_memory
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
    "is_probing",
    "start_probe",
]

SplitCounts = tuple[int, int]

MEMORY_MARGIN: Final = 1.1
"""A training is refused where this many times the estimate is more than the free memory: for the estimate's error."""

SUGGESTED_BASE_FILTERS: Final = (64, 48, 32, 24, 16, 12, 8, 4)
"""The widths that a refusal may advise."""

MIN_SUGGESTED_BATCH_SIZE: Final = 4
"""The smallest batch that a refusal advises: batch normalisation needs a few pictures to learn from."""

PREPARE_SECONDS_PER_IMAGE: Final = 0.05
"""Seconds that a picture takes before the training starts: reading, search for more pictures of its cell, split."""

_PUBLISHED_COUNTS: Final = {"zheng-1": (300, 224), "zheng-2": (100, 0)}
"""Pictures, and those of 120×120 pixels, of the data sets as their authors publish them."""


@dataclass(frozen=True)
class CostEstimate:
    """What a training will cost.

    Attributes:
        seconds: The whole training: start, all epochs with their tests, export and scoring.
        seconds_per_epoch: One epoch with its test.
        memory_bytes: The most bytes that the training's process will hold.
        free_bytes: Bytes that a new process may take on this machine now.
        basis: What the time comes from: earlier ``runs`` or steps ``timed`` on this machine, or the ``reference``
            machine, which may be faster or slower than this one.
        is_exact: Whether the same network, width, canvas, batch size and precision were measured on this machine;
            otherwise they are scaled.
    """

    seconds: float
    seconds_per_epoch: float
    memory_bytes: int
    free_bytes: int
    basis: Basis
    is_exact: bool

    @property
    def fits(self) -> bool:
        """Whether the memory will do, with a tenth more for the estimate's error (:data:`MEMORY_MARGIN`)."""
        return self.memory_bytes * MEMORY_MARGIN <= self.free_bytes


def estimate_cost(
    config: TrainingConfig, split_counts: SplitCounts | None = None, runs_root: Path | None = None
) -> CostEstimate:
    """Return what a training will cost on this machine.

    Args:
        config: The training.
        split_counts: How many pictures train and how many are held out; :func:`count_samples` by default.
        runs_root: The folder of the runs; the usual one by default.

    Raises:
        DatasetError: If the pictures are not given and the data set is not here to be counted.
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
    # Scoring segments every held-out picture once more.
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
    """Check that a training's memory is there before it starts; arguments as for :func:`estimate_cost`.

    Returns:
        The estimate.

    Raises:
        NotEnoughMemoryError: If it is not; the text says how much is missing and which settings would fit.
        DatasetError: If the pictures are not given and the data set is not here to be counted.
    """
    counts = split_counts or count_samples(config)
    cost = estimate_cost(config, counts, runs_root)
    if cost.fits:
        return cost
    raise NotEnoughMemoryError(
        f"Training {get_spec(config.architecture).title} with {config.base_filters} base filters and batches of "
        f"{config.batch_size} images of {config.input_size}×{config.input_size} needs about "
        f"{_format_gigabytes(cost.memory_bytes * MEMORY_MARGIN)} of memory; "
        f"{_format_gigabytes(cost.free_bytes)} are free. "
        + _suggest_settings(config, sum(counts), _load_cost_sources(config, runs_root), cost.free_bytes)
    )


def count_samples(config: TrainingConfig, dataset: Dataset | None = None) -> SplitCounts:
    """Return how many pictures train and how many are held out. Nothing is decoded or fetched.

    Args:
        config: The training. Of a Zheng data set that is not here yet, the published numbers count.
        dataset: The data set itself, where it has no name that it could be opened by.

    Raises:
        DatasetError: If there is no such data set, or it has too few pictures for the published split.
    """
    if dataset is None:
        total, square_total = _count_dataset(config.dataset, need_sizes=config.split == "thesis")
    else:
        total, square_total = _count_entries(dataset)
    if config.split != "thesis":
        test_count = round(total / config.folds)
        train_count = total - test_count - round(config.unused_fraction * total)
        return train_count * (1 + config.flipped_copies), test_count
    check_sample_count(square_total)
    # As in wbcseg.splitting.thesis.build_thesis_dataset.
    pool_size = 2 * square_total if config.flipped_copies and config.thesis_bugs else square_total
    test_count = max(1, round(pool_size * TEST_FRACTION))
    train_count = max(0, pool_size - test_count - config.thesis_bugs)
    return train_count * (1 + (config.flipped_copies and not config.thesis_bugs)), test_count


def _count_dataset(dataset: str, *, need_sizes: bool) -> SplitCounts:
    """Return how many pictures with a mask a data set has, and how many of them have 120×120 pixels."""
    names = (
        [name for name in _PUBLISHED_COUNTS if name.startswith(dataset)] if dataset.startswith("zheng") else [dataset]
    )
    total = square_total = 0
    status_by_name = {status.name: status for status in list_datasets()}
    for name in names or [dataset]:
        status = status_by_name.get(name)
        if name in _PUBLISHED_COUNTS and not (status and status.ready):
            count, square_count = _PUBLISHED_COUNTS[name]
        elif status and status.count is not None and not need_sizes:
            count, square_count = status.count, 0
        else:
            count, square_count = _count_entries(open_dataset(name))
        total, square_total = total + count, square_total + square_count
    return total, square_total


def _count_entries(dataset: Dataset) -> SplitCounts:
    masked = [entry for entry in dataset.sample_infos if entry.has_mask]
    return len(masked), sum(entry.size == (IMAGE_SIDE, IMAGE_SIDE) for entry in masked)


def _load_cost_sources(config: TrainingConfig, runs_root: Path | None) -> list[CostSource]:
    """Return all that was measured of a network, the oldest first."""
    folder = runs_root or get_runs_folder()
    probed = [CostSource(record, "timed", record.batch_size) for record in load_cost_records(folder) if record.is_local]
    return [*load_reference_sources(), *probed, *load_run_costs(config, folder)]


def _estimate_slowdown(source: CostSource) -> float:
    """Return how much longer this machine may take than the one that was measured, as far as its cores tell.

    More cores than the reference machine's promise nothing: small networks don't keep them busy.
    """
    cores = get_hardware()[1]
    return max(1.0, source.record.cores / cores) if source.basis == "reference" else 1.0


def _suggest_settings(config: TrainingConfig, image_count: int, sources: Sequence[CostSource], free_bytes: int) -> str:
    """Return which settings would fit into the free memory."""

    def fits(base_filters: int, batch_size: int) -> bool:
        smaller = config.replace(base_filters=base_filters, batch_size=batch_size)
        return (
            estimate_memory(smaller, find_nearest_source(smaller, sources, require_memory=True), image_count)
            * MEMORY_MARGIN
            <= free_bytes
        )

    batch_sizes = range(config.batch_size, min(MIN_SUGGESTED_BATCH_SIZE, config.batch_size) - 1, -1)
    filter_choices = [base_filters for base_filters in SUGGESTED_BASE_FILTERS if base_filters < config.base_filters]
    fitting_batch_size = next((b for b in batch_sizes if fits(config.base_filters, b)), None)
    base_filters = next((w for w in filter_choices if fits(w, config.batch_size)), None)
    choices = [f"a batch size of {fitting_batch_size}"] if fitting_batch_size else []
    choices += [f"a width of {base_filters}"] if base_filters else []
    combination = next(((w, b) for w in filter_choices for b in batch_sizes if fits(w, b)), None)
    if combination and not fitting_batch_size and combination[0] != base_filters:
        choices.insert(0, f"a width of {combination[0]} with a batch size of {combination[1]}")
    if choices:
        return f"Choose {' or '.join(choices)}, or close other programs."
    return "No setting of this network fits here: close other programs, or train on a computer with more memory."


def _format_gigabytes(byte_count: float) -> str:
    return f"{byte_count / 1e9:.1f} GB"
