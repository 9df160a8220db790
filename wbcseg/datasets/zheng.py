"""The two data sets of Zheng et al. 2018: pictures of single white cells with the experts' masks.

Zheng, Wang, Wang, Liu: *Fast and Robust Segmentation of White Blood Cell Images by Self-supervised Learning*, Micron
107:55–71, 2018, doi:10.1016/j.micron.2018.01.010. The files are the authors' and are not part of this program: they are
read from the folder that ``WBCSEG_DATA`` names, else from the user's cache, else fetched from the authors' repository.
"""

from __future__ import annotations

import csv
import hashlib
import io
import os
from collections.abc import Mapping
from functools import cache, partial
from pathlib import Path
from typing import Final, Literal

from wbcseg.datasets.base import Dataset, SampleInfo
from wbcseg.datasets.download import ProgressCallback, download_files, list_missing_files
from wbcseg.datasets.sample import Sample
from wbcseg.errors import DatasetError, ImageError, ManifestError
from wbcseg.io import open_pair, read_size
from wbcseg.labels import CELL_TYPES, CellType
from wbcseg.paths import get_cache_folder

REPOSITORY: Final = "https://github.com/zxaoyou/segmentation_WBC"
COMMIT: Final = "fa9c016f"
BASE_URLS: Final = tuple(
    f"https://raw.githubusercontent.com/zxaoyou/segmentation_WBC/{ref}" for ref in (COMMIT, "master")
)
"""Where the files are fetched from: the commit, or the newest one (the manifest pins what is in them)."""

MASK_THRESHOLDS: Final = (64, 205)
"""Some masks of Dataset 2 hold stray greys beside 0, 128 and 255."""

TITLES: Final = {1: "Zheng Dataset 1 (Jiangxi Tecom)", 2: "Zheng Dataset 2 (CellaVision)"}
_PAPER: Final = "Zheng et al. 2018, Micron 107:55–71, doi:10.1016/j.micron.2018.01.010"
_ACKNOWLEDGEMENTS: Final = {
    1: f"Pictures and masks: {_PAPER}. Dataset 1 comes from Jiangxi Tecom Science Corporation, China.",
    2: f"Pictures and masks: {_PAPER}. The pictures of Dataset 2 come from the CellaVision blog.",
}
OFFLINE_ADVICE: Final = (
    f"Without a network: copy the repository {REPOSITORY} from another computer (Code, Download ZIP, unpack) and set "
    "WBCSEG_DATA to that folder. Meanwhile the data set “synthetic” works without any data."
)

ZhengNumber = Literal[1, 2]


@cache
def load_manifest() -> Mapping[str, str]:
    """Return the SHA-256 of every published file by its name, such as ``Dataset 1/001.bmp``."""
    text = (Path(__file__).parent / "manifests" / "segmentation_WBC.sha256").read_text(encoding="utf-8")
    return {name: sha for sha, name in (line.split("  ", 1) for line in text.splitlines() if line)}


def list_published_files(number: ZhengNumber) -> dict[str, str]:
    """Return name and SHA-256 of the files of one data set: its cell types first, then pictures and masks."""
    labels_file = _get_labels_file_name(number)
    names = [labels_file, *(name for name in load_manifest() if name.startswith(f"Dataset {number}/"))]
    return {name: load_manifest()[name] for name in names}


def find_zheng_folder(number: ZhengNumber) -> Path | None:
    """Return the folder that a data set would be read from, or ``None`` if it must be fetched first.

    Raises:
        DatasetError: If ``WBCSEG_DATA`` is set to a folder that has neither data set.
    """
    configured = os.environ.get("WBCSEG_DATA")
    if configured:
        root = _find_root(Path(configured).expanduser())
        if (root / f"Dataset {number}").is_dir():
            return root
        if not any((root / f"Dataset {other_number}").is_dir() for other_number in (1, 2)):
            raise DatasetError(
                f"WBCSEG_DATA is set to {configured}, but there is no folder “Dataset 1” or “Dataset 2” in it. "
                f"Set it to a copy of {REPOSITORY}, or unset it."
            )
    cache_folder = get_zheng_cache_folder()
    return None if list_missing_files(cache_folder, list(list_published_files(number))) else cache_folder


def get_zheng_cache_folder() -> Path:
    """Return the folder in the user's cache that fetched files go to."""
    return get_cache_folder() / "segmentation_WBC"


def open_zheng(
    number: ZhengNumber,
    *,
    data_dir: Path | None = None,
    download: bool = True,
    progress: ProgressCallback | None = None,
) -> Dataset:
    """Open one of the two data sets, whole or whatever part of it is there.

    Files are verified when they are read: a sample whose files are not the published ones raises
    :class:`wbcseg.errors.ManifestError` and leaves the others alone.

    Args:
        number: 1 (300 pictures of 30 sizes, 224 of them 120×120) or 2 (100 pictures of 300×300).
        data_dir: Read from this folder and nowhere else.
        download: Whether to fetch what is neither in ``WBCSEG_DATA`` nor in the cache.
        progress: Told of every fetched file: done, total, name.

    Returns:
        The samples ``zheng-1/001`` and so on, in the order of the file names.

    Raises:
        DatasetError: If the data is not there and is not to be fetched.
        DownloadError: If it could not be fetched.
        ManifestError: If what was fetched is not what was published.
    """
    if number not in TITLES:
        raise DatasetError(f"There are two Zheng data sets, 1 and 2. Received: {number!r}.")
    root = _find_root(data_dir) if data_dir is not None else find_zheng_folder(number)
    if root is None:
        if not download:
            raise DatasetError(
                f"Data set zheng-{number} is not on this computer yet. Fetch it on the page Dataset, or set "
                f"WBCSEG_DATA to a copy of {REPOSITORY}. Meanwhile the data set “synthetic” works without any data."
            )
        root = get_zheng_cache_folder()
        download_files(root, list_published_files(number), BASE_URLS, advice=OFFLINE_ADVICE, progress=progress)
    return _build_dataset(number, root)


