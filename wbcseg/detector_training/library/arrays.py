"""The material of composed fields, decoded once and kept as arrays in the cache."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final, Literal, Self

import numpy as np
from numpy.typing import NDArray

from wbcseg.errors import DatasetError, ErrorCode
from wbcseg.paths import get_cache_folder

Part = Literal["train", "held_out"]
"""Which part of the data: what may train, or what is kept for tests."""

CUTOUT_SIDE: Final = 120
"""Side of a cut-out cell in pixels."""

CUTOUT_FACTOR: Final = 1.6
"""Side of a cut-out relative to the longer side of its cell."""

SCENE_SIDE: Final = 180
"""Side of a scene: images of ``pbc`` are kept at half their size."""

PLATELET_SIDE: Final = 48

TILE_DIAMETER: Final = 30
"""Diameter of a red cell in a tile of synthetic red cells, in pixels."""

TILE_THICKNESS: Final = 130.0
"""Value of a usual red cell's thickness in a tile."""

PBC, ZHENG, SYNTHETIC = 0, 1, 2
"""Where a cut-out comes from. Outlines of ``pbc`` are a network's, of Zheng an expert's, of synthetic cells exact."""


@dataclass(frozen=True, eq=False)
class Library:
    """Everything that fields of one part of the data are composed of.

    Attributes:
        cutouts: Single cells, ``uint8[N, 120, 120, 3]``.
        masks: Their class ids, ``uint8[N, 120, 120]``.
        plasma: Colour of the empty background around each, ``float32[N, 3]``.
        sources: ``uint8[N]``: :data:`PBC`, :data:`ZHENG` or :data:`SYNTHETIC`, in this order.
        scenes: Images of ``pbc`` at half their size, ``uint8[M, 180, 180, 3]``.
        scene_masks: Class ids of the main cell, ``uint8[M, 180, 180]``.
        scene_boxes: Box of the main cell, ``float32[M, 4]``; all 0 in images of platelets.
        scene_ignored: Up to three boxes in which another white cell may be, ``float32[M, 3, 4]``; all 0 if unused.
        red_cell_fields: Fields without white cells, ``uint8[K, 480, 640, 3]``.
        red_cell_tiles: Thickness of synthetic red cells, 130 for a usual one, in tiles that continue at the opposite
            edge, ``uint8[T, 288, 288]``.
        platelets: RGB and coverage, ``uint8[P, 48, 48, 4]``.
        platelet_plasma: ``float32[P, 3]``.
    """

    cutouts: NDArray[np.uint8]
    masks: NDArray[np.uint8]
    plasma: NDArray[np.float32]
    sources: NDArray[np.uint8]
    scenes: NDArray[np.uint8]
    scene_masks: NDArray[np.uint8]
    scene_boxes: NDArray[np.float32]
    scene_ignored: NDArray[np.float32]
    red_cell_fields: NDArray[np.uint8]
    red_cell_tiles: NDArray[np.uint8]
    platelets: NDArray[np.uint8]
    platelet_plasma: NDArray[np.float32]

    @classmethod
    def load(cls, part: Part, folder: Path | None = None) -> Self:
        """Load the arrays of a part; they stay on the disk until they are used.

        Args:
            part: Which part.
            folder: Folder of the library; by default :func:`get_library_folder`.

        Raises:
            DatasetError: If the library has not been built.
        """
        folder = folder or get_library_folder()
        if not is_built(folder):
            raise DatasetError(
                f"There is no library of cells in {folder}.",
                code=ErrorCode.NOT_FOUND,
                hint="`wbcseg finder train` builds it.",
            )
        return cls(**{name: np.load(folder / f"{part}-{name}.npy", mmap_mode="r") for name in LIBRARY_ARRAYS})


LIBRARY_ARRAYS: Final = tuple(field.name for field in fields(Library))


def get_library_folder() -> Path:
    """Return the folder of the library in the cache."""
    return get_cache_folder() / "detector-library"


def is_built(folder: Path) -> bool:
    """Return whether a folder holds a complete library."""
    return all((folder / f"{part}-{name}.npy").exists() for part in ("train", "held_out") for name in LIBRARY_ARRAYS)
