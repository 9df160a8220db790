"""Limits on what is read, and the error for files that exceed them."""

from __future__ import annotations

import mmap
from typing import Final

from wbcseg.errors import ErrorCode

MAX_BYTES: Final = 80_000_000
"""Maximum file size in bytes: an uncompressed field of view of 4000×3000 with 16 bits per channel (72 MB) passes."""

MAX_PIXELS: Final = 26_000_000
"""Maximum number of pixels of an image that is read at its full size: cameras of 24 and 26 megapixels pass."""

MAX_SHRUNK_PIXELS: Final = 60_000_000
"""Maximum number of pixels of an image that is read at half its width and height: a phone's 48 megapixels pass."""

MAX_SIDE: Final = 20_000
"""Maximum side in pixels."""

MAX_PAGES: Final = 1_000
"""Maximum number of pages of a TIFF."""

FileBytes = bytes | mmap.mmap
"""A whole file, in memory or memory-mapped."""


class RejectedFileError(Exception):
    """Why a file is rejected, before the caller has added the file's name.

    Args:
        reason: One sentence, which names no file.
        code: What is wrong with it.
        hint: What to do about it.
    """

    def __init__(self, reason: str, code: ErrorCode, hint: str | None = None) -> None:
        super().__init__(reason)
        self.reason, self.code, self.hint = reason, code, hint


def check_dimensions(width: int, height: int) -> None:
    """Reject a size that no image of a smear has, before anything of that size is allocated.

    Args:
        width: In pixels, from the header.
        height: In pixels, from the header.

    Raises:
        RejectedFileError: If a side is zero or a limit is exceeded.
    """
    if width < 1 or height < 1:
        raise RejectedFileError(f"The header states {width}×{height} pixels, which is not an image.", ErrorCode.DAMAGED)
    if width * height > MAX_SHRUNK_PIXELS or max(width, height) > MAX_SIDE:
        raise RejectedFileError(
            f"The header states {width}×{height} pixels; the limits are {MAX_SHRUNK_PIXELS / 1e6:.0f} million pixels "
            f"and {MAX_SIDE} per side.",
            ErrorCode.TOO_LARGE,
            "Crop or shrink the image first.",
        )
