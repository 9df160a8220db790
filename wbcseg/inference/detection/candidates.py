"""Find candidates for cells: peaks of the heat maps that the detector network computes on an image pyramid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from wbcseg.inference.detection.background import estimate_background, normalise
from wbcseg.inference.detection.boxes import suppress_overlaps
from wbcseg.inference.detection.card import Thresholds
from wbcseg.inference.detection.network import LiteRTNetwork
from wbcseg.inference.detection.pyramid import (
    FINE_PYRAMID_SIDES,
    Tile,
    build_pyramid,
    list_tiles,
    reduce_image,
    resize_to_side,
)
from wbcseg.metrics.boxes import Boxes

STRIDE: Final = 4
"""Pixels of the image per pixel of the heat map."""

MIN_FINE_ENLARGEMENT: Final = 1.4
"""An image is searched at a fine level if it is larger than half of it by this factor."""

CONFIDENT_HEAT: Final = 0.5
"""Heat from which on a candidate tells how large the cells are."""

MAX_LARGE_CELL: Final = 60.0
"""Median cell size in pixels of a level, above which it is not searched: all cells are found at coarser ones."""

MAX_SMALL_CELL: Final = 28.0
"""Median cell size in pixels of the previous level, above which finer levels are not searched."""

SIZE_UNIT: Final = 32.0
"""The network predicts the logarithm of height and width relative to this many pixels."""

CELL_SIZES: Final = (11.0, 140.0)
"""Minimum and maximum size of cells found at one level, in its pixels; others are found at another level."""

MAX_CANDIDATES: Final = 300
"""Maximum number of candidates that are verified."""


@dataclass(frozen=True, eq=False)
class Candidates:
    """What may be cells in an image.

    Attributes:
        boxes: Their boxes in pixels of the image, by falling heat.
        heats: Height of each peak in the heat map, ``float32[N]``, 0 to 1.
        background: Background colour of the image, ``float32[3]``.
        pyramid: The image at several sizes, ``uint8[h, w, 3]`` each, the largest first.
        max_left_out: The largest heat of those beyond :data:`MAX_CANDIDATES`, 0 if there are none.
    """

    boxes: Boxes
    heats: NDArray[np.float32]
    background: NDArray[np.float32]
    pyramid: tuple[NDArray[np.uint8], ...]
    max_left_out: float = 0.0


class CandidateFinder:
    """Finds candidates with the detector network. Threads may share it.

    Args:
        data: Content of the network's LiteRT file.
        thresholds: See :class:`Thresholds`.
        threads: Number of processor threads.
    """

    def __init__(self, data: bytes, thresholds: Thresholds, *, threads: int) -> None:
        self._network = LiteRTNetwork(data, threads=threads)
        self._thresholds = thresholds

    def find(self, image: NDArray[np.uint8]) -> Candidates:
        """Return the candidates in an image, ``uint8[H, W, 3]``."""
        height, width = image.shape[:2]
        longer_side = max(height, width)
        reduced, levels, background = prepare_image(image)
        searched: list[tuple[Boxes, NDArray[np.float32]]] = []
        for level in reversed(levels):
            # Where cells are this large, no smaller one is left for a finer level.
            if searched and _measure_cells(searched) * max(level.shape) / longer_side > MAX_LARGE_CELL:
                break
            searched.append(self._search(level, image.shape, background))
        for side in FINE_PYRAMID_SIDES:
            is_too_fine = _measure_cells(searched) * side / 2 / longer_side > MAX_SMALL_CELL
            if longer_side <= MIN_FINE_ENLARGEMENT * side / 2 or is_too_fine:
                break
            level = resize_to_side(reduced, min(side, longer_side))
            searched.append(self._search(level, image.shape, background))
            levels.insert(0, level)
        boxes, heats = (np.concatenate(parts).astype(np.float32) for parts in zip(*searched, strict=True))
        boxes = np.clip(boxes, 0, np.array((width, height, width, height), np.float32))
        # Candidates inside others remain: the verifier knows better which of the two is the cell.
        kept = suppress_overlaps(boxes, heats, max_iou=self._thresholds.duplicate_iou, max_contained=1.0)
        max_left_out = float(heats[kept[MAX_CANDIDATES:]].max(initial=0.0))
        kept = kept[:MAX_CANDIDATES]
        return Candidates(boxes[kept], heats[kept], background, (image, *levels), max_left_out)

    def _search(
        self, level: NDArray[np.uint8], shape: tuple[int, ...], background: NDArray[np.float32]
    ) -> tuple[Boxes, NDArray[np.float32]]:
        """Return boxes in pixels of the image and heats of one level of the pyramid."""
        found = [self._search_tile(level, tile, background) for tile in list_tiles(*level.shape[:2])]
        boxes, heats = (np.concatenate(parts) for parts in zip(*found, strict=True))
        scale = np.array((shape[1] / level.shape[1], shape[0] / level.shape[0]), np.float32)
        return boxes * np.tile(scale, 2), heats

    def _search_tile(
        self, level: NDArray[np.uint8], tile: Tile, background: NDArray[np.float32]
    ) -> tuple[Boxes, NDArray[np.float32]]:
        """Return boxes in pixels of the level and heats of the peaks that a tile is responsible for."""
        logits, geometry = self._network(normalise(level[tile.slices], background)[None])
        boxes, heats = find_peaks(logits[0, ..., 0], geometry[0], self._thresholds.candidate_heat)
        boxes += np.array((tile.left, tile.top, tile.left, tile.top), np.float32)
        is_own = tile.contains((boxes[:, 1] + boxes[:, 3]) / 2, (boxes[:, 0] + boxes[:, 2]) / 2)
        return boxes[is_own], heats[is_own]


def prepare_image(
    image: NDArray[np.uint8],
) -> tuple[NDArray[np.uint8], list[NDArray[np.uint8]], NDArray[np.float32]]:
    """Return an image reduced to the finest level, the usual levels of its pyramid, and its background colour."""
    reduced = reduce_image(image, FINE_PYRAMID_SIDES[-1])
    levels = build_pyramid(reduced)
    return reduced, levels, estimate_background(levels[min(1, len(levels) - 1)][::2, ::2])


def find_peaks(
    logits: NDArray[np.float32], geometry: NDArray[np.float32], min_heat: float
) -> tuple[Boxes, NDArray[np.float32]]:
    """Return the boxes of the peaks of a heat map, in pixels of the network's input, and their heats.

    Args:
        logits: The heat map as logits, ``float32[h, w]``.
        geometry: ``float32[h, w, 4]``: row and column offset of the centre in pixels of the map, logarithm of the
            cell's height and width relative to :data:`SIZE_UNIT`.
        min_heat: Minimum height of a peak, 0 to 1.
    """
    padded = np.pad(logits, 1, constant_values=-np.inf)
    row_maxima = np.maximum(np.maximum(padded[:, :-2], padded[:, 1:-1]), padded[:, 2:])
    maxima = np.maximum(np.maximum(row_maxima[:-2], row_maxima[1:-1]), row_maxima[2:])
    rows, columns = np.nonzero((logits >= maxima) & (logits > np.log(min_heat / (1 - min_heat))))
    row_offsets, column_offsets, log_heights, log_widths = geometry[rows, columns].T
    y = (rows + 0.5 + row_offsets) * STRIDE
    x = (columns + 0.5 + column_offsets) * STRIDE
    half_height, half_width = (SIZE_UNIT / 2 * np.exp(np.clip(values, -2, 2)) for values in (log_heights, log_widths))
    boxes = np.stack([x - half_width, y - half_height, x + half_width, y + half_height], axis=1).astype(np.float32)
    heats = (1 / (1 + np.exp(-logits[rows, columns]))).astype(np.float32)
    sizes = 2 * np.maximum(half_height, half_width)
    is_in_range = (sizes >= CELL_SIZES[0]) & (sizes <= CELL_SIZES[1])
    return boxes[is_in_range], heats[is_in_range]


def _measure_cells(searched: Sequence[tuple[Boxes, NDArray[np.float32]]]) -> float:
    """Return the median size of the confident candidates in pixels of the image, 0 if there are none."""
    boxes, heats = (np.concatenate(parts) for parts in zip(*searched, strict=True))
    confident = boxes[heats > CONFIDENT_HEAT]
    return float(np.median((confident[:, 2:] - confident[:, :2]).max(axis=1))) if len(confident) else 0.0
