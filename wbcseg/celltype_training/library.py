"""The cells that train and test the type model: segmented, cut out and measured once, kept as arrays in the cache."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final, Literal, Self

import numpy as np
from numpy.typing import NDArray

from wbcseg.celltypes.crops import NETWORK_SIDE, TypeCrop
from wbcseg.celltypes.names import TYPE_NAMES
from wbcseg.errors import DatasetError, ErrorCode
from wbcseg.paths import get_cache_folder

Part = Literal["train", "held_out", "example"]
"""What may train, what is kept for tests, and what is kept for demonstrations."""

Source = Literal["pbc", "zheng-1", "zheng-2", "chula-rbc-12"]

LIBRARY_SIDE: Final = 160
"""Side of the crops in pixels: room for turning them and for zooming out."""

INDEX_FILE: Final = "cells.json"
UNKNOWN: Final = -1
"""Value of an attribute that nobody stated."""

ATTRIBUTES: Final[dict[str, tuple[str, ...]]] = {
    "cell_size": ("small", "big"),
    "cell_shape": ("round", "irregular"),
    "nucleus_shape": (
        "irregular",
        "segmented-bilobed",
        "segmented-multilobed",
        "unsegmented-band",
        "unsegmented-indented",
        "unsegmented-round",
    ),
    "nuclear_cytoplasmic_ratio": ("low", "high"),
    "chromatin_density": ("loosely", "densely"),
    "cytoplasm_vacuole": ("no", "yes"),
    "cytoplasm_texture": ("clear", "frosted"),
    "cytoplasm_colour": ("blue", "light blue", "purple blue"),
    "granule_type": ("coarse", "nil", "round", "small"),
    "granule_colour": ("nil", "pink", "purple", "red"),
    "granularity": ("no", "yes"),
}
"""What pathologists said of cells of ``pbc`` (WBCAtt), and the values in order."""


@dataclass(frozen=True)
class LibraryCell:
    """What is known of a cell.

    Attributes:
        name: Its image.
        source: The data set.
        part: What it may be used for.
        cell_type: One of :data:`wbcseg.celltypes.TYPE_NAMES`.
        subtype: One of :data:`wbcseg.celltypes.SUBTYPE_NAMES`, or empty.
    """

    name: str
    source: Source
    part: Part
    cell_type: str
    subtype: str


@dataclass(frozen=True, eq=False)
class CellLibrary:
    """Cells with their crops and measurements.

    Attributes:
        cells: What is known of each.
        crops: ``uint8[N, 160, 160, 3]``.
        labels: Class ids, ``uint8[N, 160, 160]``.
        backgrounds: Colour of the background around each, ``float32[N, 3]``.
        features: ``float32[N, len(TYPE_FEATURES)]``.
        possible: Which subtypes each may be, ``bool[N, len(SUBTYPES)]``.
        attributes: Index of each value in :data:`ATTRIBUTES`, or :data:`UNKNOWN`; ``int8[N, len(ATTRIBUTES)]``.
    """

    cells: tuple[LibraryCell, ...]
    crops: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    backgrounds: NDArray[np.float32]
    features: NDArray[np.float32]
    possible: NDArray[np.bool_]
    attributes: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.cells)

    def select(self, indices: NDArray[np.intp]) -> CellLibrary:
        """Return some of the cells."""
        arrays = {name: getattr(self, name)[indices] for name in LIBRARY_ARRAYS}
        return CellLibrary(tuple(self.cells[index] for index in indices), **arrays)

    def find(self, *, part: Part | None = None, sources: tuple[str, ...] | None = None) -> NDArray[np.intp]:
        """Return the indices of the cells of a part and of some data sets."""
        return np.array(
            [
                index
                for index, cell in enumerate(self.cells)
                if (part is None or cell.part == part) and (sources is None or cell.source in sources)
            ],
            np.intp,
        )

    def get_truth(self, indices: Sequence[int] | NDArray[np.intp]) -> NDArray[np.intp]:
        """Return the index of the type of each cell in :data:`wbcseg.celltypes.TYPE_NAMES`, ``int[N]``."""
        names: list[str] = list(TYPE_NAMES)
        return np.array([names.index(self.cells[index].cell_type) for index in indices], np.intp)

    @classmethod
    def load(cls, folder: Path | None = None) -> Self:
        """Load a library; its arrays stay on the disk until they are used.

        Args:
            folder: Its folder, by default :func:`get_library_folder`.

        Raises:
            DatasetError: If it has not been built.
        """
        folder = folder or get_library_folder()
        if not is_built(folder):
            raise DatasetError(
                f"There is no library of cells in {folder}.",
                code=ErrorCode.NOT_FOUND,
                hint="`wbcseg types train` builds it.",
            )
        rows = json.loads((folder / INDEX_FILE).read_text(encoding="utf-8"))
        arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in LIBRARY_ARRAYS}
        return cls(tuple(LibraryCell(*row) for row in rows), **arrays)


def cut_library_crop(library: CellLibrary, index: int) -> TypeCrop:
    """Return a cell of a library as the type model cuts it out."""
    first = (LIBRARY_SIDE - NETWORK_SIDE) // 2
    part = slice(first, first + NETWORK_SIDE)
    return TypeCrop(library.crops[index][part, part], library.labels[index][part, part], library.backgrounds[index])


LIBRARY_ARRAYS: Final = tuple(field.name for field in fields(CellLibrary) if field.name != "cells")


def get_library_folder() -> Path:
    """Return the folder of the library in the cache."""
    return get_cache_folder() / "type-library"


def is_built(folder: Path) -> bool:
    """Return whether a folder holds a complete library."""
    return all((folder / name).exists() for name in (INDEX_FILE, *(f"{name}.npy" for name in LIBRARY_ARRAYS)))
