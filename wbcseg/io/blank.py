"""Find blank bands: what a copy that failed leaves in formats without checks (BMP, uncompressed TIFF)."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

MIN_BAND_FRACTION: Final = 0.02
MIN_BAND_LINES: Final = 3
_SAMPLED: Final = 64
"""Pixels per row or column that are compared first."""


def describe_blank_band(pixels: NDArray[np.uint8]) -> str | None:
    """Return a notice if a band from edge to edge has a single colour and lies beside textured rows or columns.

    A plain background or a border is no such band: beside it, most pixels have its colour, too, or all of them differ
    by the border's straight edge only at both ends of the image.

    Args:
        pixels: ``uint8[H, W, 3]``.
    """
    for axis, noun in ((0, "rows"), (1, "columns")):
        band = _find_band(pixels if axis == 0 else pixels.swapaxes(0, 1))
        if band is not None:
            return (
                f"Part of the image is blank: {noun} {band[0] + 1} to {band[1]} have a single colour. If it is no "
                "border, the file is damaged."
            )
    return None


def _find_band(lines: NDArray[np.uint8]) -> tuple[int, int] | None:
    """Return first and past-the-last line of the longest blank band, or ``None``."""
    count, length = lines.shape[:2]
    if min(count, length) < 2 * MIN_BAND_LINES:
        return None
    sample = lines[:, :: max(1, length // _SAMPLED)]
    is_constant = (sample == sample[:, :1]).all(axis=(1, 2))
    if not is_constant.any() or is_constant.all():
        return None
    continues = is_constant[1:] & is_constant[:-1] & (sample[1:, 0] == sample[:-1, 0]).all(axis=1)
    starts = np.flatnonzero(is_constant & np.concatenate(([True], ~continues)))
    ends = np.flatnonzero(is_constant & np.concatenate((~continues, [True]))) + 1
    longest = int((ends - starts).argmax())
    start, end = int(starts[longest]), int(ends[longest])
    if end - start < max(MIN_BAND_LINES, MIN_BAND_FRACTION * count):
        return None
    color = lines[start, 0]
    if not (lines[start:end] == color).all():
        return None
    beside = [sample[line] for line in (start - 2, end + 1) if 0 <= line < count]
    is_textured = any((line != color).any(axis=1).mean() > 0.5 and line.std() > 1 for line in beside)
    return (start, end) if is_textured else None
