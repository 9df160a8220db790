"""Large images: the browser is sent a shrunk one, and fetches the tiles that are in view when the user zooms in.

A whole image of 6000×4000 pixels takes 96 MB once it is decoded, besides the file and its copies on the way.
"""

from __future__ import annotations

import math
from typing import Any, Final

from wbcseg.io import encode_png
from wbcseg.ui import server
from wbcseg.ui.server.payloads import TILE_SIDE, shrink_by
from wbcseg.visualization import RgbImage

MAX_PIXELS: Final = 4_000_000
"""Largest image that is sent as it is, and largest shrunk image."""


def is_tiled(image: RgbImage) -> bool:
    """Return whether the browser fetches tiles of an image: it is large, and the server answers such requests."""
    return server.is_running() and is_large(image)


def is_large(image: RgbImage) -> bool:
    """Return whether an image is too large to be sent as it is."""
    height, width = image.shape[:2]
    return bool(height * width > MAX_PIXELS)


def get_overview_factor(image: RgbImage) -> int:
    """Return by how much an image is shrunk to be sent."""
    return math.ceil(math.sqrt(image.shape[0] * image.shape[1] / MAX_PIXELS))


def encode_overview(image: RgbImage) -> bytes:
    """Return the shrunk image as a PNG."""
    return encode_png(shrink_by(image, get_overview_factor(image)))


def describe(image: RgbImage) -> dict[str, Any]:
    """Return what the browser has to know of a large image, for the header of its payload.

    Its tiles have ``side`` pixels; those of level 1 show twice as much each way, and so on, up to the level at which
    the shrunk image is as sharp.
    """
    height, width = image.shape[:2]
    levels = math.ceil(math.log2(get_overview_factor(image)))
    return {"width": width, "height": height, "side": TILE_SIDE, "levels": levels}
