"""Whole fields of view: finding the white cells by their nuclei, and segmenting each of them by itself."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from wbcseg.inference.postprocess import keep_main_cell
from wbcseg.labels import BACKGROUND, NUCLEUS, Labels, fast_argmax

MAX_DETECTION_SIDE: Final = 1200
"""Longer side in pixels at which nuclei are looked for."""

CHANNEL_WEIGHTS: Final = (0.7, 0.15, 0.15)
"""What red, green and blue light count. Stains of nuclei absorb red; haemoglobin and eosin hardly do."""

MIN_DENSITY: Final = 0.17
"""Optical density below which nothing is a nucleus."""

SECOND_PASS_FACTOR: Final = 0.65
"""A second search takes what has this share of the density that the first one asked for."""

MAX_LOBE_GAP: Final = 0.45
"""Lobes of one nucleus lie less apart than this share of their size."""

MIN_AREA_RATIO: Final = 0.22
"""Of the usual area of the nuclei in the field; what is smaller is a platelet or dirt."""

MAX_AREA_RATIO: Final = 6.0
"""Likewise; what is larger is no nucleus but a clump of cells or a stain."""

MIN_PIECE_AREA: Final = 25
"""Area in pixels of the shrunk picture below which nothing is a piece of a nucleus."""

CROP_FACTOR: Final = 2.4
"""Side of the crop around a nucleus, over the nucleus's longer side."""

CROP_GROWTH: Final = 1.5
"""By how much a crop grows whose cell does not fit in."""

MAX_CROP_GROWTHS: Final = 2
"""How often it grows at most."""

MAX_PIECES: Final = 3000
"""Dark pieces of a picture beyond which they are a texture and none is a nucleus: to join them would take minutes."""

MIN_NUCLEUS_FRACTION: Final = 0.05
"""Of a white cell's area, the least that its nucleus takes."""


@dataclass(frozen=True)
class BBox:
    """Where a white cell is, in pixels of the field.

    Attributes:
        top: First row of its crop.
        left: First column.
        bottom: Row behind the last one.
        right: Column behind the last one.
    """

    top: int
    left: int
    bottom: int
    right: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """The crop, as an index of the field."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    def expand(self, factor: float, height: int, width: int) -> BBox:
        """Return a crop around the same middle, ``factor`` times as large, but not beyond the field."""
        y, x = (self.top + self.bottom) / 2, (self.left + self.right) / 2
        down, across = ((b - a) * factor / 2 for a, b in ((self.top, self.bottom), (self.left, self.right)))
        return _clip_bbox(y - down, x - across, y + down, x + across, height, width)


@dataclass(frozen=True, eq=False)
class DetectedCell:
    """A white cell of a field of view.

    Attributes:
        bbox: Where its crop is.
        probabilities: ``float32[h, w, 3]`` of the classes, as the crop was segmented.
        cell_mask: ``bool[h, w]``: which pixels of the crop are this cell's.
    """

    bbox: BBox
    probabilities: NDArray[np.float32]
    cell_mask: NDArray[np.bool_]


def detect_nuclei(field: NDArray[np.uint8]) -> list[BBox]:
    """Return where nuclei may be: those that are dark enough first, then what might be a pale one.

    Args:
        field: ``uint8[H, W, 3]``, RGB.

    Returns:
        Crops around them with room for the cell; each from top to bottom. A pale one may lie around a dark one.
    """
    # Loaded here, because those who only list models should not wait for it.
    from scipy import ndimage
    from skimage.filters import threshold_otsu

    height, width = field.shape[:2]
    factor = max(1.0, max(height, width) / MAX_DETECTION_SIDE)
    size = (max(1, round(width / factor)), max(1, round(height / factor)))
    small = np.asarray(Image.fromarray(field).resize(size, Image.Resampling.BOX)) if factor > 1 else field
    density = ndimage.gaussian_filter(_compute_density(small), 1.0)
    stained = density[density > MIN_DENSITY / 2]
    if not stained.size or np.ptp(stained) == 0:
        return []
    usual = 0.0
    places = []
    threshold = max(MIN_DENSITY, float(threshold_otsu(stained)))
    for least in (threshold, max(MIN_DENSITY, SECOND_PASS_FACTOR * threshold)):
        groups = _find_dark_pieces(density > least)
        if groups and not usual:
            # The median of those that are at least a third of the largest, so that dirt does not count.
            largest = max(area for _, area in groups)
            usual = float(np.median([area for _, area in groups if area > largest / 3]))
        kept = sorted(box for box, area in groups if MIN_AREA_RATIO * usual <= area <= MAX_AREA_RATIO * usual)
        places += [_expand_to_crop(box, factor, height, width) for box in kept]
    return list(dict.fromkeys(places))


def segment_field_of_view(
    field: NDArray[np.uint8], look: Callable[[NDArray[np.uint8]], NDArray[np.float32]]
) -> tuple[Labels, tuple[DetectedCell, ...]]:
    """Segment every white cell of a field of view.

    Args:
        field: ``uint8[H, W, 3]``, RGB.
        look: Segments a crop of one cell: ``uint8[h, w, 3]`` to class probabilities ``float32[h, w, 3]``.

    Returns:
        Class ids ``uint8[H, W]``, background where no cell was found; and the cells, from top to bottom and left to
        right.
    """
    height, width = field.shape[:2]
    labels = np.full((height, width), BACKGROUND.id, np.uint8)
    taken = np.zeros((height, width), np.bool_)
    cells = []
    for place in detect_nuclei(field):
        middle = ((place.top + place.bottom) // 2, (place.left + place.right) // 2)
        if taken[middle]:
            continue
        found = look(np.ascontiguousarray(field[place.slices]))
        cell = _find_central_cell(found)
        for _ in range(MAX_CROP_GROWTHS):
            if cell is None or not _is_cut_off(cell, place, height, width):
                break
            place = place.expand(CROP_GROWTH, height, width)
            found = look(np.ascontiguousarray(field[place.slices]))
            cell = _find_central_cell(found)
        # A cell found before, a little of which is seen again, is no other one.
        if cell is None or (taken[place.slices] & cell).sum() > 0.3 * cell.sum():
            continue
        new = cell & ~taken[place.slices]
        labels[place.slices][new] = fast_argmax(found[new])
        taken[place.slices] |= new
        cells.append(DetectedCell(place, found, new))
    cells.sort(key=lambda one: (one.bbox.top + one.bbox.bottom, one.bbox.left + one.bbox.right))
    return labels, tuple(cells)


def _find_central_cell(probabilities: NDArray[np.float32]) -> NDArray[np.bool_] | None:
    """Return the main cell of a crop, or ``None`` where it is none: without a nucleus, or beside the middle."""
    labels = keep_main_cell(fast_argmax(probabilities))
    cell = labels != BACKGROUND.id
    if not cell.any() or (labels == NUCLEUS.id).sum() < MIN_NUCLEUS_FRACTION * cell.sum():
        return None
    rows, columns = np.nonzero(cell)
    inside = all(
        places.min() - 0.1 * length <= length / 2 <= places.max() + 0.1 * length
        for places, length in zip((rows, columns), cell.shape, strict=True)
    )
    return cell if inside else None


def _is_cut_off(cell: NDArray[np.bool_], place: BBox, height: int, width: int) -> bool:
    """Whether a cell reaches the border of its crop, where that is not the field's."""
    borders = (
        (place.top > 0, cell[0]),
        (place.left > 0, cell[:, 0]),
        (place.bottom < height, cell[-1]),
        (place.right < width, cell[:, -1]),
    )
    return any(free and border.any() for free, border in borders)


