"""What is checked before a training starts, from a page, the command line and Python alike."""

from __future__ import annotations

from pathlib import Path

from wbcseg.datasets import Dataset, list_datasets
from wbcseg.training.config import UPLOADED_DATASET, TrainingConfig
from wbcseg.training.cost.counts import PUBLISHED_COUNTS
from wbcseg.training.cost.estimate import CostEstimate, check_memory, count_samples, estimate_cost
from wbcseg.training.jobs.room import check_free_disk
from wbcseg.training.runs.names import check_run_name


def check_start(
    config: TrainingConfig,
    folder: Path,
    *,
    name: str | None = None,
    dataset: Dataset | None = None,
    force: bool = False,
) -> CostEstimate | None:
    """Check that a training can start: its name, its data set, memory and disk.

    Args:
        config: The settings.
        folder: The folder of the runs.
        name: Name of the run, unless it is made from the settings.
        dataset: The data set, if it cannot be opened by its name.
        force: Whether to start although the memory may not be enough.

    Returns:
        What it will cost; ``None`` if the number of its images is not known before they are here.

    Raises:
        RunError: If the name is not allowed, or the disk is nearly full.
        DatasetError: If there is no such data set, or it has too few images.
        NotEnoughMemoryError: If the memory is not enough; it names what is needed and what is free.
    """
    if name is not None:
        check_run_name(name)
    check_free_disk(folder)
    if dataset is None and not _can_count(config):
        return None
    counts = count_samples(config, dataset)
    return estimate_cost(config, counts, folder) if force else check_memory(config, counts, folder)


def _can_count(config: TrainingConfig) -> bool:
    """Return whether the images can be counted now: not those that are sent later, or downloaded first."""
    is_ready = {status.name: status.ready for status in list_datasets()}
    return config.dataset != UPLOADED_DATASET and all(
        is_ready.get(name, True) or name in PUBLISHED_COUNTS for name in (config.dataset, config.extra_dataset)
    )
