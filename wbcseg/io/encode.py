"""Encode arrays as PNG and TIFF files, without metadata and without loss."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def encode_png(array: NDArray[np.uint8] | NDArray[np.uint16]) -> bytes:
    """Encode an image as PNG.

    Args:
        array: ``uint8[H, W]`` or ``uint16[H, W]`` (grey), or ``uint8[H, W, 3]`` (RGB).

    Returns:
        The bytes of the file.

    Raises:
        ValueError: If the shape or dtype is another.
    """
    _check_array(array)
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(array)).save(buffer, format="PNG")
    return buffer.getvalue()


def encode_tiff(array: NDArray[np.uint8] | NDArray[np.uint16]) -> bytes:
    """Encode an image as TIFF with LZW compression, which every program reads.

    Args:
        array: ``uint8[H, W]`` or ``uint16[H, W]`` (grey), or ``uint8[H, W, 3]`` (RGB).

    Returns:
        The bytes of the file.

    Raises:
        ValueError: If the shape or dtype is another.
    """
    _check_array(array)
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(array)).save(buffer, format="TIFF", compression="tiff_lzw")
    return buffer.getvalue()


def _check_array(array: NDArray[np.uint8] | NDArray[np.uint16]) -> None:
    is_grey = array.ndim == 2 and array.dtype in (np.uint8, np.uint16)
    is_rgb = array.ndim == 3 and array.shape[2] == 3 and array.dtype == np.uint8
    if not (is_grey or is_rgb) or 0 in array.shape:
        raise ValueError(
            "Argument `array` must be uint8[H, W], uint16[H, W] or uint8[H, W, 3]. "
            f"Received: {array.dtype}{list(array.shape)}"
        )
