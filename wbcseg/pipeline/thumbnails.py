"""Render overlays: thumbnails of cells, and fields of view with numbered outlines."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from wbcseg.io import encode_png
from wbcseg.labels import BACKGROUND, PALETTES, Labels
from wbcseg.results import CellResult
from wbcseg.visualization import RgbImage, draw_outlines, overlay, trace_outlines

THUMBNAIL_SIDE: Final = 72
"""Longer side of a thumbnail in pixels."""


def render_thumbnail(image: NDArray[np.uint8], labels: Labels) -> bytes:
    """Return a small PNG of an image with its overlay.

    Args:
        image: ``uint8[H, W, 3]``.
        labels: ``uint8[H, W]`` of class ids.
    """
    return encode_png(render_overlay(image, labels, THUMBNAIL_SIDE))


def render_overlay(image: NDArray[np.uint8], labels: Labels, max_side: int) -> RgbImage:
    """Render an image with its overlay, reduced so that its longer side has at most ``max_side`` pixels.

    Args:
        image: ``uint8[H, W, 3]``.
        labels: ``uint8[H, W]`` of class ids.
        max_side: Longest side in pixels.

    Returns:
        ``uint8[h, w, 3]``.
    """
    height, width = labels.shape
    factor = min(1.0, max_side / max(height, width))
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    reduced = np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BOX))
    reduced_labels = np.asarray(Image.fromarray(labels).resize(size, Image.Resampling.NEAREST))
    return overlay(reduced, reduced_labels, PALETTES["thesis"], 0.4)


def render_field(image: NDArray[np.uint8], labels: Labels, cells: Iterable[CellResult], max_side: int) -> RgbImage:
    """Render a field of view in the same way, with the outlines and the numbers of its cells.

    Args:
        image: ``uint8[H, W, 3]``.
        labels: ``uint8[H, W]`` of class ids.
        cells: Its cells.
        max_side: Longest side in pixels.

    Returns:
        ``uint8[h, w, 3]``.
    """
    rendered = render_overlay(image, labels, max_side)
    factor = rendered.shape[0] / image.shape[0]
    outlines = {
        cell.cell_index: [
            factor * outline for outline in trace_outlines(cell.load()[1] != BACKGROUND.id, cell.offset or (0, 0))
        ]
        for cell in cells
    }
    return draw_outlines(rendered, outlines)
