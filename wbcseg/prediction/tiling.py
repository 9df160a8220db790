"""Large pictures, tile by tile."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np
from numpy.typing import NDArray

Predict = Callable[[NDArray[np.uint8]], NDArray[np.float32]]


def starts(length: int, tile: int, overlap: int) -> list[int]:
    """Return where tiles begin so that they cover ``length`` pixels, evenly spread.

    Args:
        length: At least ``tile``.
        tile: Length of a tile.
        overlap: Least overlap, less than ``tile``.
    """
    count = 1 + max(0, -(-(length - tile) // (tile - overlap)))
    return [round(i * (length - tile) / max(1, count - 1)) for i in range(count)]


def predict_tiled(
    image: NDArray[np.uint8], predict: Predict, *, tile: int, overlap: int, channels: int
) -> NDArray[np.float32]:
    """Segment a picture of any size with a network that sees one tile at a time.

    Where tiles overlap, their probabilities are averaged with weights that fall off towards each tile's border, so that
    no seam shows.

    Args:
        image: ``uint8[H, W, 3]``.
        predict: From ``uint8[tile, tile, 3]`` to ``float32[tile, tile, channels]``.
        tile: Side of a tile in pixels.
        overlap: Least overlap of neighbouring tiles in pixels.
        channels: Number of classes.

    Returns:
        ``float32[H, W, channels]``; every pixel's probabilities add up to 1.
    """
    height, width = image.shape[:2]
    below, beside = max(0, tile - height), max(0, tile - width)
    padded = np.pad(image, ((0, below), (0, beside), (0, 0)), mode="symmetric")
    ramp = np.minimum(np.arange(1, tile + 1), overlap) / overlap
    falloff = np.minimum(ramp, ramp[::-1]).astype(np.float32)
    weight = (falloff[:, None] * falloff[None, :])[..., None]

    total = np.zeros((*padded.shape[:2], channels), np.float32)
    for top, left in product(starts(padded.shape[0], tile, overlap), starts(padded.shape[1], tile, overlap)):
        part = (slice(top, top + tile), slice(left, left + tile))
        total[part] += weight * predict(padded[part])
    total = total[:height, :width]
    # Probabilities add up to 1 at every pixel, so their weighted sum adds up to the weights.
    total /= total.sum(axis=-1, keepdims=True)
    return total
