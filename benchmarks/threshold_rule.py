"""The rule that detected white cells before the cell detector: dark pieces, joined into nuclei. For comparison only.

Used by ``wbcseg bench fields``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from wbcseg.inference.postprocess import keep_main_cell
from wbcseg.inference.segmentation import BBox, DetectedCell, clip_bbox
from wbcseg.labels import BACKGROUND, NUCLEUS, fast_argmax
from wbcseg.results import find_cut_edges

MAX_DETECTION_SIDE: Final = 1200
"""Longer side in pixels of the image in which nuclei are detected."""

CHANNEL_WEIGHTS: Final = (0.7, 0.15, 0.15)
"""Weights of the optical densities of red, green and blue: nuclear stains absorb red, haemoglobin and eosin hardly."""

MIN_DENSITY: Final = 0.17
"""Minimum optical density of a nucleus."""

SECOND_PASS_FACTOR: Final = 0.65
"""Threshold of the second pass, as a fraction of the first one's."""

MAX_LOBE_GAP: Final = 0.45
"""Maximum gap between lobes of one nucleus, as a fraction of their size."""

MIN_AREA_RATIO: Final = 0.22
"""Minimum area of a nucleus relative to the typical one in the field; smaller pieces are platelets or dirt."""

MAX_AREA_RATIO: Final = 6.0
"""Maximum area relative to the typical one; larger pieces are clumps of cells or stain deposits."""

MIN_PIECE_AREA: Final = 25
"""Minimum area of a piece of a nucleus, in pixels of the downsampled image."""

CROP_FACTOR: Final = 2.4
"""Side of the crop around a nucleus, relative to the nucleus's longer side."""

CROP_GROWTH: Final = 1.5
"""Factor by which a crop grows if its cell is cut off."""

MAX_CROP_GROWTHS: Final = 2
"""Maximum number of times a crop grows."""

MAX_PIECES: Final = 3000
"""Maximum number of dark pieces. With more, the image is a texture without nuclei, and joining them takes minutes."""

MIN_NUCLEUS_FRACTION: Final = 0.05
"""Minimum area of the nucleus, as a fraction of the white cell's."""


def detect_nuclei(image: NDArray[np.uint8]) -> list[BBox]:
    """Return crops around possible nuclei: the dark ones first, then those that may be pale nuclei.

    Args:
        image: ``uint8[H, W, 3]``, RGB.

    Returns:
        Crops large enough for the cell, each group from top to bottom. A pale piece may contain a dark one.
    """
    # Imported here, so that listing models does not wait for it.
    from scipy import ndimage
    from skimage.filters import threshold_otsu

    height, width = image.shape[:2]
    factor = max(1.0, max(height, width) / MAX_DETECTION_SIDE)
    size = (max(1, round(width / factor)), max(1, round(height / factor)))
    reduced = np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BOX)) if factor > 1 else image
    density = ndimage.gaussian_filter(_compute_density(reduced), 1.0)
    stained = density[density > MIN_DENSITY / 2]
    if not stained.size or np.ptp(stained) == 0:
        return []
    typical_area = 0.0
    bboxes = []
    threshold = max(MIN_DENSITY, float(threshold_otsu(stained)))
    for cutoff in (threshold, max(MIN_DENSITY, SECOND_PASS_FACTOR * threshold)):
        candidates = _find_dark_pieces(density > cutoff)
        if candidates and not typical_area:
            # The median of those with at least a third of the largest area, so that dirt does not count.
            largest = max(area for _, area in candidates)
            typical_area = float(np.median([area for _, area in candidates if area > largest / 3]))
        accepted = sorted(
            box for box, area in candidates if MIN_AREA_RATIO * typical_area <= area <= MAX_AREA_RATIO * typical_area
        )
        bboxes += [_expand_to_crop(box, factor, height, width) for box in accepted]
    return list(dict.fromkeys(bboxes))


PredictCrop = Callable[[NDArray[np.uint8]], NDArray[np.float32]]
"""Segments a crop of one cell: ``uint8[h, w, 3]`` to class probabilities ``float32[h, w, 3]``."""


