"""Data sets: an ordered list of samples, whatever they come from.

:func:`open_dataset` opens one by its name, :func:`list_datasets` says which are ready.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from wbcseg.datasets.base import Dataset
from wbcseg.datasets.download import ProgressCallback
from wbcseg.datasets.folder import open_folder
from wbcseg.datasets.zheng import OFFLINE_ADVICE, TITLES, ZhengNumber, find_zheng_folder, list_pairs, open_zheng
from wbcseg.errors import DatasetError
from wbcseg.io import format_display_name

DATASET_NAMES: Final = ("zheng-1", "zheng-2", "zheng", "synthetic")
"""The data sets that have a name. Any other name is a path."""

_ZHENG_NUMBERS: Final[dict[str, ZhengNumber]] = {"zheng-1": 1, "zheng-2": 2}


@dataclass(frozen=True)
class DatasetStatus:
    """Whether a data set can be opened at once.

    Attributes:
        name: For :func:`open_dataset`.
        title: What the page calls it.
        ready: Whether it can be opened without fetching anything.
        location: Where it is read from, in words; empty where it is not ready.
        count: How many samples it has, or ``None`` where that is not known yet.
        advice: What to do to make it ready; empty where it is.
    """

    name: str
    title: str
    ready: bool
    location: str
    count: int | None
    advice: str


def open_dataset(name: str, *, download: bool = False, progress: ProgressCallback | None = None) -> Dataset:
    """Open a data set by its name.

    Args:
        name: ``zheng-1``, ``zheng-2``, ``zheng`` (the first, then the second), ``synthetic``, several of them joined
            by ``+``, or the path of a folder or zip with a user's own pictures (see :mod:`wbcseg.datasets.folder`).
        download: Whether a Zheng data set that is not on this computer is fetched.
        progress: Told of every fetched file: done, total, name.

    Raises:
        DatasetError: If there is no such data set, or it is not here and not to be fetched.
        DownloadError: If it could not be fetched.
    """
    if name in _ZHENG_NUMBERS:
        return open_zheng(_ZHENG_NUMBERS[name], download=download, progress=progress)
    if name == "zheng":
        zheng_datasets = [
            open_zheng(number, download=download, progress=progress) for number in _ZHENG_NUMBERS.values()
        ]
        return _concatenate("zheng", "Zheng Dataset 1 and 2", zheng_datasets)
    part_names = name.split("+")
    if len(part_names) > 1 and set(part_names) <= set(DATASET_NAMES):
        datasets = [
            open_dataset(part_name, download=download, progress=progress) for part_name in dict.fromkeys(part_names)
        ]
        return _concatenate(name, " and ".join(dataset.title for dataset in datasets), datasets)
    if name == "synthetic":
        from wbcseg.datasets.synthetic import open_synthetic

        return open_synthetic()
    path = _find_existing_path(name)
    if path is None:
        raise DatasetError(
            f"There is no data set {format_display_name(name)!r}. Use one of {', '.join(DATASET_NAMES)}, or the path of a folder or zip that "
            "exists."
        )
    return open_folder(path)


def _concatenate(name: str, title: str, datasets: Sequence[Dataset]) -> Dataset:
    return Dataset(
        name,
        title,
        [info for dataset in datasets for info in dataset.sample_infos],
        origin=" and ".join(dict.fromkeys(dataset.origin for dataset in datasets)),
        acknowledgement=" ".join(dataset.acknowledgement for dataset in datasets if dataset.acknowledgement),
        problems=[problem for dataset in datasets for problem in dataset.problems],
    )


def _find_existing_path(name: str) -> Path | None:
    """Return the path of that name if there is something, whatever the name holds."""
    try:
        path = Path(name).expanduser()
        return path if name and path.exists() else None
    # A NUL, a name that is too long, a home folder of an unknown user.
    except (OSError, ValueError, RuntimeError):
        return None


def list_datasets() -> list[DatasetStatus]:
    """Say of each data set with a name of its own whether it is ready. Nothing is fetched or decoded."""
    zheng_statuses = [_get_zheng_status(number) for number in _ZHENG_NUMBERS.values()]
    return [*zheng_statuses, DatasetStatus("synthetic", "Drawn smears", True, "drawn by the program", 60, "")]


def _get_zheng_status(number: ZhengNumber) -> DatasetStatus:
    name, title = f"zheng-{number}", TITLES[number]
    try:
        root = find_zheng_folder(number)
        if root is None:
            return DatasetStatus(name, title, False, "", None, f"Fetch it from its authors. {OFFLINE_ADVICE}")
        return DatasetStatus(name, title, True, str(root), len(list_pairs(root, number)[0]), "")
    except DatasetError as error:
        return DatasetStatus(name, title, False, "", None, str(error))
