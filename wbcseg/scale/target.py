"""The folder of results, on any file system: parts of three tables, label images, and the manifest of what is done.

::

    cells/CHUNK.parquet      a row for each cell, and for each image without one
    images/CHUNK.parquet     a row for each image
    problems/CHUNK.parquet   a row for each image that could not be used
    labels/NAME.png          label images, 16 bits
    manifest/CHUNK.json      the images of a finished chunk, with version and content hash
    summary.json             counts over all

The entry in the manifest is written last. A part without an entry is left from a run that was killed, and is deleted.
"""

from __future__ import annotations

import hashlib
import io
import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final, TypeVar

import fsspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from wbcseg.errors import ErrorCode, WbcsegError
from wbcseg.io.filenames import make_safe_stem

TABLES: Final = ("cells", "images", "problems")
MANIFEST: Final = "manifest"
LABELS: Final = "labels"
SUMMARY_FILE: Final = "summary.json"
WRITE_ATTEMPTS: Final = 5

T = TypeVar("T")


@dataclass(frozen=True)
class DoneImage:
    """An image of a finished chunk.

    Attributes:
        name: Its name.
        version: See :class:`wbcseg.scale.addresses.SourceImage`.
        sha256: Hash of its content, mask included; empty if it could not be read.
    """

    name: str
    version: str
    sha256: str


@dataclass(frozen=True)
class Entry:
    """A finished chunk.

    Attributes:
        id: Name of its files.
        options_digest: Digest of the options.
        images: Its images.
        cells: Number of cells.
        problems: Number of images that could not be used.
        retries: How often reading a file was repeated.
        seconds: Time that it took.
        statuses: Number of rows of each status in the table of cells.
        types: Number of cells of each type; empty without types.
    """

    id: str
    options_digest: str
    images: tuple[DoneImage, ...]
    cells: int = 0
    problems: int = 0
    retries: int = 0
    seconds: float = 0.0
    statuses: Mapping[str, int] = field(default_factory=dict)
    types: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def from_tables(
        cls,
        chunk_id: str,
        options_digest: str,
        images: Iterable[DoneImage],
        tables: Mapping[str, pa.Table],
        *,
        retries: int = 0,
        seconds: float = 0.0,
    ) -> Entry:
        """Return the entry of a chunk with these tables."""
        cells = tables["cells"].select(["cell_index", "status", "type"]).to_pylist()
        found = [cell for cell in cells if cell["cell_index"] is not None]
        return cls(
            chunk_id,
            options_digest,
            tuple(images),
            len(found),
            tables["problems"].num_rows,
            retries,
            round(seconds, 2),
            dict(Counter(cell["status"] for cell in cells if cell["status"])),
            dict(Counter(cell["type"] for cell in found if cell["type"])),
        )

    @classmethod
    def from_json(cls, data: bytes) -> Entry:
        """Read an entry.

        Raises:
            WbcsegError: If it is damaged.
        """
        try:
            values = json.loads(data)
            images = tuple(DoneImage(**image) for image in values.pop("images"))
            return cls(images=images, **values)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise WbcsegError(f"An entry of the manifest is damaged: {error}.", code=ErrorCode.DAMAGED) from None


