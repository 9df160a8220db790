"""Encode arrays as PNG files."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def encode_png(array: NDArray[np.uint8]) -> bytes:
    """Encode an image as PNG, without metadata.

    Args:
        array: ``uint8[H, W]`` (grey) or ``uint8[H, W, 3]`` (RGB).

    Returns:
        The bytes of the file.

    Raises:
        ValueError: If the shape or dtype is another.
    """
    grey_or_rgb = array.ndim == 2 or (array.ndim == 3 and array.shape[2] == 3)
    if array.dtype != np.uint8 or not grey_or_rgb or 0 in array.shape:
        raise ValueError(
            f"Argument `array` must be uint8[H, W] or uint8[H, W, 3]. Received: {array.dtype}{list(array.shape)}"
        )
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(array)).save(buffer, format="PNG")
    return buffer.getvalue()
