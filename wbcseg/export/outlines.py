"""The cells of an image as the export formats take them: class ids, outlines along pixel edges, name and status."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from wbcseg.counting import list_cut_edges
from wbcseg.errors import ErrorCode, WbcsegError
from wbcseg.export.csv import format_column_name
from wbcseg.export.polygons import Polygon, trace_polygons
from wbcseg.labels import BACKGROUND, NUCLEUS, Labels
from wbcseg.results import CellResult


@dataclass(frozen=True, eq=False)
class CellOutline:
    """A cell to write.

    Attributes:
        labels: Class ids ``uint8[H, W]`` of the whole image, or of a crop.
        offset: Column and row of the crop in the image.
        measurements: Measurements by name with unit; undefined ones (NaN) are excluded.
        number: Number of the cell in its image, from 1, as in the table of cells; its value in the label image.
        status: Quality status code; empty if quality was not assessed.
        cut_edges: Names of the image edges that cut the cell.
        is_corrected: Whether a person added or changed it.
        type: Its type, such as ``neutrophil`` or ``unsure``; empty without types.
        type_probability: The type model's probability of that type, if there is one.
    """

    labels: Labels
    offset: tuple[int, int] = (0, 0)
    measurements: Mapping[str, float] | None = None
    number: int = 1
    status: str = ""
    cut_edges: tuple[str, ...] = ()
    is_corrected: bool = False
    type: str = ""
    type_probability: float | None = None

    @property
    def name(self) -> str:
        """Name of the cell in every format, such as “Cell 12”."""
        return f"Cell {self.number}"

    @property
    def attributes(self) -> dict[str, str | int]:
        """What else the formats store of the cell, by the names of columns in the table of cells."""
        attributes: dict[str, str | int] = {"cell_index": self.number}
        attributes |= {"status": self.status} if self.status else {}
        attributes |= {"type": self.type} if self.type else {}
        if self.type_probability is not None:
            attributes["type_probability"] = f"{self.type_probability:.6g}"
        attributes |= {"cut_by_edge": " ".join(self.cut_edges)} if self.cut_edges else {}
        return attributes | ({"origin": "person"} if self.is_corrected else {})

    @cached_property
    def cell_polygons(self) -> list[Polygon]:
        """Outline of the whole cell in pixels of the image."""
        return self.trace(self.labels != BACKGROUND.id)

    @cached_property
    def nucleus_polygons(self) -> list[Polygon]:
        """Outline of the nucleus in pixels of the image."""
        return self.trace(self.labels == NUCLEUS.id)

    def trace(self, region_mask: NDArray[np.bool_]) -> list[Polygon]:
        """Return the outline of a region of the crop, ``bool[h, w]``, in pixels of the image."""
        x, y = self.offset
        return [
            [[(column + x, row + y) for column, row in ring] for ring in polygon]
            for polygon in trace_polygons(region_mask)
        ]


def build_outline(cell: CellResult, labels: Labels, pixel_size: float | None = None) -> CellOutline:
    """Return a cell as input for the export formats.

    Args:
        cell: The cell. The cell of a crop has the number 1.
        labels: Its class ids, ``uint8[h, w]``.
        pixel_size: Pixel size in µm, or ``None``; the measurements' names have the unit.
    """
    values = cell.features.to_units(pixel_size) if cell.features else {}
    return CellOutline(
        labels.astype(np.uint8, copy=False),
        cell.offset or (0, 0),
        {format_column_name(name, pixel_size): value for name, value in values.items()},
        cell.cell_index or 1,
        cell.status,
        list_cut_edges(cell),
        cell.origin == "person",
        cell.type,
        cell.type_probabilities.get(cell.type),
    )


def separate_outlines(outlines: Iterable[CellOutline], size: tuple[int, int]) -> list[CellOutline]:
    """Return the cells of an image so that each pixel belongs to at most one of them: the first that covers it.

    Args:
        outlines: The cells.
        size: Height and width of the image; what lies outside is cut off. Cells without a pixel are left out.
    """
    is_occupied = np.zeros(size, np.bool_)
    separate = []
    for outline in outlines:
        x, y = outline.offset
        labels = outline.labels[: size[0] - y, : size[1] - x]
        occupied = is_occupied[y : y + labels.shape[0], x : x + labels.shape[1]]
        if (occupied & (labels != BACKGROUND.id)).any():
            labels = np.where(occupied, np.uint8(BACKGROUND.id), labels)
        if labels.any():
            occupied |= labels != BACKGROUND.id
            separate.append(outline if labels is outline.labels else replace(outline, labels=labels))
    return separate


def build_label_image(outlines: Sequence[CellOutline], size: tuple[int, int]) -> NDArray[np.uint16]:
    """Return an image in which each pixel has the number of its cell.

    Args:
        outlines: The cells, which do not overlap; see :func:`separate_outlines`.
        size: Height and width of the image.

    Returns:
        ``uint16[H, W]``; 0 is background.

    Raises:
        WbcsegError: If a number is more than 65,535.
    """
    label_image = np.zeros(size, np.uint16)
    largest = np.iinfo(label_image.dtype).max
    for outline in outlines:
        if outline.number > largest:
            raise WbcsegError(
                f"A label image can hold the cells 1 to {largest}. Received: cell {outline.number}.",
                code=ErrorCode.TOO_LARGE,
                hint="Crop the image into parts.",
            )
        x, y = outline.offset
        height, width = outline.labels.shape
        label_image[y : y + height, x : x + width][outline.labels != BACKGROUND.id] = outline.number
    return label_image
