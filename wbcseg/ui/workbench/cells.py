"""The cells of the workbench: those of many images, each with a key that stays the same under corrections."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from wbcseg.pipeline import ImageResult
from wbcseg.pipeline.tiles import Tile
from wbcseg.results import CellResult


@dataclass(frozen=True, eq=False)
class WorkbenchCell:
    """A cell of the workbench.

    Attributes:
        key: Number of its image and its id.
        result: The result for its image.
        cell: The cell.
        tile: Its tile, or ``None`` if there is no image of it.
    """

    key: str
    result: ImageResult
    cell: CellResult
    tile: Tile | None


def collect_cells(results: Sequence[ImageResult], image_names: Iterable[str] | None = None) -> list[WorkbenchCell]:
    """Return the cells of images, in order; crops in which no cell was found have none.

    Args:
        results: The results of all images; their places are part of the keys.
        image_names: Names of the images to take; all by default.
    """
    names = None if image_names is None else set(image_names)
    return [
        WorkbenchCell(f"{position}.{cell.id}", result, cell, tile)
        for position, result in enumerate(results)
        if names is None or result.name in names
        for cell, tile in zip(result.cells, result.tiles or [None] * len(result.cells), strict=True)
        if cell.features is not None
    ]
