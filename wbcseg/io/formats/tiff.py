"""Read the structure of TIFF files, and of EXIF blocks, which are small TIFF files."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from wbcseg.errors import ErrorCode
from wbcseg.io.limits import MAX_PAGES, FileBytes, RejectedFileError

WIDTH, HEIGHT, BITS_PER_SAMPLE, COMPRESSION, PHOTOMETRIC, ORIENTATION = 256, 257, 258, 259, 262, 274
DESCRIPTION, SAMPLES_PER_PIXEL, X_RESOLUTION, PLANAR_CONFIGURATION, RESOLUTION_UNIT = 270, 277, 282, 284, 296
MIN_SAMPLE_VALUE, MAX_SAMPLE_VALUE, TILE_WIDTH, TILE_HEIGHT, SAMPLE_FORMAT = 280, 281, 322, 323, 339
ROWS_PER_STRIP, JPEG_TABLES = 278, 347
PART_OFFSETS: Final = (273, 324)
PART_BYTE_COUNTS: Final = (279, 325)
MPF_IMAGE_COUNT: Final = 0xB001

# Ordinary pages have about twenty tags; microscopes add a few dozen.
MAX_TAGS: Final = 500
# 26 million pixels in tiles of 16×16, the smallest in use, are 101,563 tiles.
MAX_PARTS: Final = 110_000

_INTEGER_FORMATS: Final = {1: "B", 3: "H", 4: "L", 16: "Q"}


@dataclass(frozen=True)
class Tag:
    """One entry of a page's directory.

    Attributes:
        type: The TIFF type of its values.
        count: How many values.
        raw: The entry itself, 12 bytes (20 in BigTIFF).
    """

    type: int
    count: int
    raw: bytes


@dataclass(frozen=True)
class TiffFile:
    """A TIFF file with the directory of one of its pages.

    Attributes:
        data: The whole file.
        byte_order: ``<`` or ``>``, for :mod:`struct`.
        is_bigtiff: Whether it is BigTIFF, with 64-bit offsets.
        page_count: Pages in the file.
        directory_offset: Offset of the chosen page's directory.
        tags: The entries of the chosen page.
    """

    data: FileBytes
    byte_order: str
    is_bigtiff: bool
    page_count: int
    directory_offset: int
    tags: Mapping[int, Tag]

    def get_integers(self, tag: int, default: tuple[int, ...] = (), limit: int = 16) -> tuple[int, ...]:
        """Return the integers of a tag (at most ``limit``), or the default if it has none."""
        entry = self.tags.get(tag)
        if entry is None or entry.type not in _INTEGER_FORMATS or not entry.count:
            return default
        format_code = _INTEGER_FORMATS[entry.type]
        count = min(entry.count, limit)
        values = self._read_values(entry, struct.calcsize("=" + format_code), count)
        return default if values is None else struct.unpack(f"{self.byte_order}{count}{format_code}", values)

    def get_bytes(self, tag: int, limit: int) -> bytes:
        """Return the bytes of a text or of undefined type (at most ``limit``); none if there is no such tag."""
        entry = self.tags.get(tag)
        if entry is None or entry.type not in (1, 2, 7):
            return b""
        return self._read_values(entry, 1, min(entry.count, limit)) or b""

    def get_rational(self, tag: int) -> float | None:
        """Return the first fraction of a tag, or ``None`` if it has none."""
        entry = self.tags.get(tag)
        values = self._read_values(entry, 8, 1) if entry is not None and entry.type == 5 and entry.count else None
        if values is None:
            return None
        numerator, denominator = struct.unpack(f"{self.byte_order}2L", values)
        return float(numerator / denominator) if denominator else None

    def _read_values(self, entry: Tag, size: int, count: int) -> bytes | None:
        """Return the first values of a tag, ``None`` if the file ends before them."""
        values = entry.raw[12:] if self.is_bigtiff else entry.raw[8:]
        if entry.count * size > len(values):
            (offset,) = struct.unpack(self.byte_order + ("Q" if self.is_bigtiff else "L"), values)
            values = self.data[offset : offset + count * size]
        values = values[: count * size]
        return values if len(values) == count * size else None

    def get_integer(self, tag: int, default: int) -> int:
        """Return the first integer of a tag, or the default if it has none."""
        return self.get_integers(tag, (default,))[0]


def read_tiff(data: FileBytes, page: int = 0) -> TiffFile:
    """Read the directory of one page of a TIFF file, and count the pages, without decoding.

    Args:
        data: The whole file.
        page: Which page, from 0.

    Raises:
        RejectedFileError: If it is damaged, has too many pages or tags, or no such page.
    """
    byte_order = "<" if data[:2] == b"II" else ">"
    is_bigtiff = data[2:4] in (b"+\0", b"\0+")
    offset_format, entry_size, count_size, offset_size = ("Q", 20, 8, 8) if is_bigtiff else ("L", 12, 2, 4)
    page_count = chosen_offset = 0
    tags: dict[int, Tag] = {}
    visited_offsets: set[int] = set()
    try:
        (offset,) = struct.unpack(byte_order + offset_format, data[8:16] if is_bigtiff else data[4:8])
        while offset and offset not in visited_offsets:
            if offset < 2 * offset_size:
                raise RejectedFileError(
                    "The file is damaged: its page directory overlaps its header.", ErrorCode.DAMAGED
                )
            if page_count == MAX_PAGES:
                raise RejectedFileError(
                    f"It has more than {MAX_PAGES} pages.",
                    ErrorCode.TOO_LARGE,
                    "Save the page that you need on its own.",
                )
            visited_offsets.add(offset)
            (count,) = struct.unpack(byte_order + ("Q" if is_bigtiff else "H"), data[offset : offset + count_size])
            if count > MAX_TAGS:
                raise RejectedFileError(
                    f"One of its pages has {count} tags; the limit is {MAX_TAGS}.", ErrorCode.TOO_LARGE
                )
            start, end = offset + count_size, offset + count_size + count * entry_size
            if page_count == page:
                chosen_offset = offset
                for position in range(start, end, entry_size):
                    raw = data[position : position + entry_size]
                    tag, tag_type, value_count = struct.unpack(
                        byte_order + "HH" + offset_format, raw[: 4 + offset_size]
                    )
                    tags.setdefault(tag, Tag(tag_type, value_count, raw))
            page_count += 1
            next_pointer = data[end : end + offset_size]
            # Many EXIF blocks omit the pointer to the next directory.
            offset = (
                struct.unpack(byte_order + offset_format, next_pointer)[0] if len(next_pointer) == offset_size else 0
            )
    except (struct.error, OverflowError, ValueError) as error:
        raise RejectedFileError(
            "The file is truncated or damaged: its page directory cannot be read.",
            ErrorCode.DAMAGED,
            "Copy or download it again.",
        ) from error
    if not 0 <= page < max(page_count, 1):
        raise RejectedFileError(
            f"Page {page + 1} was requested, but the file has {page_count}.", ErrorCode.NO_SUCH_PAGE
        )
    return TiffFile(data, byte_order, is_bigtiff, page_count, chosen_offset, tags)


def read_exif_orientation(exif_block: bytes) -> int:
    """Return the orientation (1 to 8) of an EXIF block; 1 if it has none or is damaged."""
    if exif_block[:4] not in (b"II*\0", b"MM\0*"):
        return 1
    try:
        tiff = read_tiff(exif_block)
    except RejectedFileError:
        return 1
    value = tiff.get_integer(ORIENTATION, 1)
    return value if 1 <= value <= 8 else 1


def extract_page(tiff: TiffFile, kept_tags: frozenset[int]) -> bytes:
    """Return a TIFF file with only the chosen page, and of its tags only those to keep.

    The directory is rewritten in place and the file does not grow, so a strip cut off by the end of the file stays cut
    off and is noticed.

    Args:
        tiff: The file and its page.
        kept_tags: The tags that make up the pixels.
    """
    entries = [entry.raw for tag, entry in sorted(tiff.tags.items()) if tag in kept_tags]
    offset_format, count_format = ("Q", "Q") if tiff.is_bigtiff else ("L", "H")
    directory = b"".join(
        (
            struct.pack(tiff.byte_order + count_format, len(entries)),
            *entries,
            struct.pack(tiff.byte_order + offset_format, 0),
        )
    )
    start = 8 if tiff.is_bigtiff else 4
    view = memoryview(tiff.data)
    return b"".join(
        (
            view[:start],
            struct.pack(tiff.byte_order + offset_format, tiff.directory_offset),
            view[2 * start : tiff.directory_offset],
            directory,
            view[tiff.directory_offset + len(directory) :],
        )
    )
