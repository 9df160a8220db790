"""The data set ``pbc``: single blood cells with types, boxes and pathologists' attributes, without masks.

:mod:`wbcseg.datasets.fields.pbc` reads the folder, here and for the cell detector. What is not in ``WBCSEG_DATA`` or
beside it is fetched from a repository that has the authors' images; the program brings the tables and the SHA-256 of
every image.
"""

from __future__ import annotations

import hashlib
import lzma
from collections.abc import Mapping
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import Final

from wbcseg.datasets.base import Dataset, SampleInfo
from wbcseg.datasets.download import ProgressCallback, download_files
from wbcseg.datasets.fields import FieldInfo, open_pbc
from wbcseg.datasets.fields.base import IMAGES_FOLDER, find_field_folder, read_table
from wbcseg.datasets.fields.pbc import ACKNOWLEDGEMENT, CELLS_FILE, NAME, SOURCE, TITLE
from wbcseg.datasets.registry import DatasetAvailability, register_dataset
from wbcseg.datasets.sample import Sample
from wbcseg.errors import DatasetError, ErrorCode, ImageError, ManifestError, Problem
from wbcseg.io import read_size
from wbcseg.io.atomic import write_bytes
from wbcseg.labels import ALL_CELL_TYPES, CellType
from wbcseg.paths import get_cache_folder

IMAGE_REPOSITORY: Final = "https://github.com/AuralinACC/Blood-Cell-Classification"
COMMIT: Final = "ad051f48965967724d849f955f029afb7285c465"
BASE_URLS: Final = tuple(
    f"https://raw.githubusercontent.com/AuralinACC/Blood-Cell-Classification/{ref}/PBC_dataset_normal_DIB"
    for ref in (COMMIT, "main")
)
"""Where the images are downloaded from: the commit, or else the newest one (the manifest pins their content)."""

TYPE_FOLDERS: Final[Mapping[str, str]] = {"immature granulocyte": "ig"}
"""Folders on the server whose names are not those of the types."""

MANIFESTS: Final = Path(__file__).parents[1] / "manifests"
TABLES: Final = {CELLS_FILE: "pbc_cells.csv.xz", "attributes.csv": "pbc_attributes.csv.xz"}
"""The tables that the program brings, by their name in the folder; the first one is written last."""

SHA_BYTES: Final = 32

OFFLINE_ADVICE: Final = (
    f"Without a network: put a folder {NAME} with {CELLS_FILE}, attributes.csv and the folder {IMAGES_FOLDER} into "
    "WBCSEG_DATA or beside it."
)
DOWNLOAD_ADVICE: Final = f"Download it (130 MB) from {IMAGE_REPOSITORY}. {OFFLINE_ADVICE}"


@cache
def load_manifest() -> Mapping[str, tuple[str, str]]:
    """Return type and SHA-256 of every published image that is pinned, by its name, in the order of the table."""
    rows = _read_shipped_table(CELLS_FILE).decode("utf-8").splitlines()[1:]
    names = [row.split(",", 2)[:2] for row in rows]
    digests = (MANIFESTS / "pbc_images.sha256.bin").read_bytes()
    return {
        name: (cell_type, digests[SHA_BYTES * index : SHA_BYTES * (index + 1)].hex())
        for index, (name, cell_type) in enumerate(names)
    }


def _read_shipped_table(name: str) -> bytes:
    return lzma.decompress((MANIFESTS / TABLES[name]).read_bytes())


def download_pbc(progress: ProgressCallback | None = None) -> Path:
    """Download the images into the cache and write the tables beside them; return the folder.

    Args:
        progress: Called after every image with done, total, name.

    Raises:
        DownloadError: If an image could not be downloaded. Those that are complete are kept.
        ManifestError: If an image is not the published one.
    """
    folder, manifest = get_cache_folder() / NAME, load_manifest()
    done = 0
    for cell_type in dict.fromkeys(cell_type for cell_type, _ in manifest.values()):
        hashes = {name: sha for name, (own_type, sha) in manifest.items() if own_type == cell_type}
        server_folder = TYPE_FOLDERS.get(cell_type, cell_type)
        download_files(
            folder / IMAGES_FOLDER,
            hashes,
            [f"{url}/{server_folder}" for url in BASE_URLS],
            advice=OFFLINE_ADVICE,
            progress=partial(_report, progress, done, len(manifest)) if progress else None,
        )
        done += len(hashes)
    for name in reversed(TABLES):
        write_bytes(folder / name, _read_shipped_table(name))
    return folder


