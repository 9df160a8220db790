"""Find the black surround of an image that was taken through an eyepiece: it shows nothing of the smear."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

MAX_BLACK: Final = 32
"""Brightest value of a black pixel in any channel, 0 to 255: cameras add noise, and eyepieces reflect a little."""

MAX_BLACK_FRACTION: Final = 0.15
"""The same relative to the brightest part of the image, so that a dark image does not count as black."""

MIN_SURROUND_FRACTION: Final = 0.005
"""Minimum area of the surround, as a fraction of the image."""

_CORNER: Final = 4
"""Side in pixels of the corners that are looked at first."""

_MAX_SIDE: Final = 512
"""Larger images are reduced by a whole factor while the surround is searched for."""


def find_black_surround(image: NDArray[np.uint8]) -> NDArray[np.bool_] | None:
    """Return which pixels belong to the black surround of an eyepiece, or ``None`` if there is none.

    The lit field is convex (a disc or an octagon), so each part of the surround that an image shows reaches one of its
    corners. Black pixels elsewhere do not count, and neither does a vignette that only darkens.

    Args:
        image: ``uint8[H, W, 3]``, RGB.

    Returns:
        ``bool[H, W]``, or ``None``.
    """
    corners = (image[rows, columns] for rows in (_FIRST, _LAST) for columns in (_FIRST, _LAST))
    # The brightest channel counts: a dark nucleus is still blue.
    if not any(float(corner.mean(axis=(0, 1)).max()) <= MAX_BLACK for corner in corners):
        return None
    # Imported here, so that listing models does not wait for it.
    from scipy import ndimage

    height, width = image.shape[:2]
    step = -(-max(height, width) // _MAX_SIDE)
    limit = min(MAX_BLACK, MAX_BLACK_FRACTION * float(np.percentile(image[::step, ::step].max(axis=-1), 99)))
    reduced = np.asarray(Image.fromarray(image).reduce(step)) if step > 1 else image
    # Smoothed, so that noise does not take the surround apart.
    is_black = np.stack([ndimage.uniform_filter(reduced[..., channel], 3) for channel in range(3)]).max(axis=0) <= limit
    parts, _ = ndimage.label(is_black)
    numbers = np.unique(parts[[0, 0, -1, -1], [0, -1, 0, -1]])
    surround = np.isin(parts, numbers[numbers > 0])
    if surround.mean() < MIN_SURROUND_FRACTION:
        return None
    # Its blurred edge belongs to it.
    surround = ndimage.binary_dilation(surround, iterations=3)
    if surround.all():
        return None
    if step > 1:
        surround = surround.repeat(step, axis=0).repeat(step, axis=1)[:height, :width]
    found: NDArray[np.bool_] = surround
    return found


_FIRST, _LAST = slice(None, _CORNER), slice(-_CORNER, None)
