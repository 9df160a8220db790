"""WebP: its header and its pixel data.

Source: the WebP container specification (RIFF chunks ``VP8X``, ``ALPH``, ``VP8 ``, ``VP8L``, ``ANIM``, ``ANMF``).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

from wbcseg.errors import ErrorCode
from wbcseg.io.formats import tiff
from wbcseg.io.formats.header import Header
from wbcseg.io.limits import FileBytes, RejectedFileError

# An animation of a minute has a few thousand frames.
MAX_CHUNKS: Final = 20_000
_MAX_EXIF_BYTES: Final = 1 << 16
_KEPT_CHUNKS: Final = (b"VP8X", b"ALPH", b"VP8 ", b"VP8L", b"ANIM", b"ANMF")
# In the flags of VP8X: colour profile, EXIF and XMP.
_METADATA_FLAGS: Final = 0b0010_1100


def read_header(data: FileBytes, page: int = 0) -> Header:  # noqa: ARG001 (all formats have the same arguments)
    """Read the header of a WebP."""
    width = height = 0
    orientation, frame_count, is_lossless = 1, 0, False
    for chunk_type, start, length in _iter_chunks(data):
        content = data[start : start + min(length, 16)]
        if chunk_type == b"VP8X":
            width, height = (1 + int.from_bytes(content[offset : offset + 3], "little") for offset in (4, 7))
        elif chunk_type == b"VP8L":
            is_lossless = True
            (bits,) = struct.unpack("<L", content[1:5])
            width, height = width or 1 + (bits & 0x3FFF), height or 1 + (bits >> 14 & 0x3FFF)
        elif chunk_type == b"VP8 ":
            frame_width, frame_height = struct.unpack("<HH", content[6:10])
            width, height = width or frame_width & 0x3FFF, height or frame_height & 0x3FFF
        elif chunk_type == b"ANMF":
            frame_count += 1
        elif chunk_type == b"EXIF" and length <= _MAX_EXIF_BYTES:
            orientation = tiff.read_exif_orientation(data[start : start + length].removeprefix(b"Exif\0\0"))
    return Header("WebP", width, height, orientation, max(frame_count, 1), is_lossless=is_lossless)


def strip_metadata(data: bytes, header: Header, page: int) -> bytes:  # noqa: ARG001
    """Return the same WebP without metadata."""
    view = memoryview(data)
    parts: list[bytes | memoryview] = []
    for chunk_type, start, length in _iter_chunks(data):
        if chunk_type == b"VP8X":
            parts += (
                view[start - 8 : start],
                bytes([data[start] & ~_METADATA_FLAGS]),
                view[start + 1 : start + length],
            )
        elif chunk_type in _KEPT_CHUNKS:
            parts.append(view[start - 8 : start + length + length % 2])
    body = b"".join(parts)
    return b"RIFF" + struct.pack("<L", 4 + len(body)) + b"WEBP" + body


def _iter_chunks(data: FileBytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield type, start and length in bytes of each chunk's content.

    Raises:
        RejectedFileError: If the file ends too early or has too many chunks.
    """
    (riff_size,) = struct.unpack("<L", data[4:8])
    end = 8 + riff_size
    # The last byte is only padding.
    if end > len(data) + 1:
        raise RejectedFileError(
            "The file is truncated: it ends before the image does.", ErrorCode.TRUNCATED, "Copy or download it again."
        )
    position = 12
    for _ in range(MAX_CHUNKS):
        if position + 8 > end:
            return
        chunk_type, length = struct.unpack("<4sL", data[position : position + 8])
        if position + 8 + length > min(end, len(data)):
            raise RejectedFileError(
                "The file is damaged: one of its parts is longer than the file.",
                ErrorCode.DAMAGED,
                "Copy or download it again.",
            )
        yield chunk_type, position + 8, length
        position += 8 + length + length % 2
    raise RejectedFileError(
        f"It has more than {MAX_CHUNKS} chunks, which no ordinary WebP has.", ErrorCode.TOO_LARGE, "Save it again."
    )