def list_pairs(root: Path, number: ZhengNumber) -> tuple[list[str], list[str]]:
    """Return the numbers that have picture and mask, and a sentence for every file that was left out.

    Args:
        root: The folder with ``Dataset 1`` and ``Dataset 2``.
        number: Which of them.

    Raises:
        DatasetError: If the folder cannot be read.
    """
    folder = root / f"Dataset {number}"
    try:
        names = sorted(path.name for path in folder.iterdir() if path.suffix in (".bmp", ".png"))
    except OSError as error:
        raise DatasetError(f"The folder {folder} cannot be read: {error.strerror}.") from error
    # macOS leaves files such as "._001.bmp" on foreign disks.
    names = [name for name in names if not name.startswith(".")]
    present = set(names)
    pairs, problems = [], []
    for name in names:
        stem, _, suffix = name.rpartition(".")
        partner = f"{stem}.{'png' if suffix == 'bmp' else 'bmp'}"
        path = f"Dataset {number}/{name}"
        if path not in load_manifest():
            problems.append(f"{path} is not a file of the published data set; it is left out.")
        elif partner not in present:
            problem = "picture has no mask" if suffix == "bmp" else "mask has no picture"
            problems.append(f"{path}: the {problem} ({partner} is not there); it is left out.")
        elif suffix == "bmp":
            pairs.append(stem)
    return pairs, problems


def _build_dataset(number: ZhengNumber, root: Path) -> Dataset:
    stems, problems = list_pairs(root, number)
    types, type_problems = _read_cell_types(number, root)
    infos = []
    for stem in stems:
        image_path = root / f"Dataset {number}" / f"{stem}.bmp"
        try:
            size = _read_image_size(image_path, image_path.stat().st_mtime_ns)
        except (ImageError, OSError) as error:
            problems.append(f"Dataset {number}/{stem}.bmp is left out: {error}")
            continue
        cell_type = types.get(int(stem))
        read = partial(_read_sample, number, root, stem, cell_type)
        infos.append(SampleInfo(f"zheng-{number}/{stem}", cell_type, size, read))
    return Dataset(
        f"zheng-{number}",
        TITLES[number],
        infos,
        origin=str(root),
        acknowledgement=_ACKNOWLEDGEMENTS[number],
        problems=problems + type_problems,
    )


@cache
def _read_image_size(image_path: Path, _modified_ns: int) -> tuple[int, int]:
    return read_size(image_path, name=image_path.name)


def _read_sample(number: ZhengNumber, root: Path, stem: str, cell_type: CellType | None) -> Sample:
    image_name, mask_name = f"Dataset {number}/{stem}.bmp", f"Dataset {number}/{stem}.png"
    image, labels = open_pair(
        _read_verified(root, image_name),
        _read_verified(root, mask_name),
        image_name=image_name,
        mask_name=mask_name,
        thresholds=MASK_THRESHOLDS,
    )
    source = f"Zheng et al. 2018, Dataset {number}, picture {stem}"
    return Sample(f"zheng-{number}/{stem}", image.pixels, labels, cell_type, source)


def _read_verified(root: Path, name: str) -> bytes:
    try:
        data = (root / name).read_bytes()
    except OSError as error:
        raise DatasetError(f"The file {name} in {root} cannot be read: {error.strerror}.") from error
    received, expected = hashlib.sha256(data).hexdigest(), load_manifest()[name]
    if received != expected:
        raise ManifestError(
            f"The file {name} in {root} is not the published one: its SHA-256 should be {expected[:16]}… and is "
            f"{received[:16]}…. Replace it with a fresh copy from {REPOSITORY}; in the cache, delete it and it is "
            "fetched again."
        )
    return data


def _read_cell_types(number: ZhengNumber, root: Path) -> tuple[dict[int, CellType], list[str]]:
    """Read the experts' cell types. Without them the pictures are as good, so whatever is wrong is a problem only."""
    name = _get_labels_file_name(number)
    try:
        text = _read_verified(root, name).decode("utf-8-sig")
    except DatasetError as error:
        return {}, [f"The cell types are not known. {error}"]
    rows = list(csv.reader(io.StringIO(text)))[1:]
    return {int(row[0]): CELL_TYPES[int(row[1]) - 1] for row in rows if len(row) == 2}, []


def _get_labels_file_name(number: ZhengNumber) -> str:
    return f"Class Labels of Dataset {number}.csv"


def _find_root(folder: Path) -> Path:
    """Return the folder that has the data sets: an unpacked archive has one more folder around them."""
    if not (folder / "Dataset 1").is_dir() and not (folder / "Dataset 2").is_dir() and folder.is_dir():
        inner = sorted(path for path in folder.glob("segmentation_WBC*") if path.is_dir())
        if len(inner) == 1:
            return inner[0]
    return folder
