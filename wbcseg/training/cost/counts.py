"""How many images a training has on each side of its split, before it reads them."""

from __future__ import annotations

import contextlib
from typing import Final

import numpy as np

from wbcseg.datasets import Dataset, list_datasets, open_dataset
from wbcseg.errors import WbcsegError
from wbcseg.splitting.cell_groups import CellGroups, load_cell_groups
from wbcseg.splitting.thesis import IMAGE_SIDE, TEST_FRACTION, check_sample_count
from wbcseg.training.config import TrainingConfig

SplitCounts = tuple[int, int]

PUBLISHED_COUNTS: Final = {"zheng-1": (300, 224), "zheng-2": (100, 0)}
"""Number of images, and of those with 120×120 pixels, in the data sets as published."""


def count_samples(config: TrainingConfig, dataset: Dataset | None = None) -> SplitCounts:
    """Return the number of training and validation images. Nothing is decoded or downloaded.

    Folds keep the images of a cell together. So their sizes are exact once the images have been compared on this
    computer (:func:`has_exact_counts`), and before that estimates.

    Args:
        config: The training. For a Zheng data set that is not downloaded yet, the published numbers are used.
        dataset: The data set, if it cannot be opened by its name.

    Raises:
        DatasetError: If there is no such data set, or it has too few images for the thesis' split.
    """
    if dataset is None:
        total, square_total = _count_dataset(config.dataset, need_sizes=config.split == "thesis")
    else:
        total, square_total = _count_entries(dataset)
    if config.split != "thesis":
        cells = _load_cells(config, dataset)
        test_count = _count_fold(config, cells) if cells else round(total / config.folds)
        train_count = total - test_count - round(config.unused_fraction * total)
        extra_count = _count_dataset(config.extra_dataset, need_sizes=False)[0] if config.extra_dataset else 0
        return train_count * (1 + config.flipped_copies) + extra_count, test_count
    check_sample_count(square_total)
    # As in wbcseg.splitting.thesis.build_thesis_dataset.
    pool_size = 2 * square_total if config.flipped_copies and config.thesis_bugs else square_total
    test_count = max(1, round(pool_size * TEST_FRACTION))
    train_count = max(0, pool_size - test_count - config.thesis_bugs)
    return train_count * (1 + (config.flipped_copies and not config.thesis_bugs)), test_count


def _count_dataset(dataset: str, *, need_sizes: bool) -> SplitCounts:
    """Return the number of images with a mask in a data set, and of those with 120×120 pixels."""
    names = (
        [name for name in PUBLISHED_COUNTS if name.startswith(dataset)] if dataset.startswith("zheng") else [dataset]
    )
    total = square_total = 0
    status_by_name = {status.name: status for status in list_datasets()}
    for name in names or [dataset]:
        status = status_by_name.get(name)
        if name in PUBLISHED_COUNTS and not (status and status.ready):
            count, square_count = PUBLISHED_COUNTS[name]
        elif status and status.count is not None and not need_sizes:
            count, square_count = status.count, 0
        else:
            count, square_count = _count_entries(open_dataset(name))
        total, square_total = total + count, square_total + square_count
    return total, square_total


def _count_entries(dataset: Dataset) -> SplitCounts:
    masked = [entry for entry in dataset.sample_infos if entry.has_mask]
    return len(masked), sum(entry.size == (IMAGE_SIDE, IMAGE_SIDE) for entry in masked)


def has_exact_counts(config: TrainingConfig, dataset: Dataset | None = None) -> bool:
    """Return whether :func:`count_samples` knows the split of a training: arguments as there."""
    return config.split == "thesis" or _load_cells(config, dataset) is not None


def _load_cells(config: TrainingConfig, dataset: Dataset | None) -> CellGroups | None:
    """Return which images of a data set show the same cell, if they were compared and there are enough cells."""
    with contextlib.suppress(WbcsegError):
        cells = load_cell_groups(dataset or open_dataset(config.dataset))
        if cells and config.folds <= cells.count_cells():
            return cells
    return None


def _count_fold(config: TrainingConfig, cells: CellGroups) -> int:
    return int(np.count_nonzero(cells.assign_folds(config.folds, config.split_seed) == config.fold))