def _report(progress: ProgressCallback, before: int, total: int, done: int, _part_total: int, name: str) -> None:
    progress(before + done, total, name)


def _find_folder() -> Path | None:
    try:
        return find_field_folder(NAME, SOURCE, marker=CELLS_FILE)
    except DatasetError:
        return None


def _get_availability() -> DatasetAvailability | None:
    folder = _find_folder()
    if folder is None:
        return None
    table = folder / CELLS_FILE
    changed = table.stat().st_mtime_ns if table.exists() else 0
    return DatasetAvailability(str(folder), _count_rows(table, changed))


@lru_cache(maxsize=4)
def _count_rows(table: Path, _changed: int) -> int:
    return len(read_table(table, ("file",)))


def _build_info(field: FieldInfo) -> SampleInfo:
    sample_id = f"{NAME}/{Path(field.name).stem}"
    cell_type = next((name for name in ALL_CELL_TYPES if name == field.note), None)
    size = _read_image_size(field.path, field.path.stat().st_mtime_ns)
    return SampleInfo(
        sample_id, cell_type, size, partial(_read_sample, field, sample_id, cell_type), False, field.cells or ()
    )


@lru_cache(maxsize=20_000)
def _read_image_size(path: Path, _modified_ns: int) -> tuple[int, int]:
    return read_size(path, name=f"{IMAGES_FOLDER}/{path.name}")


def _read_sample(field: FieldInfo, sample_id: str, cell_type: CellType | None) -> Sample:
    image = field.read()
    expected = load_manifest().get(field.name)
    if expected is not None and hashlib.sha256(field.path.read_bytes()).hexdigest() != expected[1]:
        raise ManifestError(
            f"File {field.name} in {field.path.parent} is not the published one.",
            file=field.name,
            reason="The file is not the published one.",
            hint=f"Replace it with a fresh copy from {IMAGE_REPOSITORY}. If it is in the cache, delete it, and it "
            "will be downloaded again.",
        )
    source = f"Acevedo et al. 2020, image {Path(field.name).stem}"
    return Sample(sample_id, image, None, cell_type, source, cells=field.cells or ())


@register_dataset(
    name=NAME,
    title=TITLE,
    short_title="PBC",
    description="Single blood cells of eight types from one laboratory, with boxes and pathologists' attributes. No "
    "masks.",
    source=IMAGE_REPOSITORY,
    kind="types",
    get_availability=_get_availability,
    acknowledgement=ACKNOWLEDGEMENT,
    advice=DOWNLOAD_ADVICE,
    can_download=True,
    sample_count=7772,
    order=3,
)
def open_pbc_dataset(*, download: bool, progress: ProgressCallback | None) -> Dataset:
    """Open the data set."""
    if _find_folder() is None:
        if not download:
            raise DatasetError(
                f"Data set {NAME} is not on this computer yet.",
                code=ErrorCode.NOT_FOUND,
                hint=f"Download it on the page Data sets. {OFFLINE_ADVICE}",
            )
        download_pbc(progress)
    field_set = open_pbc()
    infos: list[SampleInfo] = []
    problems: list[Problem] = []
    for field in field_set:
        try:
            infos.append(_build_info(field))
        except ImageError as error:
            problems.append(error.to_problem())
        except OSError as error:
            name, reason = f"{IMAGES_FOLDER}/{field.name}", f"Reading the file failed: {error.strerror}."
            problems.append(Problem(f"{name}: {reason}", name, reason, ErrorCode.UNREADABLE))
    return Dataset(
        NAME,
        field_set.title,
        infos,
        origin=str(_find_folder()),
        acknowledgement=field_set.acknowledgement,
        problems=problems,
    )
