"""An image at several sizes, in tiles where they are large."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

PYRAMID_SIDES: Final = (72, 144, 288, 576)
"""Longer sides in pixels at which every image is searched, as far as it is that large."""

FINE_PYRAMID_SIDES: Final = (1152, 2304)
"""Further levels, for large images in which the cells are small, or in which none was found so far."""

MIN_LEVEL_RATIO: Final = 1.3
"""A level is left out if the image, or the next level, is not larger than it by this factor."""

SIDE_MULTIPLE: Final = 16
"""Height and width of the network's input are multiples of this."""

MAX_TILE_SIDE: Final = 800
"""Larger levels are searched in tiles, to save memory."""

TILE_OVERLAP: Final = 128
"""Minimum overlap of two tiles in pixels: more than the cells that are searched for at such a level."""

STRIP_HEIGHT: Final = 256
"""Height in pixels of the strips in which a very large image is reduced, to save memory."""


@dataclass(frozen=True)
class Tile:
    """A part of a level.

    Attributes:
        top: First row.
        left: First column.
        height: Height in pixels.
        width: Width in pixels.
        rows: First row, and row after the last, in which peaks are its own; beyond are those of its neighbours.
        columns: The same for columns.
    """

    top: int
    left: int
    height: int
    width: int
    rows: tuple[float, float]
    columns: tuple[float, float]

    @property
    def slices(self) -> tuple[slice, slice]:
        """Index of the tile in the level."""
        return slice(self.top, self.top + self.height), slice(self.left, self.left + self.width)

    def contains(self, y: NDArray[np.floating], x: NDArray[np.floating]) -> NDArray[np.bool_]:
        """Return which points of the level are its own."""
        is_own: NDArray[np.bool_] = (
            (y >= self.rows[0]) & (y < self.rows[1]) & (x >= self.columns[0]) & (x < self.columns[1])
        )
        return is_own


def build_pyramid(image: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    """Return the levels of an image, the largest first; each is downsampled from the one before."""
    longer_side = max(image.shape[:2])
    sides = [side for side in PYRAMID_SIDES[:-1] if MIN_LEVEL_RATIO * side <= longer_side]
    sides.append(min(PYRAMID_SIDES[-1], longer_side))
    size = image.shape[1], image.shape[0]
    level = Image.fromarray(image)
    levels = []
    for side in reversed(sides):
        level = _resize(level, size, side)
        levels.append(np.asarray(level))
    return levels


def resize_to_side(image: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Return an image at about ``side`` pixels, with sides that the network takes."""
    return np.asarray(_resize(Image.fromarray(image), (image.shape[1], image.shape[0]), side))


def reduce_image(image: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Return an image reduced by a whole factor such that its longer side still has at least ``side`` pixels."""
    factor = max(image.shape[:2]) // side
    if factor < 2:
        return image
    step = factor * STRIP_HEIGHT
    strips = [image[top : top + step] for top in range(0, image.shape[0], step)]
    return np.concatenate([np.asarray(Image.fromarray(strip).reduce(factor)) for strip in strips])


def list_tiles(height: int, width: int) -> list[Tile]:
    """Return the tiles of a level; all have the same size, and every point is the own of exactly one."""
    tile_height, tops = _divide(height)
    tile_width, lefts = _divide(width)
    return [
        Tile(top, left, tile_height, tile_width, rows, columns)
        for top, rows in zip(tops, _find_own_spans(tops, tile_height), strict=True)
        for left, columns in zip(lefts, _find_own_spans(lefts, tile_width), strict=True)
    ]


def _divide(length: int) -> tuple[int, list[int]]:
    """Return the side of the tiles along a side of a level, and their starts."""
    if length <= MAX_TILE_SIDE:
        return length, [0]
    count = -(-(length - TILE_OVERLAP) // (MAX_TILE_SIDE - TILE_OVERLAP))
    side = -(-(length + (count - 1) * TILE_OVERLAP) // count)
    side = -(-side // SIDE_MULTIPLE) * SIDE_MULTIPLE
    return side, [round(index * (length - side) / (count - 1)) for index in range(count)]


def _find_own_spans(starts: list[int], side: int) -> list[tuple[float, float]]:
    """Return for each tile the span up to the middle of its overlap with the next one."""
    middles = [(start + side + following) / 2 for start, following in pairwise(starts)]
    return list(zip([-np.inf, *middles], [*middles, np.inf], strict=True))


def _resize(image: Image.Image, size: tuple[int, int], side: int) -> Image.Image:
    """Return an image of which ``size`` is the original width and height at about ``side`` pixels."""
    factor = side / max(size)
    width, height = (max(SIDE_MULTIPLE, round(length * factor / SIDE_MULTIPLE) * SIDE_MULTIPLE) for length in size)
    if (width, height) == image.size:
        return image
    method = Image.Resampling.BOX if width < image.width else Image.Resampling.BILINEAR
    return image.resize((width, height), method, reducing_gap=2.0)
