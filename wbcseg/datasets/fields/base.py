"""A set of images whose white cells are marked with boxes or counted, and where its folder is."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from wbcseg.datasets.sample import MarkedCell
from wbcseg.errors import DatasetError, ErrorCode
from wbcseg.io import open_image
from wbcseg.paths import get_cache_folder, get_data_folder


@dataclass(frozen=True)
class FieldInfo:
    """An image of a field set, not read yet.

    Attributes:
        name: File name, unique in its set.
        path: The file.
        cells: The marked cells; ``None`` if they are only counted.
        cell_count: Number of white cells.
        note: What the image shows, in the words of the data set: a cell type or ``platelet``.
    """

    name: str
    path: Path
    cells: tuple[MarkedCell, ...] | None
    cell_count: int
    note: str = ""

    @property
    def boxes(self) -> NDArray[np.float32]:
        """Boxes of the marked cells, ``float32[N, 4]``: left, top, right, bottom."""
        return np.array([cell.box for cell in self.cells or ()], np.float32).reshape(-1, 4)

    def read(self) -> NDArray[np.uint8]:
        """Read the image, ``uint8[H, W, 3]``.

        Raises:
            DatasetError: If the file cannot be read.
            ImageError: If it is not a valid image.
        """
        try:
            data = self.path.read_bytes()
        except OSError as error:
            reason = f"Reading the file failed: {error.strerror}."
            raise DatasetError(
                f"{self.path}: {reason}", file=self.name, reason=reason, code=ErrorCode.UNREADABLE
            ) from error
        return open_image(data, name=self.name).pixels


@dataclass(frozen=True)
class FieldSet:
    """An ordered list of images whose white cells are marked or counted.

    Attributes:
        name: Short name, also that of its folder.
        title: Full title.
        fields: The images.
        acknowledgement: Authors and licence, as users of the data must state them.
    """

    name: str
    title: str
    fields: tuple[FieldInfo, ...] = field(repr=False)
    acknowledgement: str

    def __len__(self) -> int:
        return len(self.fields)

    def __iter__(self) -> Iterator[FieldInfo]:
        return iter(self.fields)

    def select(self, names: Sequence[str] | frozenset[str]) -> tuple[FieldInfo, ...]:
        """Return the images of these names that are on this computer, in the set's order."""
        wanted = frozenset(names)
        return tuple(info for info in self.fields if info.name in wanted)

    def exclude(self, names: Sequence[str] | frozenset[str]) -> tuple[FieldInfo, ...]:
        """Return all other images, in the set's order."""
        unwanted = frozenset(names)
        return tuple(info for info in self.fields if info.name not in unwanted)


IMAGES_FOLDER: Final = "images"
"""Name of the folder of images in that of a field set."""


def find_field_folder(name: str, source: str, *, marker: str = "") -> Path:
    """Return the folder of a field set: in ``WBCSEG_DATA``, beside it, or in the cache.

    Args:
        name: Name of the folder.
        source: Where the data come from, for the error.
        marker: A file that a completely downloaded folder in the cache has.

    Raises:
        DatasetError: If there is no such folder.
    """
    configured = get_data_folder()
    parents = [configured, configured.absolute().parent] if configured else []
    for parent in parents:
        if (parent / name).is_dir():
            return parent / name
    cached = get_cache_folder() / name
    if cached.is_dir() and (cached / marker).exists():
        return cached
    raise DatasetError(
        f"Data set {name} is not on this computer.",
        file=name,
        code=ErrorCode.NOT_FOUND,
        hint=f"Get it from {source} and put it into a folder {name} in WBCSEG_DATA or beside it.",
    )


def read_table(path: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    """Return the rows of a CSV file.

    Args:
        path: The file.
        columns: Columns that it must have.

    Raises:
        DatasetError: If it cannot be read or lacks a column.
    """
    name = f"{path.parent.name}/{path.name}"
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = f"The table could not be read: {getattr(error, 'strerror', None) or error}."
        raise DatasetError(f"{name}: {reason}", file=name, reason=reason, code=ErrorCode.UNREADABLE) from None
    rows = list(csv.DictReader(text.splitlines()))
    missing = [column for column in columns if not rows or rows[0].get(column) is None]
    if missing:
        reason = f"The table must have the columns {', '.join(columns)}; it lacks {', '.join(missing)}."
        raise DatasetError(f"{name}: {reason}", file=name, reason=reason, code=ErrorCode.INVALID_VALUE)
    return rows


def parse_box(row: Mapping[str, str], name: str) -> tuple[float, float, float, float]:
    """Return the box of a table's row.

    Raises:
        DatasetError: If it is not four numbers, in order.
    """
    try:
        left, top, right, bottom = (float(row[column]) for column in BOX_COLUMNS)
    except ValueError:
        left = top = right = bottom = 0.0
    if not (left < right and top < bottom):
        reason = f"The box of {row['file']} must be four numbers with left < right and top < bottom."
        raise DatasetError(f"{name}: {reason}", file=name, reason=reason, code=ErrorCode.INVALID_VALUE)
    return left, top, right, bottom


BOX_COLUMNS = ("left", "top", "right", "bottom")
