"""Tiles: cells cut out of their images, all squares of one size, to be shown side by side."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from wbcseg.io.encode import encode_jpeg
from wbcseg.labels import BACKGROUND, NUCLEUS, Labels, find_bounds
from wbcseg.results import CellResult, Pixels
from wbcseg.visualization import trace_outlines

TILE_SIDE: Final = 96
"""Side of a tile in pixels."""

MARGIN_FACTOR: Final = 1.3
"""Side of the square that a tile shows, relative to the longer side of the cell."""

MIN_SQUARE: Final = 12.0
"""Smallest side of that square in pixels of the image."""

COORDINATE_SCALE: Final = 2
"""Coordinates of outlines are in fractions of a tile's pixel: halves."""

MAX_CORNERS: Final = 48
"""Corners of an outline that a tile keeps."""

BACKGROUND_PERCENTILE: Final = 80
"""Percentile of the colours around a cell that fills what lies beyond the image."""

Ring = tuple[tuple[int, int], ...]
"""Corners of an outline: x and y, 0 to ``COORDINATE_SCALE * TILE_SIDE``."""


@dataclass(frozen=True, eq=False)
class Tile:
    """A cell in the middle of a square.

    Attributes:
        jpeg: The square without an overlay, ``TILE_SIDE`` pixels wide, as a JPEG file.
        square: Side of the square in pixels of the image, by which tiles are shown at one scale.
        outline: The outline of the cell.
        nuclei: The outlines of the pieces of its nucleus.
    """

    jpeg: bytes = field(repr=False)
    square: float
    outline: Ring = ()
    nuclei: tuple[Ring, ...] = ()


_tiles: WeakKeyDictionary[Callable[[], Pixels], Tile] = WeakKeyDictionary()
"""Tiles by the loader of the cell's pixels, which copies of a record share."""


def render_tile(image: NDArray[np.uint8], cell: CellResult) -> Tile:
    """Return the tile of a cell.

    Args:
        image: The whole image that the cell is in, ``uint8[H, W, 3]``.
        cell: The cell, with pixels in memory.
    """
    tile = _tiles.get(cell.load)
    if tile is None:
        tile = _tiles[cell.load] = _render(image, cell.load()[1], cell.offset or (0, 0))
    return tile


def render_large_tile(image: NDArray[np.uint8], cell: CellResult, side: int) -> bytes:
    """Return the square of a cell's tile with more pixels, as a JPEG file.

    Args:
        image: The whole image that the cell is in, ``uint8[H, W, 3]``.
        cell: The cell.
        side: Side of the result in pixels.
    """
    return encode_jpeg(cut_square(image, *_find_square(cell.load()[1], cell.offset or (0, 0)), side))


def cut_square(image: NDArray[np.uint8], centre: tuple[float, float], square: float, side: int) -> NDArray[np.uint8]:
    """Return a square of an image, resized; what lies beyond the image has the colour of the background.

    Args:
        image: ``uint8[H, W, 3]``.
        centre: x and y of the centre of the square.
        square: Its side in pixels of the image.
        side: Side of the result in pixels.

    Returns:
        ``uint8[side, side, 3]``.
    """
    height, width = image.shape[:2]
    left, top = centre[0] - square / 2, centre[1] - square / 2
    x1, y1 = max(0, math.floor(left)), max(0, math.floor(top))
    x2, y2 = min(width, math.ceil(left + square)), min(height, math.ceil(top + square))
    part = image[y1 : max(y2, y1 + 1), x1 : max(x2, x1 + 1)]
    before, after = (y1 - math.floor(top), x1 - math.floor(left)), (math.ceil(top + square), math.ceil(left + square))
    if any(before) or after[0] > height or after[1] > width:
        fill = np.percentile(part.reshape(-1, 3), BACKGROUND_PERCENTILE, axis=0).astype(np.uint8)
        size = (after[0] - math.floor(top), after[1] - math.floor(left), 3)
        padded = np.broadcast_to(fill, size).copy()
        padded[before[0] : before[0] + part.shape[0], before[1] : before[1] + part.shape[1]] = part
        part = padded
    box = (left - math.floor(left), top - math.floor(top))
    resample = Image.Resampling.BOX if square > side else Image.Resampling.BICUBIC
    resized = Image.fromarray(np.ascontiguousarray(part)).resize(
        (side, side), resample, (*box, box[0] + square, box[1] + square)
    )
    return np.asarray(resized)


def _render(image: NDArray[np.uint8], labels: Labels, offset: tuple[int, int]) -> Tile:
    centre, square = _find_square(labels, offset)
    pixels = cut_square(image, centre, square, TILE_SIDE)
    corner = (centre[0] - square / 2 - offset[0], centre[1] - square / 2 - offset[1])
    cell = _trace(labels != BACKGROUND.id, corner, square)
    return Tile(
        encode_jpeg(pixels), square, max(cell, key=len, default=()), _trace(labels == NUCLEUS.id, corner, square)
    )


def _find_square(labels: Labels, offset: tuple[int, int]) -> tuple[tuple[float, float], float]:
    """Return centre and side of the square round a cell, in pixels of its image."""
    height, width = labels.shape
    left, top, right, bottom = find_bounds(labels != BACKGROUND.id) or (0, 0, width, height)
    square = max(MIN_SQUARE, MARGIN_FACTOR * max(right - left, bottom - top))
    return (offset[0] + (left + right) / 2, offset[1] + (top + bottom) / 2), square


def _trace(mask: NDArray[np.bool_], corner: tuple[float, float], square: float) -> tuple[Ring, ...]:
    """Return the outlines of a mask in coordinates of a tile."""
    # As coarse as the tile: more detail would only cost time.
    positions = (np.arange(TILE_SIDE) + 0.5) * square / TILE_SIDE
    columns, rows = (np.floor(start + positions).astype(int) for start in corner)
    inside_x, inside_y = (columns >= 0) & (columns < mask.shape[1]), (rows >= 0) & (rows < mask.shape[0])
    coarse = np.zeros((TILE_SIDE, TILE_SIDE), np.bool_)
    coarse[np.ix_(inside_y, inside_x)] = mask[np.ix_(rows[inside_y], columns[inside_x])]
    return tuple(_round(outline) for outline in trace_outlines(coarse))


def _round(outline: Sequence[Sequence[float]] | NDArray[np.float64]) -> Ring:
    corners = np.asarray(outline)
    corners = corners[:: max(1, -(-len(corners) // MAX_CORNERS))]
    limited = np.clip(np.rint(COORDINATE_SCALE * corners), 0, COORDINATE_SCALE * TILE_SIDE).astype(int)
    return tuple((int(x), int(y)) for x, y in limited)
