"""Open a data set by its name or path, and list those that have a name."""

from __future__ import annotations

from pathlib import Path

from wbcseg.datasets.base import Dataset, concatenate, correct_masks
from wbcseg.datasets.download import ProgressCallback
from wbcseg.datasets.folder import open_folder
from wbcseg.datasets.registry import DATASETS, DatasetStatus
from wbcseg.errors import DatasetError, ErrorCode
from wbcseg.io import MaskCorrection, format_display_name


def open_dataset(
    name: str,
    *,
    download: bool = False,
    progress: ProgressCallback | None = None,
    correction: MaskCorrection | None = None,
) -> Dataset:
    """Open a data set.

    Args:
        name: A name in :data:`wbcseg.datasets.DATASETS` (such as ``zheng-1`` or ``synthetic``), several of them joined
            by ``+``, or the path of a folder or zip with images and masks (see :mod:`wbcseg.datasets.folder`).
        download: Whether to download a data set that is not on this computer.
        progress: Called after every downloaded file with done, total, name.
        correction: What someone said about the masks; see :mod:`wbcseg.io.mask_meaning`.

    Raises:
        DatasetError: If there is no such data set, or it is not on this computer and not to be downloaded.
        DownloadError: If it could not be downloaded.
    """
    if name in DATASETS:
        return correct_masks(DATASETS[name].opener(download=download, progress=progress), correction)
    part_names = name.split("+")
    if len(part_names) > 1 and set(part_names) <= set(DATASETS):
        datasets = [
            open_dataset(part_name, download=download, progress=progress, correction=correction)
            for part_name in dict.fromkeys(part_names)
        ]
        return concatenate(name, " and ".join(dataset.title for dataset in datasets), datasets)
    path = _find_existing_path(name)
    if path is None:
        raise DatasetError(
            f"There is no data set {format_display_name(name)!r}.",
            code=ErrorCode.NOT_FOUND,
            hint=f"Use one of {', '.join(DATASETS)}, or the path of a folder or zip that exists.",
        )
    return open_folder(path, correction=correction)


def list_datasets() -> list[DatasetStatus]:
    """Return the status of each data set that has a name. Nothing is downloaded or decoded."""
    return [spec.get_status() for spec in DATASETS.values() if not spec.parts]


def _find_existing_path(name: str) -> Path | None:
    """Return the path of that name if it exists, whatever the name contains."""
    try:
        path = Path(name).expanduser()
        return path if name and path.exists() else None
    # A NUL, a name that is too long, a home folder of an unknown user.
    except (OSError, ValueError, RuntimeError):
        return None
