"""PNG: its header, its pixel data, and whether they are complete."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import Final

from wbcseg.errors import ErrorCode
from wbcseg.io.formats import tiff
from wbcseg.io.formats.header import Header
from wbcseg.io.formats.inflate import check_inflated_size
from wbcseg.io.limits import FileBytes, RejectedFileError, check_dimensions

# Encoders write chunks of 4 KB or more: 20,000 of them in 80 MB.
MAX_CHUNKS: Final = 50_000
MAX_EXIF_BYTES: Final = 1 << 16

# Header, palette, transparency, pixels, end.
_KEPT_CHUNKS: Final = frozenset((b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"))
_CHANNELS: Final = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
# First column, first row, step of columns and of rows of each pass (PNG specification, section 8.2).
_ADAM7: Final = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


def read_header(data: FileBytes, page: int = 0) -> Header:  # noqa: ARG001 (all formats have the same arguments)
    """Read the header of a PNG."""
    if data[12:16] != b"IHDR":
        raise RejectedFileError(
            "The file is damaged: it does not begin with a PNG header chunk.",
            ErrorCode.DAMAGED,
            "Copy or download it again.",
        )
    width, height, bit_depth, color_type = struct.unpack(">LLBB", data[16:26])
    check_dimensions(width, height)
    orientation, frame_count = 1, 1
    for chunk_type, start, length in iter_chunks(data):
        if chunk_type == b"acTL" and length == 8:
            (frame_count,) = struct.unpack(">L", data[start : start + 4])
        elif chunk_type == b"eXIf" and length <= MAX_EXIF_BYTES:
            orientation = tiff.read_exif_orientation(data[start : start + length])
    channels = _CHANNELS.get(color_type, 0)
    return Header("PNG", width, height, orientation, max(frame_count, 1), bit_depth, channels)


def iter_chunks(data: FileBytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield type, start and length in bytes of each chunk's content, to the end chunk.

    Raises:
        RejectedFileError: If the file ends before its end chunk or has too many chunks.
    """
    position = 8
    for _ in range(MAX_CHUNKS):
        chunk_header = data[position : position + 8]
        if len(chunk_header) < 8:
            break
        length, chunk_type = struct.unpack(">L4s", chunk_header)
        if position + 12 + length > len(data):
            break
        yield chunk_type, position + 8, length
        if chunk_type == b"IEND":
            return
        position += 12 + length
    else:
        raise RejectedFileError(
            f"It has more than {MAX_CHUNKS} chunks, which no ordinary PNG has.",
            ErrorCode.TOO_LARGE,
            "Save it again as PNG.",
        )
    raise RejectedFileError(
        "The file is truncated: it ends before the image does.", ErrorCode.TRUNCATED, "Copy or download it again."
    )


def strip_metadata(data: bytes, header: Header, page: int) -> bytes:  # noqa: ARG001
    """Return the same PNG without metadata; its checksums and the number of its rows are checked."""
    view = memoryview(data)
    parts: list[memoryview | bytes] = [view[:8]]
    pixel_chunks: list[memoryview] = []
    for chunk_type, start, length in iter_chunks(data):
        if chunk_type not in _KEPT_CHUNKS:
            continue
        end = start + length
        (expected_crc,) = struct.unpack(">L", view[end : end + 4])
        if zlib.crc32(view[start - 4 : end]) != expected_crc:
            name = chunk_type.decode("ascii")
            raise RejectedFileError(
                f"The file is damaged: the checksum of its {name} chunk is wrong.",
                ErrorCode.DAMAGED,
                "Copy or download it again.",
            )
        if chunk_type == b"IDAT":
            pixel_chunks.append(view[start:end])
        parts.append(view[start - 8 : end + 4])
    if header.channels:
        check_inflated_size(pixel_chunks, _count_row_bytes(header, is_interlaced=data[28] == 1))
    return b"".join(parts)


def _count_row_bytes(header: Header, *, is_interlaced: bool) -> int:
    """Return how many bytes the rows of a PNG have, each with its filter byte."""
    bits = header.bit_depth * header.channels
    if not is_interlaced:
        return header.height * (1 + (header.width * bits + 7) // 8)
    total = 0
    for left, top, column_step, row_step in _ADAM7:
        columns, rows = -(-(header.width - left) // column_step), -(-(header.height - top) // row_step)
        total += max(rows, 0) * (1 + (columns * bits + 7) // 8) if columns > 0 else 0
    return total