class Target:
    """A folder of results.

    Args:
        address: Its address: a path, or what fsspec writes to.

    Raises:
        WbcsegError: If there is no such file system.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        try:
            self._system, self._root = fsspec.core.url_to_fs(address)
        except (ImportError, ValueError) as error:
            raise WbcsegError(f"Folder {address} cannot be written: {error}", code=ErrorCode.WRITE_FAILED) from None
        # Listings must show what other processes wrote.
        self._system.use_listings_cache = False

    def write(self, name: str, data: bytes) -> None:
        """Write a file under a temporary name and rename it.

        Raises:
            WbcsegError: If it cannot be written.
        """
        path, temporary = f"{self._root}/{name}", f"{self._root}/{_hide(name)}"

        def put() -> None:
            self._system.makedirs(path.rpartition("/")[0], exist_ok=True)
            self._system.pipe_file(temporary, data)
            self._system.mv(temporary, path)

        _repeat(put, f"File {name} in {self.address} cannot be written")

    def read(self, name: str) -> bytes:
        """Return the content of a file.

        Raises:
            WbcsegError: If it cannot be read.
        """
        data: bytes = _repeat(
            lambda: self._system.cat_file(f"{self._root}/{name}"), f"File {name} in {self.address} cannot be read"
        )
        return data

    def list_names(self, folder: str) -> list[str]:
        """Return the names of the files in a folder, sorted."""
        self._system.invalidate_cache()
        path = f"{self._root}/{folder}"
        if not self._system.exists(path):
            return []
        return sorted(str(found).rpartition("/")[2] for found in self._system.ls(path, detail=False))

    def delete(self, name: str) -> None:
        """Delete a file, if it is there."""
        if self._system.exists(f"{self._root}/{name}"):
            self._system.rm_file(f"{self._root}/{name}")

    def write_chunk(self, entry: Entry, tables: Mapping[str, pa.Table]) -> None:
        """Write the tables of a chunk and then its entry."""
        for name, table in tables.items():
            self.write(f"{name}/{entry.id}.parquet", _encode_table(table))
        self.write(f"{MANIFEST}/{entry.id}.json", json.dumps(asdict(entry)).encode())

    def read_table(self, name: str, chunk_id: str) -> pa.Table:
        """Return the part of a table."""
        return pq.read_table(io.BytesIO(self.read(f"{name}/{chunk_id}.parquet")))

    def load_entries(self) -> dict[str, Entry]:
        """Return the finished chunks by id."""
        names = [name for name in self.list_names(MANIFEST) if name.endswith(".json") and not name.startswith(".")]
        entries = (Entry.from_json(self.read(f"{MANIFEST}/{name}")) for name in names)
        return {entry.id: entry for entry in entries}

    def tidy(self, is_current: Callable[[str, DoneImage], bool]) -> dict[str, Entry]:
        """Delete what is not the result of a present image, and return the entries that are left.

        Parts without an entry are deleted. Images that two entries name, or that are not current, lose their rows.

        Args:
            is_current: Whether an image's result is still right, by digest of the options and image.
        """
        entries = self.load_entries()
        for table in (*TABLES, MANIFEST):
            for name in self.list_names(table):
                if name.startswith(".") or name.partition(".")[0] not in entries:
                    self.delete(f"{table}/{name}")
        seen: set[str] = set()
        kept: dict[str, Entry] = {}
        for entry in entries.values():
            images = [
                image for image in entry.images if image.name not in seen and is_current(entry.options_digest, image)
            ]
            seen |= {image.name for image in images}
            if len(images) == len(entry.images):
                kept[entry.id] = entry
            else:
                self._replace_entry(entry, images, kept)
        return kept

    def _replace_entry(self, entry: Entry, images: list[DoneImage], kept: dict[str, Entry]) -> None:
        """Write a chunk again with fewer images, under another id, or delete it."""
        if images:
            names = pa.array([image.name for image in images])
            tables = {name: self.read_table(name, entry.id) for name in TABLES}
            tables = {name: table.filter(pc.is_in(table["image"], names)) for name, table in tables.items()}
            new_id = hashlib.sha256(f"{entry.id}\0{names}".encode()).hexdigest()[:20]
            smaller = Entry.from_tables(new_id, entry.options_digest, images, tables, retries=entry.retries)
            self.write_chunk(smaller, tables)
            kept[new_id] = smaller
        self.delete(f"{MANIFEST}/{entry.id}.json")
        for table in TABLES:
            self.delete(f"{table}/{entry.id}.parquet")


def choose_label_name(image_name: str) -> str:
    """Return the name of an image's label image: the same whatever other images there are."""
    stem = make_safe_stem(image_name, set())
    return f"{LABELS}/{stem}-{hashlib.sha256(image_name.encode()).hexdigest()[:8]}.png"


def _encode_table(table: pa.Table) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    return buffer.getvalue()


def _hide(name: str) -> str:
    folder, slash, file = name.rpartition("/")
    return f"{folder}{slash}.{file}.part"


def _repeat(action: Callable[[], T], failure: str) -> T:
    """Do something that may fail for a moment; a full disk or a forbidden folder fails in the end."""
    pause = 0.2
    for attempt in range(WRITE_ATTEMPTS):
        try:
            return action()
        except Exception as error:
            if attempt + 1 == WRITE_ATTEMPTS or isinstance(error, PermissionError | FileNotFoundError):
                raise WbcsegError(f"{failure}: {error}", code=ErrorCode.WRITE_FAILED) from None
            time.sleep(pause)
            pause *= 2
    raise AssertionError("unreachable")


def count_rows(entries: Iterable[Entry]) -> dict[str, Any]:
    """Return counts over finished chunks: images, cells, problems, retries, cells by status and by type."""
    all_entries = list(entries)
    statuses: Counter[str] = Counter()
    types: Counter[str] = Counter()
    for entry in all_entries:
        statuses.update(entry.statuses)
        types.update(entry.types)
    return {
        "statuses": dict(sorted(statuses.items())),
        "types": dict(sorted(types.items())),
        "images": sum(len(entry.images) for entry in all_entries),
        "cells": sum(entry.cells for entry in all_entries),
        "problems": sum(entry.problems for entry in all_entries),
        "retries": sum(entry.retries for entry in all_entries),
        "chunks": len(all_entries),
    }
