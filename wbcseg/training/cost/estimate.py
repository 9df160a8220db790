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

from wbcseg.datasets import DataSet, open_dataset, statuses
from wbcseg.errors import NotEnoughMemoryError
from wbcseg.models import describe
from wbcseg.paths import runs_folder
from wbcseg.splitting.thesis import SIDE, TEST_SHARE, check_enough
from wbcseg.training.config import TrainingConfig
from wbcseg.training.cost.history import earlier_runs
from wbcseg.training.cost.memory import free_memory
from wbcseg.training.cost.model import (
    Basis,
    Known,
    finish_seconds,
    from_reference,
    memory_of,
    nearest,
    seconds_to_test,
    seconds_to_train,
    start_seconds,
)
from wbcseg.training.cost.probe import measuring, start_measuring
from wbcseg.training.cost.records import machine, read_measured

__all__ = ["Estimate", "check_fits", "estimate", "free_memory", "measuring", "pictures_of", "start_measuring"]

Counts = tuple[int, int]

MARGIN: Final = 1.1
"""A training is refused where this many times the estimate is more than the free memory: for the estimate's error."""

WIDTHS: Final = (64, 48, 32, 24, 16, 12, 8, 4)
"""The widths that a refusal may advise."""

LEAST_BATCH: Final = 4
"""The smallest batch that a refusal advises: batch normalisation needs a few pictures to learn from."""

PREPARE_SECONDS: Final = 0.05
"""Seconds that a picture takes before the training starts: reading, search for more pictures of its cell, split."""

_UPSTREAM: Final = {"zheng-1": (300, 224), "zheng-2": (100, 0)}
"""Pictures, and those of 120×120 pixels, of the data sets as their authors publish them."""


@dataclass(frozen=True)
class Estimate:
    """What a training will cost.

    Attributes:
        seconds: The whole training: start, all epochs with their tests, export and scoring.
        seconds_per_epoch: One epoch with its test.
        memory: The most bytes that the training's process will hold.
        free: Bytes that a new process may take on this machine now.
        basis: What the time comes from: earlier ``runs`` or steps ``timed`` on this machine, or the ``reference``
            machine, which may be faster or slower than this one.
        exact: Whether the same network, width, canvas, batch size and precision were measured on this machine;
            otherwise they are scaled.
    """

    seconds: float
    seconds_per_epoch: float
    memory: int
    free: int
    basis: Basis
    exact: bool

    @property
    def fits(self) -> bool:
        """Whether the memory will do, with a tenth more for the estimate's error (:data:`MARGIN`)."""
        return self.memory * MARGIN <= self.free


def estimate(config: TrainingConfig, pictures: Counts | None = None, runs: Path | None = None) -> Estimate:
    """Return what a training will cost on this machine.

    Args:
        config: The training.
        pictures: How many pictures train and how many are held out; :func:`pictures_of` by default.
        runs: The folder of the runs; the usual one by default.

    Raises:
        DatasetError: If the pictures are not given and the data set is not here to be counted.
    """
    train, test = pictures or pictures_of(config)
    known = _known(config, runs)
    timed = nearest(config, known)
    pace = _pace(timed)
    testing = test * seconds_to_test(config, timed) * pace
    epoch = train * seconds_to_train(config, timed) * pace + testing
    start = (start_seconds(config, timed) + PREPARE_SECONDS * (train + test)) * pace
    # Scoring segments every held-out picture once more.
    finish = finish_seconds(config) * pace + testing
    return Estimate(
        seconds=start + config.epochs * epoch + finish,
        seconds_per_epoch=epoch,
        memory=memory_of(config, nearest(config, known, memory=True), train + test),
        free=free_memory(),
        basis=timed.basis,
        exact=timed.basis != "reference" and timed.is_of(config),
    )


def check_fits(config: TrainingConfig, pictures: Counts | None = None, runs: Path | None = None) -> Estimate:
    """Check that a training's memory is there before it starts; arguments as for :func:`estimate`.

    Returns:
        The estimate.

    Raises:
        NotEnoughMemoryError: If it is not; the text says how much is missing and which settings would fit.
        DatasetError: If the pictures are not given and the data set is not here to be counted.
    """
    counts = pictures or pictures_of(config)
    needed = estimate(config, counts, runs)
    if needed.fits:
        return needed
    raise NotEnoughMemoryError(
        f"Training {describe(config.architecture).title} of width {config.width} with batches of {config.batch_size} "
        f"pictures of {config.canvas}×{config.canvas} needs about {_gigabytes(needed.memory * MARGIN)} of memory, "
        f"and {_gigabytes(needed.free)} are free here. "
        + _advice(config, sum(counts), _known(config, runs), needed.free)
    )


