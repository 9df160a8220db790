"""What is known about an image file before it is decoded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from wbcseg.io.limits import MAX_PIXELS

JPEG_COMPRESSION: Final = 7
"""The TIFF code of JPEG."""

ChannelPages = Literal["no", "possible", "declared"]
"""Whether the pages of a file are the red, green and blue channel of one image."""


@dataclass(frozen=True)
class Header:
    """The header of an image file.

    Attributes:
        format: ``PNG``, ``JPEG``, ``BMP``, ``TIFF``, ``WebP`` or ``HEIC``.
        width: In pixels, as stored.
        height: In pixels, as stored.
        orientation: EXIF orientation, 1 (as stored) to 8.
        page_count: Pages or frames in the file.
        bit_depth: Bits per channel.
        channels: Samples per pixel; 0 where it is not read.
        compression: The TIFF compression code; 0 in other formats.
        is_lossless: Whether a WebP is lossless; other formats say it by format and compression.
        sample_format: In TIFF 1 for unsigned integers, 2 for signed ones, 3 for floating point.
        photometric: In TIFF what the samples mean: 0 grey with zero white, 1 grey, 2 RGB, 3 palette.
        planar: Whether a TIFF stores each channel on its own.
        declared_range: Lowest and highest value that a 16-bit file says it uses, or ``None``.
        channel_pages: Whether the pages of a TIFF are the three channels of one image: its metadata declare it, or it
            has three grey pages of one size, which may be channels or anything else.
        pixel_size: Pixel size in µm that the file states, or ``None``.
    """

    format: str
    width: int
    height: int
    orientation: int = 1
    page_count: int = 1
    bit_depth: int = 8
    channels: int = 0
    compression: int = 0
    is_lossless: bool = False
    sample_format: int = 1
    photometric: int = 1
    planar: bool = False
    declared_range: tuple[int, int] | None = None
    channel_pages: ChannelPages = "no"
    pixel_size: float | None = None

    @property
    def lossy(self) -> bool:
        """Whether its compression changes pixel values."""
        return (
            self.format in ("JPEG", "HEIC")
            or (self.format == "WebP" and not self.is_lossless)
            or self.compression == JPEG_COMPRESSION
        )

    @property
    def shrink_factor(self) -> int:
        """By which both sides are divided when it is read: 1, or 2 for an image of more than ``MAX_PIXELS``."""
        return 1 if self.width * self.height <= MAX_PIXELS else 2

    @property
    def upright_size(self) -> tuple[int, int]:
        """Height and width in pixels as it is read: upright, and shrunk if it is too large."""
        width, height = -(-self.width // self.shrink_factor), -(-self.height // self.shrink_factor)
        return (width, height) if self.orientation > 4 else (height, width)
