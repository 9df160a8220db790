"""The two data sets of Zheng et al. 2018: images of single white cells with expert masks.

Zheng, Wang, Wang, Liu: *Fast and Robust Segmentation of White Blood Cell Images by Self-supervised Learning*, Micron
107:55–71, 2018, doi:10.1016/j.micron.2018.01.010. The files are the authors' and are not part of this program: they are
read from the folder that ``WBCSEG_DATA`` names, else from the user's cache, else downloaded from the authors'
repository.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Mapping
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Final, Literal

from wbcseg.datasets.base import Dataset, SampleInfo, concatenate
from wbcseg.datasets.download import ProgressCallback, download_files, list_missing_files
from wbcseg.datasets.registry import DatasetAvailability, register_dataset
from wbcseg.datasets.sample import Sample
from wbcseg.errors import DatasetError, ErrorCode, ImageError, ManifestError, Problem
from wbcseg.io import open_pair, read_size
from wbcseg.labels import CELL_TYPES, CellType
from wbcseg.paths import get_cache_folder, get_data_folder

REPOSITORY: Final = "https://github.com/zxaoyou/segmentation_WBC"
COMMIT: Final = "fa9c016f"
BASE_URLS: Final = tuple(
    f"https://raw.githubusercontent.com/zxaoyou/segmentation_WBC/{ref}" for ref in (COMMIT, "master")
)
"""Where the files are downloaded from: the commit, or else the newest one (the manifest pins their content)."""

MASK_THRESHOLDS: Final = (64, 205)
"""Some masks of Dataset 2 contain stray grey values besides 0, 128 and 255."""

TITLES: Final = {1: "Zheng Dataset 1 (Jiangxi Tecom)", 2: "Zheng Dataset 2 (CellaVision)"}
_PAPER: Final = "Zheng et al. 2018, Micron 107:55–71, doi:10.1016/j.micron.2018.01.010"
_ACKNOWLEDGEMENTS: Final = {
    1: f"Images and masks: {_PAPER}. Dataset 1 comes from Jiangxi Tecom Science Corporation, China.",
    2: f"Images and masks: {_PAPER}. The images of Dataset 2 come from the CellaVision blog.",
}
OFFLINE_ADVICE: Final = (
    f"Without a network: copy the repository {REPOSITORY} from another computer (Code, Download ZIP, unpack) and set "
    "WBCSEG_DATA to that folder. Meanwhile the data set “synthetic” works without any data."
)
DOWNLOAD_ADVICE: Final = f"Download it from its authors. {OFFLINE_ADVICE}"

ZhengNumber = Literal[1, 2]


@cache
def load_manifest() -> Mapping[str, str]:
    """Return the SHA-256 of every published file by its name, such as ``Dataset 1/001.bmp``."""
    text = (Path(__file__).parents[1] / "manifests" / "segmentation_WBC.sha256").read_text(encoding="utf-8")
    return {name: sha for sha, name in (line.split("  ", 1) for line in text.splitlines() if line)}


def list_published_files(number: ZhengNumber) -> dict[str, str]:
    """Return name and SHA-256 of the files of one data set: its cell types first, then images and masks."""
    labels_file = _get_labels_file_name(number)
    names = [labels_file, *(name for name in load_manifest() if name.startswith(f"Dataset {number}/"))]
    return {name: load_manifest()[name] for name in names}


def find_zheng_folder(number: ZhengNumber) -> Path | None:
    """Return the folder that a data set would be read from, or ``None`` if it must be downloaded first.

    Raises:
        DatasetError: If ``WBCSEG_DATA`` is set to a folder that contains neither data set.
    """
    configured = get_data_folder()
    if configured:
        root = _find_root(configured)
        if (root / f"Dataset {number}").is_dir():
            return root
        if not any((root / f"Dataset {other_number}").is_dir() for other_number in (1, 2)):
            raise DatasetError(
                f"WBCSEG_DATA is set to {configured}, but there is no folder “Dataset 1” or “Dataset 2” in it.",
                file=str(configured),
                code=ErrorCode.NOT_FOUND,
                hint=f"Set it to a copy of {REPOSITORY}, or unset it.",
            )
    cache_folder = get_zheng_cache_folder()
    return None if list_missing_files(cache_folder, list(list_published_files(number))) else cache_folder


def get_zheng_cache_folder() -> Path:
    """Return the folder in the user's cache for downloaded files."""
    return get_cache_folder() / "segmentation_WBC"