def pictures_of(config: TrainingConfig, dataset: DataSet | None = None) -> Counts:
    """Return how many pictures train and how many are held out. Nothing is decoded or fetched.

    Args:
        config: The training. Of a Zheng data set that is not here yet, the published numbers count.
        dataset: The data set itself, where it has no name that it could be opened by.

    Raises:
        DatasetError: If there is no such data set, or it has too few pictures for the published split.
    """
    if dataset is None:
        alls, squares = _counts(config.dataset, sizes=config.split == "published")
    else:
        alls, squares = _counted(dataset)
    if config.split != "published":
        test = round(alls / config.folds)
        train = alls - test - round(config.left_out * alls)
        return train * (1 + config.twins), test
    check_enough(squares)
    # As in wbcseg.splitting.thesis.prepare.
    early = 2 * squares if config.twins and config.quirks else squares
    test = max(1, round(early * TEST_SHARE))
    train = max(0, early - test - config.quirks)
    return train * (1 + (config.twins and not config.quirks)), test


def _counts(dataset: str, *, sizes: bool) -> Counts:
    """Return how many pictures with a mask a data set has, and how many of them have 120×120 pixels."""
    names = [name for name in _UPSTREAM if name.startswith(dataset)] if dataset.startswith("zheng") else [dataset]
    alls = squares = 0
    ready = {status.name: status for status in statuses()}
    for name in names or [dataset]:
        status = ready.get(name)
        if name in _UPSTREAM and not (status and status.ready):
            count, square = _UPSTREAM[name]
        elif status and status.count is not None and not sizes:
            count, square = status.count, 0
        else:
            count, square = _counted(open_dataset(name))
        alls, squares = alls + count, squares + square
    return alls, squares


def _counted(dataset: DataSet) -> Counts:
    masked = [entry for entry in dataset.entries if entry.has_mask]
    return len(masked), sum(entry.size == (SIDE, SIDE) for entry in masked)


def _known(config: TrainingConfig, runs: Path | None) -> list[Known]:
    """Return all that was measured of a network, the oldest first."""
    folder = runs or runs_folder()
    timed = [Known(record, "timed", record.batch_size) for record in read_measured(folder) if record.here]
    return [*from_reference(), *timed, *earlier_runs(config, folder)]


def _pace(known: Known) -> float:
    """Return how much longer this machine may take than the one that was measured, as far as its cores tell.

    More cores than the reference machine's promise nothing: small networks don't keep them busy.
    """
    cores = machine()[1]
    return max(1.0, known.record.cores / cores) if known.basis == "reference" else 1.0


def _advice(config: TrainingConfig, pictures: int, known: Sequence[Known], free: int) -> str:
    """Return which settings would fit into the free memory."""

    def fits(width: int, batch_size: int) -> bool:
        smaller = config.replace(width=width, batch_size=batch_size)
        return memory_of(smaller, nearest(smaller, known, memory=True), pictures) * MARGIN <= free

    batches = range(config.batch_size, min(LEAST_BATCH, config.batch_size) - 1, -1)
    widths = [width for width in WIDTHS if width < config.width]
    batch = next((b for b in batches if fits(config.width, b)), None)
    width = next((w for w in widths if fits(w, config.batch_size)), None)
    choices = [f"a batch size of {batch}"] if batch else []
    choices += [f"a width of {width}"] if width else []
    both = next(((w, b) for w in widths for b in batches if fits(w, b)), None)
    if both and not batch and both[0] != width:
        choices.insert(0, f"a width of {both[0]} with a batch size of {both[1]}")
    if choices:
        return f"Choose {' or '.join(choices)}, or close other programs."
    return "No setting of this network fits here: close other programs, or train on a computer with more memory."


def _gigabytes(count: float) -> str:
    return f"{count / 1e9:.1f} GB"
