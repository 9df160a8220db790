"""JPEG: its header, its pixel data, and whether its scans are complete."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import Final

from wbcseg.errors import ErrorCode
from wbcseg.io.formats import tiff
from wbcseg.io.formats.header import Header
from wbcseg.io.limits import FileBytes, RejectedFileError

# An image with a large colour profile and extended metadata has a few hundred.
MAX_SEGMENTS: Final = 2_000
# A progressive JPEG has about ten scans. Thousands of empty ones would keep a decoder busy for hours.
MAX_SCANS: Final = 64

_START_OF_SCAN: Final = 0xDA
_FRAME_MARKERS: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_PROGRESSIVE: Final = 0xC2
# Baseline, extended sequential and progressive, with Huffman codes. The others (lossless, hierarchical, arithmetic) are
# read by next to no program.
_SUPPORTED_FRAMES: Final = frozenset((0xC0, 0xC1, 0xC2))
# Of the APPn blocks, JFIF is harmless and Adobe's says how to read the channels; the others and comments are metadata.
_JFIF, _ADOBE, _COMMENT = 0xE0, 0xEE, 0xFE
# A decoder warns of a JFIF version that it does not know; nothing depends on it.
_JFIF_HEAD: Final = b"JFIF\0\1\1"


def read_header(data: FileBytes, page: int = 0) -> Header:  # noqa: ARG001 (all formats have the same arguments)
    """Read the header of a JPEG."""
    width = height = bit_depth = channels = frame_marker = 0
    orientation, image_count = 1, 1
    for marker, start, length in iter_segments(data):
        if marker in _FRAME_MARKERS:
            bit_depth, height, width, channels = struct.unpack(">BHHB", data[start : start + 6])
            frame_marker = marker
        elif marker == 0xE1 and data[start : start + 6] == b"Exif\0\0":
            orientation = tiff.read_exif_orientation(data[start + 6 : start + length])
        elif marker == 0xE2 and data[start : start + 4] == b"MPF\0":
            try:
                image_count = tiff.read_tiff(data[start + 4 : start + length]).get_integer(tiff.MPF_IMAGE_COUNT, 1)
            except RejectedFileError:
                image_count = 1
    if frame_marker and (frame_marker not in _SUPPORTED_FRAMES or bit_depth != 8):
        kind = f"with {bit_depth} bits per channel" if bit_depth != 8 else "with lossless or arithmetic coding"
        raise RejectedFileError(
            f"It is a JPEG {kind}, which is not supported.", ErrorCode.UNSUPPORTED_ENCODING, "Save it as PNG."
        )
    return Header("JPEG", width, height, orientation, max(image_count, 1), bit_depth, channels)


def iter_segments(data: FileBytes) -> Iterator[tuple[int, int, int]]:
    """Yield marker, start and length in bytes of each segment's content, to the start of the first scan.

    Raises:
        RejectedFileError: If the file ends before that or has too many segments.
    """
    position = 2
    for _ in range(MAX_SEGMENTS):
        if data[position : position + 1] != b"\xff":
            raise RejectedFileError(
                "The file is damaged: its segments do not follow one another.", ErrorCode.DAMAGED, "Save it again."
            )
        fill = re.compile(rb"\xff+").match(data, position)
        position = fill.end() if fill else position
        marker = data[position]
        if marker in (0x01, *range(0xD0, 0xD9)):
            position += 1
            continue
        (length,) = struct.unpack(">H", data[position + 1 : position + 3])
        if marker == 0xD9 or length < 2 or position + 1 + length > len(data):
            break
        yield marker, position + 3, length - 2
        if marker == _START_OF_SCAN:
            return
        position += 1 + length
    else:
        raise RejectedFileError(
            f"It has more than {MAX_SEGMENTS} segments, which no ordinary JPEG has.",
            ErrorCode.TOO_LARGE,
            "Save it again.",
        )
    raise RejectedFileError(
        "The file is truncated: it ends before the image begins.", ErrorCode.TRUNCATED, "Copy or download it again."
    )


def strip_metadata(data: bytes, header: Header, page: int) -> bytes:  # noqa: ARG001
    """Return the same JPEG without metadata; it must have an end and all its scans."""
    view = memoryview(data)
    parts: list[memoryview | bytes] = [view[:2]]
    frame = b""
    for marker, start, length in iter_segments(data):
        content = view[start : start + length]
        if marker in _FRAME_MARKERS:
            frame = bytes([marker]) + content
        if marker == _START_OF_SCAN:
            if data.find(b"\xff\xd9", start) < 0:
                raise RejectedFileError(
                    "The file is truncated: it ends before the image does.",
                    ErrorCode.TRUNCATED,
                    "Copy or download it again.",
                )
            if data.count(b"\xff\xda", start) >= MAX_SCANS:
                raise RejectedFileError(
                    f"It has more than {MAX_SCANS} scans, which no ordinary JPEG has.",
                    ErrorCode.TOO_LARGE,
                    "Save it again.",
                )
            if frame:
                _check_scans(data, start, frame)
            parts += (b"\xff", view[start - 3 :])
        elif marker == _JFIF and bytes(content[:5]) == _JFIF_HEAD[:5] and length >= len(_JFIF_HEAD):
            parts += (b"\xff", view[start - 3 : start], _JFIF_HEAD, content[len(_JFIF_HEAD) :])
        elif marker == _ADOBE or not (0xE0 <= marker <= 0xEF or marker == _COMMENT):
            parts += (b"\xff", view[start - 3 : start + length])
    return b"".join(parts)


def _check_scans(data: bytes, first_scan: int, frame: bytes) -> None:
    """Reject a JPEG that ends before its last scan: a decoder would fill in the rest without a word.

    Args:
        data: The whole file.
        first_scan: Where the content of the first start-of-scan segment begins.
        frame: Marker and content of the frame header.
    """
    is_progressive = frame[0] == _PROGRESSIVE
    component_ids = frame[7 : 7 + 3 * frame[6] : 3]
    # Per component, the lowest bit sent so far of the constant and of the other coefficients; 0 is complete.
    lowest_bits = {component: {0: 99, 63: 99} for component in component_ids}
    position = first_scan
    while position > 0:
        count = data[position]
        end = position + 1 + 2 * count
        parameters = data[end : end + 3]
        if not 1 <= count <= 4 or len(parameters) < 3:
            break
        first, last, lowest_bit = parameters[0], parameters[1], parameters[2] & 15
        for component in data[position + 1 : end : 2]:
            bits = lowest_bits.setdefault(component, {})
            for coefficient in (0, 63):
                if not is_progressive or first <= coefficient <= last:
                    bits[coefficient] = lowest_bit if is_progressive else 0
        position = data.find(b"\xff\xda", end + 3) + 4
        if position == 3:
            break
    if any(bit for component in component_ids for bit in lowest_bits[component].values()):
        raise RejectedFileError(
            "The file is incomplete: scans with the image's detail are missing.",
            ErrorCode.TRUNCATED,
            "Copy or download it again.",
        )
