"""How large a picture may be, and the refusal that says so."""

from __future__ import annotations

import mmap
from typing import Final

MAX_BYTES: Final = 80_000_000
"""Largest file in bytes: an uncompressed field of 4000×3000 with 16 bits a channel (72 MB) passes."""

MAX_PIXELS: Final = 24_000_000
"""Most pixels of a picture: fields of 4000×3000 and 6000×4000 pass."""

MAX_SIDE: Final = 20_000
"""Longest side in pixels."""

MAX_PAGES: Final = 1_000
"""Most pages that a TIFF may have."""

FileBytes = bytes | mmap.mmap
"""A whole file, in memory or mapped into it."""


class RejectedFileError(Exception):
    """Why a file is refused: one or two plain sentences, to which the door adds the file's name."""


def check_dimensions(width: int, height: int) -> None:
    """Refuse a size that no picture of a smear has, before anything of that size is made.

    Args:
        width: In pixels, from the header.
        height: In pixels, from the header.

    Raises:
        RefusedError: If a side is zero or the limits are exceeded.
    """
    if width < 1 or height < 1:
        raise RejectedFileError(f"Its header announces {width}×{height} pixels, which is no picture.")
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
        raise RejectedFileError(
            f"Its header announces {width}×{height} pixels; at most {MAX_PIXELS / 1e6:.0f} million pixels and "
            f"{MAX_SIDE} a side are read. Crop or shrink it first."
        )
