"""Read the structure of an image file (format, size, pages, orientation) without decoding it."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from wbcseg.errors import ErrorCode
from wbcseg.io import tiff
from wbcseg.io.limits import MAX_BYTES, FileBytes, RejectedFileError, check_dimensions

# Encoders write chunks of 4 KB or more: 20,000 of them in 80 MB.
MAX_CHUNKS: Final = 50_000
# An image with a large colour profile and extended metadata has a few hundred.
MAX_SEGMENTS: Final = 2_000
MAX_EXIF_BYTES: Final = 1 << 16

_SIGNATURES: Final = {
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"BM": "BMP",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"II+\0": "TIFF",
    b"MM\0+": "TIFF",
}
_UNSUPPORTED_SIGNATURES: Final = {
    b"GIF8": "a GIF image",
    b"RIFF": "a WebP image or another RIFF file",
    b"%PDF": "a PDF document",
    b"%!PS": "PostScript (EPS)",
    b"\xc5\xd0\xd3\xc6": "PostScript (EPS)",
    b"PK\x03\x04": "a zip archive",
    b"8BPS": "a Photoshop file",
    b"\x89HDF": "an HDF5 file",
    b"\0\0\0\x0cjP": "a JPEG 2000 image",
    b"\0\0\x01\0": "an icon",
    b"\x1f\x8b": "a gzip archive",
}


@dataclass(frozen=True)
class Header:
    """The header of an image file.

    Attributes:
        format: ``PNG``, ``JPEG``, ``BMP`` or ``TIFF``.
        width: In pixels, as stored.
        height: In pixels, as stored.
        orientation: EXIF orientation, 1 (as stored) to 8.
        page_count: Pages or frames in the file.
        bit_depth: Bits per channel.
        compression: The TIFF compression code; 0 in other formats.
        sample_format: In TIFF 1 for unsigned integers, 2 for signed ones, 3 for floating point.
        inverted: Whether zero is white (TIFF).
    """

    format: str
    width: int
    height: int
    orientation: int = 1
    page_count: int = 1
    bit_depth: int = 8
    compression: int = 0
    sample_format: int = 1
    inverted: bool = False

    @property
    def lossy(self) -> bool:
        """Whether it is compressed as JPEG."""
        return self.format == "JPEG" or self.compression == tiff.JPEG

    @property
    def upright_size(self) -> tuple[int, int]:
        """Height and width in pixels after the orientation is applied."""
        return (self.width, self.height) if self.orientation > 4 else (self.height, self.width)


def read_header(data: FileBytes, page: int = 0) -> Header:
    """Read the header of an image file.

    Args:
        data: The whole file.
        page: Which page, from 0. Only TIFF has more than one.

    Raises:
        RejectedFileError: If it is not PNG, JPEG, BMP or TIFF, is damaged, or exceeds a limit.
    """
    if not len(data):
        raise RejectedFileError("The file is empty (0 bytes).", ErrorCode.EMPTY)
    if len(data) > MAX_BYTES:
        raise RejectedFileError(
            f"The file is larger than the limit of {MAX_BYTES / 1e6:.0f} MB.",
            ErrorCode.TOO_LARGE,
            "Crop the image first.",
        )
    file_format = next(
        (format_name for signature, format_name in _SIGNATURES.items() if data[: len(signature)] == signature), None
    )
    if file_format is None:
        raise RejectedFileError(
            f"The file holds {_describe_unsupported(data[:1024])}; supported are PNG, JPEG, BMP and TIFF.",
            ErrorCode.UNSUPPORTED_FORMAT,
        )
    try:
        header = (
            {"PNG": _read_png_header, "JPEG": _read_jpeg_header, "BMP": _read_bmp_header}[file_format](data)
            if file_format != "TIFF"
            else _read_tiff_header(data, page)
        )
    except (struct.error, IndexError) as error:
        raise RejectedFileError("The file is truncated: it ends within its header.", ErrorCode.TRUNCATED) from error
    check_dimensions(header.width, header.height)
    if file_format != "TIFF" and page != 0:
        raise RejectedFileError(
            f"Page {page + 1} was requested, but a {file_format} file has one page.", ErrorCode.NO_SUCH_PAGE
        )
    return header


def iter_png_chunks(data: FileBytes) -> Iterator[tuple[bytes, int, int]]:
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


def iter_jpeg_segments(data: FileBytes) -> Iterator[tuple[int, int, int]]:
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
        if marker == 0xDA:
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


def _read_png_header(data: FileBytes) -> Header:
    if data[12:16] != b"IHDR":
        raise RejectedFileError(
            "The file is damaged: it does not begin with a PNG header chunk.",
            ErrorCode.DAMAGED,
            "Copy or download it again.",
        )
    width, height, bit_depth = struct.unpack(">LLB", data[16:25])
    check_dimensions(width, height)
    orientation, frame_count = 1, 1
    for chunk_type, start, length in iter_png_chunks(data):
        if chunk_type == b"acTL" and length == 8:
            (frame_count,) = struct.unpack(">L", data[start : start + 4])
        elif chunk_type == b"eXIf" and length <= MAX_EXIF_BYTES:
            orientation = tiff.read_exif_orientation(data[start : start + length])
    return Header("PNG", width, height, orientation, max(frame_count, 1), bit_depth)


def _read_jpeg_header(data: FileBytes) -> Header:
    width = height = bit_depth = 0
    orientation, image_count = 1, 1
    for marker, start, length in iter_jpeg_segments(data):
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            bit_depth, height, width = struct.unpack(">BHH", data[start : start + 5])
        elif marker == 0xE1 and data[start : start + 6] == b"Exif\0\0":
            orientation = tiff.read_exif_orientation(data[start + 6 : start + length])
        elif marker == 0xE2 and data[start : start + 4] == b"MPF\0":
            try:
                image_count = tiff.read_tiff(data[start + 4 : start + length]).get_integer(tiff.MPF_IMAGE_COUNT, 1)
            except RejectedFileError:
                image_count = 1
    return Header("JPEG", width, height, orientation, max(image_count, 1), bit_depth)


def _read_bmp_header(data: FileBytes) -> Header:
    (header_size,) = struct.unpack("<L", data[14:18])
    if header_size == 12:
        width, height = struct.unpack("<HH", data[18:22])
        return Header("BMP", width, height)
    width, height, _, _, compression = struct.unpack("<LlHHL", data[18:34])
    if compression in (1, 2):
        raise RejectedFileError(
            "It is a BMP with run-length compression, which is not supported.",
            ErrorCode.UNSUPPORTED_ENCODING,
            "Save it as PNG.",
        )
    return Header("BMP", width, abs(height))


def _read_tiff_header(data: FileBytes, page: int) -> Header:
    file = tiff.read_tiff(data, page)
    part_count = max((file.tags[tag].count for tag in tiff.PART_OFFSETS if tag in file.tags), default=0)
    if part_count > tiff.MAX_PARTS:
        raise RejectedFileError(
            f"Its page is split into {part_count} strips or tiles; the limit is {tiff.MAX_PARTS}.", ErrorCode.TOO_LARGE
        )
    orientation = file.get_integer(tiff.ORIENTATION, 1)
    return Header(
        "TIFF",
        file.get_integer(tiff.WIDTH, 0),
        file.get_integer(tiff.HEIGHT, 0),
        orientation if 1 <= orientation <= 8 else 1,
        file.page_count,
        max(file.get_integers(tiff.BITS_PER_SAMPLE, (1,))),
        file.get_integer(tiff.COMPRESSION, 1),
        file.get_integer(tiff.SAMPLE_FORMAT, 1),
        file.get_integer(tiff.PHOTOMETRIC, 1) == 0,
    )


def _describe_unsupported(head: bytes) -> str:
    """Return what a file that is not an image seems to be."""
    for signature, description in _UNSUPPORTED_SIGNATURES.items():
        if head.startswith(signature):
            return description
    if head[4:8] == b"ftyp":
        return "a HEIC or AVIF image or a video"
    if head[128:132] == b"DICM":
        return "a DICOM file"
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<!doctype html", b"<html")):
        return "a web page (HTML)"
    if text.startswith((b"<?xml", b"<svg")):
        return "XML or SVG"
    if text and all(byte >= 32 or byte in b"\t\r\n" for byte in text):
        return "text"
    return "something else"