def _compute_density(field: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return how strongly light is absorbed at every pixel, ``float32[H, W]``: 0 for plasma, .4 to 1 for nuclei."""
    light = field.astype(np.float32) + 1.0
    # Plasma is what is brightest over wide parts, however the lamp is coloured.
    plasma = np.percentile(light, 90, axis=(0, 1)).astype(np.float32)
    weights = np.array(CHANNEL_WEIGHTS, np.float32)
    density: NDArray[np.float32] = np.maximum(0.0, np.log10(plasma / light)) @ weights
    return density


PieceBox = tuple[int, int, int, int]


def _find_dark_pieces(dark: NDArray[np.bool_]) -> list[tuple[PieceBox, int]]:
    """Return the dark pieces, lobes joined, with their areas."""
    from scipy import ndimage

    pieces, count = ndimage.label(ndimage.binary_opening(dark, iterations=1))
    areas = np.bincount(pieces.ravel(), minlength=count + 1)[1:].tolist()
    boxes = [(r.start, c.start, r.stop, c.stop) for r, c in ndimage.find_objects(pieces)]
    large = [(box, area) for box, area in zip(boxes, areas, strict=True) if area >= MIN_PIECE_AREA]
    return _join_lobes(large) if len(large) <= MAX_PIECES else []


def _join_lobes(pieces: Sequence[tuple[PieceBox, int]]) -> list[tuple[PieceBox, int]]:
    """Join pieces that lie so close that they are lobes of one nucleus."""
    groups: list[tuple[PieceBox, int]] = []
    for piece in sorted(pieces, key=lambda one: -one[1]):
        # What was joined may now be near to what was not.
        near = [one for one in groups if _are_close(one, piece)]
        while near:
            for one in near:
                groups.remove(one)
                piece = (_merge_boxes(one[0], piece[0]), one[1] + piece[1])
            near = [one for one in groups if _are_close(one, piece)]
        groups.append(piece)
    return groups


def _are_close(one: tuple[PieceBox, int], other: tuple[PieceBox, int]) -> bool:
    (a, area), (b, more) = one, other
    down = max(0, a[0] - b[2], b[0] - a[2])
    across = max(0, a[1] - b[3], b[1] - a[3])
    return math.hypot(down, across) < MAX_LOBE_GAP * (math.sqrt(area) + math.sqrt(more)) / 2


def _merge_boxes(a: PieceBox, b: PieceBox) -> PieceBox:
    return min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])


def _expand_to_crop(box: PieceBox, factor: float, height: int, width: int) -> BBox:
    top, left, bottom, right = (n * factor for n in box)
    half = CROP_FACTOR * max(bottom - top, right - left) / 2
    y, x = (top + bottom) / 2, (left + right) / 2
    return _clip_bbox(y - half, x - half, y + half, x + half, height, width)


def _clip_bbox(top: float, left: float, bottom: float, right: float, height: int, width: int) -> BBox:
    return BBox(max(0, round(top)), max(0, round(left)), min(height, round(bottom)), min(width, round(right)))