def open_zheng(
    number: ZhengNumber,
    *,
    data_dir: Path | None = None,
    download: bool = True,
    progress: ProgressCallback | None = None,
) -> Dataset:
    """Open one of the two data sets, or the part of it that is available.

    Files are verified when they are read: a sample whose files are not the published ones raises
    :class:`wbcseg.errors.ManifestError`; the others can still be read.

    Args:
        number: 1 (300 images of 30 sizes, 224 of them 120×120) or 2 (100 images of 300×300).
        data_dir: Read from this folder only.
        download: Whether to download what is neither in ``WBCSEG_DATA`` nor in the cache.
        progress: Called after every downloaded file with done, total, name.

    Returns:
        The samples ``zheng-1/001`` and so on, in the order of the file names.

    Raises:
        DatasetError: If the data is missing and not to be downloaded.
        DownloadError: If it could not be downloaded.
        ManifestError: If the downloaded files are not the published ones.
    """
    if number not in TITLES:
        raise DatasetError(f"Argument `number` must be 1 or 2. Received: {number!r}", code=ErrorCode.INVALID_VALUE)
    root = _find_root(data_dir) if data_dir is not None else find_zheng_folder(number)
    if root is None:
        if not download:
            raise DatasetError(
                f"Data set zheng-{number} is not on this computer yet.",
                code=ErrorCode.NOT_FOUND,
                hint=f"Download it on the page Data sets, or set WBCSEG_DATA to a copy of {REPOSITORY}. Meanwhile the "
                "data set “synthetic” works without any data.",
            )
        root = get_zheng_cache_folder()
        download_files(root, list_published_files(number), BASE_URLS, advice=OFFLINE_ADVICE, progress=progress)
    return _build_dataset(number, root)


def list_pairs(root: Path, number: ZhengNumber) -> tuple[list[str], list[Problem]]:
    """Return the numbers that have an image and a mask, and a problem for every file that was skipped.

    Args:
        root: The folder with ``Dataset 1`` and ``Dataset 2``.
        number: Which of the two.

    Raises:
        DatasetError: If the folder cannot be read.
    """
    folder = root / f"Dataset {number}"
    try:
        names = sorted(path.name for path in folder.iterdir() if path.suffix in (".bmp", ".png"))
    except OSError as error:
        reason = f"The folder could not be read: {error.strerror}."
        raise DatasetError(f"{folder}: {reason}", file=str(folder), reason=reason, code=ErrorCode.UNREADABLE) from error
    # macOS creates files such as "._001.bmp" on foreign disks.
    names = [name for name in names if not name.startswith(".")]
    present = set(names)
    pairs: list[str] = []
    problems: list[Problem] = []
    for name in names:
        stem, _, suffix = name.rpartition(".")
        partner = f"{stem}.{'png' if suffix == 'bmp' else 'bmp'}"
        path = f"Dataset {number}/{name}"
        if path not in load_manifest():
            reason = "The file is not part of the published data set; it was skipped."
            problems.append(Problem(f"{path}: {reason}", path, reason, ErrorCode.UNKNOWN_FILE))
        elif partner not in present:
            is_image = suffix == "bmp"
            reason = f"The {'image has no mask' if is_image else 'mask has no image'}; it was skipped."
            code = ErrorCode.IMAGE_WITHOUT_MASK if is_image else ErrorCode.MASK_WITHOUT_IMAGE
            problems.append(Problem(f"{path}: {reason} {partner} is missing.", path, reason, code))
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
        except ImageError as error:
            problems.append(error.to_problem())
            continue
        except OSError as error:
            name, reason = f"Dataset {number}/{stem}.bmp", f"Reading the file failed: {error.strerror}."
            problems.append(Problem(f"{name}: {reason}", name, reason, ErrorCode.UNREADABLE))
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
    return read_size(image_path, name=f"{image_path.parent.name}/{image_path.name}")


def _read_sample(number: ZhengNumber, root: Path, stem: str, cell_type: CellType | None) -> Sample:
    image_name, mask_name = f"Dataset {number}/{stem}.bmp", f"Dataset {number}/{stem}.png"
    image, labels = open_pair(
        _read_verified(root, image_name),
        _read_verified(root, mask_name),
        image_name=image_name,
        mask_name=mask_name,
        thresholds=MASK_THRESHOLDS,
    )
    source = f"Zheng et al. 2018, Dataset {number}, image {stem}"
    return Sample(f"zheng-{number}/{stem}", image.pixels, labels, cell_type, source)


