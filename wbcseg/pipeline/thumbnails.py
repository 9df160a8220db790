"""Small and large pictures of what was found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from wbcseg.io import encode_png
from wbcseg.labels import PALETTES, Labels
from wbcseg.visualization import Box, RgbImage, draw_boxes, overlay

THUMBNAIL_SIDE: Final = 72
"""Longer side of the small picture of a row, in pixels."""


def render_thumbnail(image: NDArray[np.uint8], labels: Labels) -> bytes:
    """Return a small PNG of a picture with its classes laid over it.

    Args:
        image: ``uint8[H, W, 3]``.
        labels: ``uint8[H, W]`` of class ids.
    """
    return encode_png(render_overlay(image, labels, THUMBNAIL_SIDE))


def render_overlay(image: NDArray[np.uint8], labels: Labels, longest: int) -> RgbImage:
    """Lay the classes over a picture, shrunk so that its longer side has at most ``longest`` pixels.

    Args:
        image: ``uint8[H, W, 3]``.
        labels: ``uint8[H, W]`` of class ids.
        longest: In pixels.

    Returns:
        ``uint8[h, w, 3]``.
    """
    height, width = labels.shape
    factor = min(1.0, longest / max(height, width))
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    small = np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BOX))
    classes = np.asarray(Image.fromarray(labels).resize(size, Image.Resampling.NEAREST))
    return overlay(small, classes, PALETTES["thesis"], 0.4)


def render_field(image: NDArray[np.uint8], labels: Labels, boxes: Sequence[Box], longest: int) -> RgbImage:
    """Do the same to a field of view, and number its cells.

    Args:
        image: ``uint8[H, W, 3]``.
        labels: ``uint8[H, W]`` of class ids.
        boxes: Left, top, right and bottom of every cell's crop in pixels.
        longest: In pixels.

    Returns:
        ``uint8[h, w, 3]``.
    """
    small = render_overlay(image, labels, longest)
    factor = small.shape[0] / image.shape[0]
    scaled = [
        (round(left * factor), round(top * factor), round(right * factor) - 1, round(bottom * factor) - 1)
        for left, top, right, bottom in boxes
    ]
    return draw_boxes(small, scaled)
