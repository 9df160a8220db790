"""Cut cells and platelets out of images, and find what may be other white cells."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from wbcseg.detector_training.composing.field import Density
from wbcseg.detector_training.library.arrays import CUTOUT_FACTOR, CUTOUT_SIDE, PLATELET_SIDE, SCENE_SIDE
from wbcseg.labels import NUCLEUS, Labels, find_bounds

STAIN_WEIGHTS: Final = np.array((0.7, 0.15, 0.15), np.float32)
"""Weights of the optical densities of red, green and blue: nuclear stains absorb red most."""

TYPICAL_NUCLEUS: Final = (0.42, 1500)
"""Stain density and area in pixels of a nucleus in a scene without a known one."""

MAX_OTHER_CELLS: Final = 3

MAX_PIECES: Final = 60
"""With more dark pieces, nothing is looked for among them."""

MIN_FIELD_NUCLEUS: Final = (0.38, 350)
"""Stain density and area in pixels from which on a dark piece of a field of red cells is a nucleus."""


def estimate_background(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the colour of the empty background of ``uint8[H, W, 3]``, ``float32[3]``: that of large bright parts."""
    pixels = image.reshape(-1, 3)
    by_brightness = pixels[pixels.astype(np.int32).sum(axis=1).argsort()]
    bright = by_brightness[int(0.80 * len(pixels)) : int(0.97 * len(pixels))]
    return np.asarray(np.maximum(np.median(bright, axis=0), 8.0), np.float32)


def measure_stain(image: NDArray[np.uint8], plasma: NDArray[np.float32]) -> Density:
    """Return how much of a nuclear stain each pixel holds, ``float32[H, W]``."""
    density = np.log10(np.maximum(plasma, 1.0) / np.maximum(image.astype(np.float32), 1.0))
    return np.asarray(density @ STAIN_WEIGHTS)


def cut_square(image: NDArray[np.uint8], box: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return the square around a box, ``uint8[120, 120, …]``; beyond the image, its edge pixels continue."""
    left, top, right, bottom = (float(value) for value in box)
    half = CUTOUT_FACTOR * max(right - left, bottom - top) / 2
    x, y = (left + right) / 2, (top + bottom) / 2
    pad = int(half) + 2
    margins = ((pad, pad), (pad, pad), (0, 0))[: image.ndim]
    padded = Image.fromarray(np.pad(image, margins, mode="edge"))
    method = Image.Resampling.BOX if half > CUTOUT_SIDE / 2 else Image.Resampling.BICUBIC
    place = (x - half + pad, y - half + pad, x + half + pad, y + half + pad)
    return np.asarray(padded.resize((CUTOUT_SIDE, CUTOUT_SIDE), method, place))


def cut_out(image: NDArray[np.uint8], mask: Labels) -> tuple[NDArray[np.uint8], Labels]:
    """Return the square around a cell, ``uint8[120, 120, 3]``, and its class ids, ``uint8[120, 120]``.

    Args:
        image: ``uint8[H, W, 3]``.
        mask: Class ids, ``uint8[H, W]``, with a cell.
    """
    box = np.array(find_bounds(mask > 0) or (0, 0, *mask.shape[::-1]), np.float32)
    levels = cut_square(mask * np.uint8(120), box)
    return cut_square(image, box), (levels > 60).astype(np.uint8) + (levels > 180).astype(np.uint8)


def cut_out_platelet(scene: NDArray[np.uint8], plasma: NDArray[np.float32]) -> NDArray[np.uint8] | None:
    """Return the platelet in the middle of a scene with its soft mask, ``uint8[48, 48, 4]``, or ``None``."""
    first = (SCENE_SIDE - PLATELET_SIDE) // 2
    part = scene[first : first + PLATELET_SIDE, first : first + PLATELET_SIDE]
    stain = ndimage.gaussian_filter(measure_stain(part, plasma), 0.7)
    threshold = max(0.10, 0.45 * float(np.percentile(stain[14:34, 14:34], 90)))
    pieces, count = ndimage.label(stain > threshold)
    if not count:
        return None
    half = PLATELET_SIDE // 2
    near_centre = np.hypot(*np.mgrid[-half:half, -half:half]) < 12
    central_areas = ndimage.sum_labels(near_centre, pieces, np.arange(1, count + 1))
    own = ndimage.binary_fill_holes(pieces == 1 + int(np.argmax(central_areas)))
    if not 25 < own.sum() < 900 or own[0].any() or own[-1].any() or own[:, 0].any() or own[:, -1].any():
        return None
    soft = ndimage.gaussian_filter(ndimage.binary_dilation(own).astype(np.float32), 0.8)
    return np.dstack([part, np.rint(255 * soft).astype(np.uint8)])


def find_other_cells(scene: NDArray[np.uint8], mask: Labels, plasma: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return up to three boxes in which another white cell may be, ``float32[3, 4]``; unused ones are 0.

    These are pieces about as dark as the main cell's nucleus and larger than platelets.

    Args:
        scene: ``uint8[H, W, 3]``.
        mask: Class ids of the main cell, ``uint8[H, W]``.
        plasma: Colour of the empty background.
    """
    boxes = np.zeros((MAX_OTHER_CELLS, 4), np.float32)
    stain = ndimage.gaussian_filter(measure_stain(scene, plasma), 1.0)
    nucleus = mask == NUCLEUS.id
    typical, area = TYPICAL_NUCLEUS
    if nucleus.sum() > 100:
        typical, area = float(np.median(stain[nucleus])), int(nucleus.sum())
    is_outside = ~ndimage.binary_dilation(mask > 0, iterations=5)
    pieces, count = ndimage.label((stain > 0.62 * typical) & is_outside)
    if count >= MAX_PIECES:
        return boxes
    largest = sorted(range(1, count + 1), key=lambda number: -int((pieces == number).sum()))[:MAX_OTHER_CELLS]
    for slot, number in enumerate(largest):
        piece = pieces == number
        bounds = find_bounds(piece)
        is_cut = bool(piece[0].any() or piece[-1].any() or piece[:, 0].any() or piece[:, -1].any())
        if bounds is None or piece.sum() < (0.12 if is_cut else 0.3) * area:
            continue
        left, top, right, bottom = bounds
        room = 0.5 * max(right - left, bottom - top)
        boxes[slot] = left - room, top - room, right + room, bottom + room
    return boxes


def shows_white_cell(image: NDArray[np.uint8]) -> bool:
    """Return whether a field of red cells, ``uint8[480, 640, 3]``, shows a nucleus after all."""
    density, area = MIN_FIELD_NUCLEUS
    stain = ndimage.gaussian_filter(measure_stain(image, estimate_background(image)), 1.5)
    pieces, count = ndimage.label(stain > density)
    return bool(count and np.bincount(pieces.ravel())[1:].max() > area)