def _read_verified(root: Path, name: str) -> bytes:
    try:
        data = (root / name).read_bytes()
    except OSError as error:
        reason = f"Reading the file failed: {error.strerror}."
        raise DatasetError(f"{root / name}: {reason}", file=name, reason=reason, code=ErrorCode.UNREADABLE) from error
    received, expected = hashlib.sha256(data).hexdigest(), load_manifest()[name]
    if received != expected:
        raise ManifestError(
            f"File {name} in {root} is not the published one: its SHA-256 should be {expected[:16]}… and is "
            f"{received[:16]}….",
            file=name,
            reason="The file is not the published one.",
            hint=f"Replace it with a fresh copy from {REPOSITORY}. If it is in the cache, delete it, and it will be "
            "downloaded again.",
        )
    return data


def _read_cell_types(number: ZhengNumber, root: Path) -> tuple[dict[int, CellType], list[Problem]]:
    """Read the experts' cell types. Images are usable without them, so an error is only listed as a problem."""
    name = _get_labels_file_name(number)
    try:
        text = _read_verified(root, name).decode("utf-8-sig")
    except DatasetError as error:
        return {}, [replace(error.to_problem(), message=f"The cell types are unknown. {error.message}")]
    rows = list(csv.reader(io.StringIO(text)))[1:]
    return {int(row[0]): CELL_TYPES[int(row[1]) - 1] for row in rows if len(row) == 2}, []


def _get_labels_file_name(number: ZhengNumber) -> str:
    return f"Class Labels of Dataset {number}.csv"


def _find_root(folder: Path) -> Path:
    """Return the folder that contains the data sets: an unpacked archive has one more folder around them."""
    if not (folder / "Dataset 1").is_dir() and not (folder / "Dataset 2").is_dir() and folder.is_dir():
        inner = sorted(path for path in folder.glob("segmentation_WBC*") if path.is_dir())
        if len(inner) == 1:
            return inner[0]
    return folder


def _get_availability(number: ZhengNumber) -> DatasetAvailability | None:
    root = find_zheng_folder(number)
    return DatasetAvailability(str(root), len(list_pairs(root, number)[0])) if root else None


@register_dataset(
    name="zheng-1",
    title=TITLES[1],
    short_title="Zheng 1",
    description="Blood smears with a yellow or white background and expert masks.",
    source=REPOSITORY,
    get_availability=partial(_get_availability, 1),
    acknowledgement=_ACKNOWLEDGEMENTS[1],
    advice=DOWNLOAD_ADVICE,
    can_download=True,
    sample_count=300,
    order=1,
)
def open_zheng_1(*, download: bool, progress: ProgressCallback | None) -> Dataset:
    """Open Dataset 1."""
    return open_zheng(1, download=download, progress=progress)


@register_dataset(
    name="zheng-2",
    title=TITLES[2],
    short_title="Zheng 2",
    description="Blood smears with a purple background and expert masks.",
    source=REPOSITORY,
    get_availability=partial(_get_availability, 2),
    acknowledgement=_ACKNOWLEDGEMENTS[2],
    advice=DOWNLOAD_ADVICE,
    can_download=True,
    sample_count=100,
    order=2,
)
def open_zheng_2(*, download: bool, progress: ProgressCallback | None) -> Dataset:
    """Open Dataset 2."""
    return open_zheng(2, download=download, progress=progress)


@register_dataset(
    name="zheng",
    title="Zheng Dataset 1 and 2",
    short_title="Zheng 1 and 2",
    description="The blood smears of both Zheng data sets, with expert masks.",
    source=REPOSITORY,
    parts=("zheng-1", "zheng-2"),
    can_download=True,
    sample_count=400,
    order=3,
)
def open_both(*, download: bool, progress: ProgressCallback | None) -> Dataset:
    """Open Dataset 1 followed by Dataset 2."""
    parts = [opener(download=download, progress=progress) for opener in (open_zheng_1, open_zheng_2)]
    return concatenate("zheng", "Zheng Dataset 1 and 2", parts)
