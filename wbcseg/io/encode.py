"""Encode arrays as PNG and TIFF files, without metadata and without loss, and as JPEG for previews."""

from __future__ import annotations

import io
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

JPEG_QUALITY: Final = 88
"""Quality of previews, 0 to 100."""


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


def encode_jpeg(array: NDArray[np.uint8]) -> bytes:
    """Encode an image as JPEG, for previews: it loses detail.

    Args:
        array: ``uint8[H, W, 3]``, RGB.

    Raises:
        ValueError: If the shape or dtype is another.
    """
    # Imported here, because only previews need it.
    import simplejpeg

    _check_array(array)
    encoded = simplejpeg.encode_jpeg(np.ascontiguousarray(array), quality=JPEG_QUALITY, colorsubsampling="444")
    return bytes(encoded)


def decode_preview(jpeg: bytes) -> NDArray[np.uint8]:
    """Return the pixels of a preview, ``uint8[H, W, 3]``.

    Args:
        jpeg: From :func:`encode_jpeg`; files from elsewhere are read by :func:`wbcseg.io.open_image`.
    """
    import simplejpeg

    pixels: NDArray[np.uint8] = simplejpeg.decode_jpeg(jpeg)
    return pixels


def _check_array(array: NDArray[np.uint8] | NDArray[np.uint16]) -> None:
    is_grey = array.ndim == 2 and array.dtype in (np.uint8, np.uint16)
    is_rgb = array.ndim == 3 and array.shape[2] == 3 and array.dtype == np.uint8
    if not (is_grey or is_rgb) or 0 in array.shape:
        raise ValueError(
            "Argument `array` must be uint8[H, W], uint16[H, W] or uint8[H, W, 3]. "
            f"Received: {array.dtype}{list(array.shape)}"
        )