def segment_field_of_view(image: NDArray[np.uint8], predict_crop: PredictCrop) -> tuple[DetectedCell, ...]:
    """Segment every white cell of a field of view.

    Args:
        image: ``uint8[H, W, 3]``, RGB.
        predict_crop: Segments a crop of one cell.

    Returns:
        The cells, from top to bottom and left to right.
    """
    is_occupied = np.zeros(image.shape[:2], np.bool_)
    cells = []
    for bbox in detect_nuclei(image):
        centre = ((bbox.top + bbox.bottom) // 2, (bbox.left + bbox.right) // 2)
        if is_occupied[centre]:
            continue
        cell = segment_cell(image, bbox, predict_crop, is_occupied)
        if cell is not None:
            is_occupied[cell.bbox.slices] |= cell.cell_mask
            cells.append(cell)
    cells.sort(key=lambda cell: cell.bbox.centre)
    return tuple(replace(cell, id=number) for number, cell in enumerate(cells, start=1))


def segment_cell(
    image: NDArray[np.uint8], bbox: BBox, predict_crop: PredictCrop, is_occupied: NDArray[np.bool_]
) -> DetectedCell | None:
    """Segment the cell in the middle of a crop, which grows if the cell does not fit.

    Args:
        image: The field, ``uint8[H, W, 3]``.
        bbox: The crop.
        predict_crop: Segments a crop of one cell.
        is_occupied: ``bool[H, W]``: the pixels of other cells.

    Returns:
        The cell, with id 1; ``None`` if there is none, or if it is one of the others.
    """
    height, width = image.shape[:2]
    probabilities = predict_crop(np.ascontiguousarray(image[bbox.slices]))
    candidate = _find_central_cell(probabilities)
    for _ in range(MAX_CROP_GROWTHS):
        if candidate is None or not _is_cut_off(candidate, bbox, height, width):
            break
        bbox = bbox.expand(CROP_GROWTH, height, width)
        probabilities = predict_crop(np.ascontiguousarray(image[bbox.slices]))
        candidate = _find_central_cell(probabilities)
    # It overlaps a cell that is already detected: the same one again.
    if candidate is None or (is_occupied[bbox.slices] & candidate).sum() > 0.3 * candidate.sum():
        return None
    cell_mask = candidate & ~is_occupied[bbox.slices]
    return DetectedCell(
        bbox, probabilities, cell_mask, 1, edges=find_cut_edges(cell_mask, bbox.find_image_edges(height, width))
    )


def _find_central_cell(probabilities: NDArray[np.float32]) -> NDArray[np.bool_] | None:
    """Return the main cell of a crop, or ``None`` if it has no nucleus or is off-centre."""
    labels = keep_main_cell(fast_argmax(probabilities))
    cell = labels != BACKGROUND.id
    if not cell.any() or (labels == NUCLEUS.id).sum() < MIN_NUCLEUS_FRACTION * cell.sum():
        return None
    rows, columns = np.nonzero(cell)
    is_central = all(
        indices.min() - 0.1 * length <= length / 2 <= indices.max() + 0.1 * length
        for indices, length in zip((rows, columns), cell.shape, strict=True)
    )
    return cell if is_central else None


def _is_cut_off(cell: NDArray[np.bool_], bbox: BBox, height: int, width: int) -> bool:
    """Return whether a cell touches an edge of its crop that is not an edge of the field."""
    edges = (
        (bbox.top > 0, cell[0]),
        (bbox.left > 0, cell[:, 0]),
        (bbox.bottom < height, cell[-1]),
        (bbox.right < width, cell[:, -1]),
    )
    return any(is_inner and edge.any() for is_inner, edge in edges)


def _compute_density(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the optical density of every pixel, ``float32[H, W]``: 0 for plasma, 0.4 to 1 for nuclei."""
    intensity = image.astype(np.float32) + 1.0
    # Plasma is the brightest large region, whatever the colour of the light.
    plasma = np.percentile(intensity, 90, axis=(0, 1)).astype(np.float32)
    weights = np.array(CHANNEL_WEIGHTS, np.float32)
    density: NDArray[np.float32] = np.maximum(0.0, np.log10(plasma / intensity)) @ weights
    return density


PieceBox = tuple[int, int, int, int]


def _find_dark_pieces(is_dark: NDArray[np.bool_]) -> list[tuple[PieceBox, int]]:
    """Return the dark pieces with their areas, after joining lobes."""
    from scipy import ndimage

    pieces, count = ndimage.label(ndimage.binary_opening(is_dark, iterations=1))
    areas = np.bincount(pieces.ravel(), minlength=count + 1)[1:].tolist()
    boxes = [(r.start, c.start, r.stop, c.stop) for r, c in ndimage.find_objects(pieces)]
    large_pieces = [(box, area) for box, area in zip(boxes, areas, strict=True) if area >= MIN_PIECE_AREA]
    return _join_lobes(large_pieces) if len(large_pieces) <= MAX_PIECES else []


def _join_lobes(pieces: Sequence[tuple[PieceBox, int]]) -> list[tuple[PieceBox, int]]:
    """Join pieces that are close enough to be lobes of one nucleus."""
    groups: list[tuple[PieceBox, int]] = []
    for piece in sorted(pieces, key=lambda group: -group[1]):
        # The joined piece may now be close to others.
        neighbours = [group for group in groups if _are_close(group, piece)]
        while neighbours:
            for group in neighbours:
                groups.remove(group)
                piece = (_merge_boxes(group[0], piece[0]), group[1] + piece[1])
            neighbours = [group for group in groups if _are_close(group, piece)]
        groups.append(piece)
    return groups


def _are_close(first: tuple[PieceBox, int], second: tuple[PieceBox, int]) -> bool:
    (first_box, first_area), (second_box, second_area) = first, second
    vertical_gap = max(0, first_box[0] - second_box[2], second_box[0] - first_box[2])
    horizontal_gap = max(0, first_box[1] - second_box[3], second_box[1] - first_box[3])
    return (
        math.hypot(vertical_gap, horizontal_gap) < MAX_LOBE_GAP * (math.sqrt(first_area) + math.sqrt(second_area)) / 2
    )


def _merge_boxes(first: PieceBox, second: PieceBox) -> PieceBox:
    return min(first[0], second[0]), min(first[1], second[1]), max(first[2], second[2]), max(first[3], second[3])


def _expand_to_crop(box: PieceBox, factor: float, height: int, width: int) -> BBox:
    top, left, bottom, right = (coordinate * factor for coordinate in box)
    half_side = CROP_FACTOR * max(bottom - top, right - left) / 2
    y, x = (top + bottom) / 2, (left + right) / 2
    return clip_bbox(y - half_side, x - half_side, y + half_side, x + half_side, height, width)
