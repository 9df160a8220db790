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
from wbcseg.paths import runs_folder
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
    config: TrainingConfig, pictures: SplitCounts | None = None, runs: Path | None = None
) -> CostEstimate:
    """Return what a training will cost on this machine.

    Args:
        config: The training.
        pictures: How many pictures train and how many are held out; :func:`count_samples` by default.
        runs: The folder of the runs; the usual one by default.

    Raises:
        DatasetError: If the pictures are not given and the data set is not here to be counted.
    """
    train, test = pictures or count_samples(config)
    known = _load_cost_sources(config, runs)
    timed = find_nearest_source(config, known)
    pace = _estimate_slowdown(timed)
    testing = test * estimate_test_seconds_per_image(config, timed) * pace
    epoch = train * estimate_train_seconds_per_image(config, timed) * pace + testing
    start = (estimate_start_seconds(config, timed) + PREPARE_SECONDS_PER_IMAGE * (train + test)) * pace
    # Scoring segments every held-out picture once more.
    finish = estimate_finish_seconds(config) * pace + testing
    return CostEstimate(
        seconds=start + config.epochs * epoch + finish,
        seconds_per_epoch=epoch,
        memory_bytes=estimate_memory(config, find_nearest_source(config, known, memory=True), train + test),
        free_bytes=get_free_memory(),
        basis=timed.basis,
        is_exact=timed.basis != "reference" and timed.matches(config),
    )


def check_memory(config: TrainingConfig, pictures: SplitCounts | None = None, runs: Path | None = None) -> CostEstimate:
    """Check that a training's memory is there before it starts; arguments as for :func:`estimate_cost`.

    Returns:
        The estimate.

    Raises:
        NotEnoughMemoryError: If it is not; the text says how much is missing and which settings would fit.
        DatasetError: If the pictures are not given and the data set is not here to be counted.
    """
    counts = pictures or count_samples(config)
    needed = estimate_cost(config, counts, runs)
    if needed.fits:
        return needed
    raise NotEnoughMemoryError(
        f"Training {get_spec(config.architecture).title} of width {config.base_filters} with batches of {config.batch_size} "
        f"pictures of {config.input_size}×{config.input_size} needs about {_format_gigabytes(needed.memory_bytes * MEMORY_MARGIN)} of memory, "
        f"and {_format_gigabytes(needed.free_bytes)} are free here. "
        + _suggest_settings(config, sum(counts), _load_cost_sources(config, runs), needed.free_bytes)
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
        alls, squares = _count_dataset(config.dataset, sizes=config.split == "published")
    else:
        alls, squares = _count_entries(dataset)
    if config.split != "published":
        test = round(alls / config.folds)
        train = alls - test - round(config.unused_fraction * alls)
        return train * (1 + config.flipped_copies), test
    check_sample_count(squares)
    # As in wbcseg.splitting.thesis.build_thesis_dataset.
    early = 2 * squares if config.flipped_copies and config.thesis_bugs else squares
    test = max(1, round(early * TEST_FRACTION))
    train = max(0, early - test - config.thesis_bugs)
    return train * (1 + (config.flipped_copies and not config.thesis_bugs)), test


def _count_dataset(dataset: str, *, sizes: bool) -> SplitCounts:
    """Return how many pictures with a mask a data set has, and how many of them have 120×120 pixels."""
    names = (
        [name for name in _PUBLISHED_COUNTS if name.startswith(dataset)] if dataset.startswith("zheng") else [dataset]
    )
    alls = squares = 0
    ready = {status.name: status for status in list_datasets()}
    for name in names or [dataset]:
        status = ready.get(name)
        if name in _PUBLISHED_COUNTS and not (status and status.ready):
            count, square = _PUBLISHED_COUNTS[name]
        elif status and status.count is not None and not sizes:
            count, square = status.count, 0
        else:
            count, square = _count_entries(open_dataset(name))
        alls, squares = alls + count, squares + square
    return alls, squares


def _count_entries(dataset: Dataset) -> SplitCounts:
    masked = [entry for entry in dataset.sample_infos if entry.has_mask]
    return len(masked), sum(entry.size == (IMAGE_SIDE, IMAGE_SIDE) for entry in masked)


def _load_cost_sources(config: TrainingConfig, runs: Path | None) -> list[CostSource]:
    """Return all that was measured of a network, the oldest first."""
    folder = runs or runs_folder()
    timed = [CostSource(record, "timed", record.batch_size) for record in load_cost_records(folder) if record.is_local]
    return [*load_reference_sources(), *timed, *load_run_costs(config, folder)]


def _estimate_slowdown(known: CostSource) -> float:
    """Return how much longer this machine may take than the one that was measured, as far as its cores tell.

    More cores than the reference machine's promise nothing: small networks don't keep them busy.
    """
    cores = get_hardware()[1]
    return max(1.0, known.record.cores / cores) if known.basis == "reference" else 1.0


def _suggest_settings(config: TrainingConfig, pictures: int, known: Sequence[CostSource], free: int) -> str:
    """Return which settings would fit into the free memory."""

    def fits(width: int, batch_size: int) -> bool:
        smaller = config.replace(width=width, batch_size=batch_size)
        return (
            estimate_memory(smaller, find_nearest_source(smaller, known, memory=True), pictures) * MEMORY_MARGIN <= free
        )

    batches = range(config.batch_size, min(MIN_SUGGESTED_BATCH_SIZE, config.batch_size) - 1, -1)
    widths = [width for width in SUGGESTED_BASE_FILTERS if width < config.base_filters]
    batch = next((b for b in batches if fits(config.base_filters, b)), None)
    width = next((w for w in widths if fits(w, config.batch_size)), None)
    choices = [f"a batch size of {batch}"] if batch else []
    choices += [f"a width of {width}"] if width else []
    both = next(((w, b) for w in widths for b in batches if fits(w, b)), None)
    if both and not batch and both[0] != width:
        choices.insert(0, f"a width of {both[0]} with a batch size of {both[1]}")
    if choices:
        return f"Choose {' or '.join(choices)}, or close other programs."
    return "No setting of this network fits here: close other programs, or train on a computer with more memory."


def _format_gigabytes(count: float) -> str:
    return f"{count / 1e9:.1f} GB"
