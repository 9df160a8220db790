"""Strip a file down to its pixel data, and check that the pixel data are complete.

What a decoder never sees cannot attack it: text, EXIF, colour profiles, thumbnails, other pages and unknown blocks
are removed before Pillow is called. So no metadata of an image can reach an export.
"""

from __future__ import annotations

import struct
import zlib
from typing import Final

from wbcseg.errors import ErrorCode
from wbcseg.io import tiff
from wbcseg.io.headers import Header, iter_jpeg_segments, iter_png_chunks
from wbcseg.io.limits import RejectedFileError

# Header, palette, transparency, pixels, end.
_PNG_KEPT_CHUNKS: Final = frozenset((b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"))
# JFIF is harmless and Adobe's block says how to read the channels; the other APPn blocks and comments are metadata.
_JPEG_KEPT_MARKERS: Final = (0xE0, 0xEE)
# A progressive JPEG has about ten scans. Thousands of empty ones would keep a decoder busy for hours.
MAX_SCANS: Final = 64
# Size, depth, compression, photometry, fill order, strips, channels; planes, predictor, palette, tiles; inks, further
# channels, sample format, JPEG tables; colour equations.
_TIFF_KEPT_TAGS: Final = frozenset({*range(256, 260), 262, 266, 273, *range(277, 280)}).union(
    (284, 317, 320, *range(322, 326), 332, 338, 339, 347, *range(529, 533))
)
_TIFF_COMPRESSIONS: Final = {1: "none", 5: "LZW", 7: "JPEG", 8: "Deflate", 32773: "PackBits", 32946: "Deflate"}


def strip_metadata(data: bytes, header: Header, page: int) -> bytes:
    """Return a file with the same pixels and no metadata.

    Args:
        data: The whole file.
        header: Its header, from :func:`wbcseg.io.headers.read_header`.
        page: Which page, from 0.

    Raises:
        RejectedFileError: If the file is truncated or damaged.
    """
    if header.format == "PNG":
        return _strip_png(data)
    if header.format == "JPEG":
        return _strip_jpeg(data)
    if header.format == "TIFF":
        return _strip_tiff(data, header, page)
    return data


def _strip_tiff(data: bytes, header: Header, page: int) -> bytes:
    if header.compression not in _TIFF_COMPRESSIONS:
        supported = ", ".join(dict.fromkeys(_TIFF_COMPRESSIONS.values()))
        raise RejectedFileError(
            f"It is a TIFF with compression {header.compression}; supported are {supported}.",
            ErrorCode.UNSUPPORTED_ENCODING,
            "Save it as PNG.",
        )
    if header.sample_format == 3:
        raise RejectedFileError(
            "Its pixels are floating-point numbers.",
            ErrorCode.UNSUPPORTED_ENCODING,
            "Save it with 8 bits per channel, as PNG or TIFF.",
        )
    file = tiff.read_tiff(data, page)
    # Pillow reads this layout without complaint and mixes up the halves of the numbers (seen in 13.0).
    if header.bit_depth > 8 and header.compression == 1 and file.get_integer(tiff.PLANAR_CONFIGURATION, 1) == 2:
        raise RejectedFileError(
            "It is a TIFF with 16 bits per channel in separate planes.",
            ErrorCode.UNSUPPORTED_ENCODING,
            "Save it as PNG.",
        )
    return tiff.extract_page(file, _TIFF_KEPT_TAGS)


def _strip_png(data: bytes) -> bytes:
    view = memoryview(data)
    parts: list[memoryview | bytes] = [view[:8]]
    for chunk_type, start, length in iter_png_chunks(data):
        if chunk_type not in _PNG_KEPT_CHUNKS:
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
        parts.append(view[start - 8 : end + 4])
    return b"".join(parts)


def _strip_jpeg(data: bytes) -> bytes:
    view = memoryview(data)
    parts: list[memoryview | bytes] = [view[:2]]
    for marker, start, length in iter_jpeg_segments(data):
        if marker == 0xDA:
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
            parts.append(b"\xff")
            parts.append(view[start - 3 :])
        elif marker in _JPEG_KEPT_MARKERS or not (0xE0 <= marker <= 0xEF or marker == 0xFE):
            parts.append(b"\xff")
            parts.append(view[start - 3 : start + length])
    return b"".join(parts)
