"""Colour spaces of an image, computed from its 256 levels by tables."""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

Channel = NDArray[np.float32]

RGB_TO_XYZ: Final = np.array(
    [[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]], np.float32
)
"""From linear sRGB to CIE XYZ (IEC 61966-2-1)."""

WHITE_XYZ: Final = np.array([0.95047, 1.0, 1.08883], np.float32)
"""XYZ of white under illuminant D65."""

LAB_THRESHOLD: Final = 0.008856
"""Below it, CIE L*a*b* is linear instead of a cube root."""


def compute_lab(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return CIE L*a*b* under illuminant D65.

    Args:
        image: ``uint8[H, W, 3]``, sRGB.

    Returns:
        ``float32[H, W, 3]``: L* from 0 to 100, a* and b* about -128 to 127.
    """
    relative = _get_linear_levels()[image] @ (RGB_TO_XYZ / WHITE_XYZ[:, None]).T
    roots = np.where(relative > LAB_THRESHOLD, np.cbrt(relative), 7.787 * relative + np.float32(16 / 116))
    x, y, z = (roots[..., index] for index in range(3))
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def compute_saturation(image: NDArray[np.uint8]) -> Channel:
    """Return the saturation of HSV, ``float32[H, W]`` in 0 to 1; 0 where the image is black.

    Args:
        image: ``uint8[H, W, 3]``.
    """
    values = image.astype(np.float32)
    highest, lowest = values.max(axis=-1), values.min(axis=-1)
    saturation: Channel = (highest - lowest) / np.maximum(highest, 1.0)
    return saturation


@cache
def _get_linear_levels() -> NDArray[np.float32]:
    """Return the linear intensity of each level of sRGB, ``float32[256]``."""
    levels = np.arange(256) / 255
    return np.where(levels > 0.04045, ((levels + 0.055) / 1.055) ** 2.4, levels / 12.92).astype(np.float32)
