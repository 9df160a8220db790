"""Scale 16-bit values to 8 bits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

# Cameras with 10, 12 or 14 bits write 16-bit files that use the lower end of the range only.
_BIT_DEPTHS: Final = (8, 10, 12, 14, 16)
MIN_USED_FRACTION: Final = 0.5
"""Fraction of a range that an image must use; with less, it is stretched to its own range."""

MIN_WINDOW_FRACTION: Final = 1 / 64
"""Narrowest window, as a fraction of the range: an empty field is not stretched until its noise looks like cells."""

Values = NDArray[np.uint16]


@dataclass(frozen=True)
class ValueWindow:
    """The range of 16-bit values that becomes 0 to 255.

    Attributes:
        low: Becomes 0, like all below it.
        high: Becomes 255, like all above it.
    """

    low: int
    high: int

    def __str__(self) -> str:
        """Return both values, for a notice."""
        return f"{self.low}–{self.high}"

    def build_lookup(self, *, inverted: bool = False) -> NDArray[np.uint8]:
        """Return ``uint8[65536]``, the 8-bit value of every 16-bit one."""
        width = self.high - self.low
        values = np.clip(np.arange(1 << 16, dtype=np.int64) - self.low, 0, width)
        lookup = ((values * 510 + width) // (2 * width)).astype(np.uint8)
        return 255 - lookup if inverted else lookup


def choose_window(bands: Iterable[Values], bit_depth: int, declared_range: tuple[int, int] | None) -> ValueWindow:
    """Choose the range of values to scale from.

    It is the range that the file declares, or else that of the smallest of 8, 10, 12, 14 and 16 bits which holds the
    brightest structure, so that images of one camera stay comparable. An image that uses less than half of that range
    is stretched to its own: a camera with a black level, or a low contrast.

    Single hot or dead pixels, rows and columns do not count: only what is at least 2×2 pixels large does. So nothing
    else is ever clipped.

    Args:
        bands: The image in bands, ``uint16[H, W]`` or ``uint16[H, W, C]``.
        bit_depth: Bits per value that the header states.
        declared_range: Lowest and highest value that the file states, or ``None``.
    """
    extrema = [_find_extrema(band) for band in bands]
    low, high = min(low for low, _ in extrema), max(high for _, high in extrema)
    bits = max(
        bit_depth if bit_depth < 16 else 8, next(candidate for candidate in _BIT_DEPTHS if high < 1 << candidate)
    )
    full_range = (0, (1 << bits) - 1)
    for lowest, highest in (declared_range or full_range, full_range):
        if lowest <= low and high <= highest and high - low >= MIN_USED_FRACTION * (highest - lowest):
            return ValueWindow(lowest, highest)
    missing = max(0, round(full_range[1] * MIN_WINDOW_FRACTION) - (high - low))
    low = max(0, low - missing // 2)
    return ValueWindow(low, max(high + missing - missing // 2, low + 1))


def _find_extrema(band: Values) -> tuple[int, int]:
    """Return the lowest and highest value of what is at least 2×2 pixels large."""
    if min(band.shape[:2]) < 2:
        return int(band.min()), int(band.max())
    corners = (band[:-1, :-1], band[1:, :-1], band[:-1, 1:], band[1:, 1:])
    upper = np.maximum(np.maximum(corners[0], corners[1]), np.maximum(corners[2], corners[3]))
    lower = np.minimum(np.minimum(corners[0], corners[1]), np.minimum(corners[2], corners[3]))
    return int(upper.min()), int(lower.max())
