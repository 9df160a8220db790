"""Read the structure of a picture file: its format, size, pages and orientation. Nothing is decoded."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from wbcseg.io import tiff
from wbcseg.io.limits import MAX_BYTES, FileBytes, RejectedFileError, check_dimensions

# 80 MB in the chunks of 4 KB that the smallest usual encoders write are 20,000 of them.
MAX_CHUNKS: Final = 50_000
# A picture with a large colour profile and extended metadata has a few hundred.
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
    b"GIF8": "a GIF picture",
    b"RIFF": "a WebP picture or another RIFF file",
    b"%PDF": "a PDF document",
    b"%!PS": "PostScript (EPS)",
    b"\xc5\xd0\xd3\xc6": "PostScript (EPS)",
    b"PK\x03\x04": "a zip archive",
    b"8BPS": "a Photoshop file",
    b"\x89HDF": "an HDF5 file",
    b"\0\0\0\x0cjP": "a JPEG 2000 picture",
    b"\0\0\x01\0": "an icon",
    b"\x1f\x8b": "a gzip archive",
}


@dataclass(frozen=True)
class Header:
    """What a file says of its picture.

    Attributes:
        format: ``PNG``, ``JPEG``, ``BMP`` or ``TIFF``.
        width: In pixels, as stored.
        height: In pixels, as stored.
        orientation: EXIF orientation, 1 (as stored) to 8.
        page_count: Pages or pictures that the file holds.
        bit_depth: Bits a channel.
        compression: The TIFF compression code; 0 in other formats.
        sample_format: In TIFF 1 for whole numbers, 2 for signed ones, 3 for floating point.
        inverted: Whether a TIFF says that zero is white.
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
    """Read what a file says of its picture.

    Args:
        data: The whole file.
        page: Which page, from 0. Only TIFF has more than one.

    Raises:
        RefusedError: If it is no PNG, JPEG, BMP or TIFF, is damaged, or is larger than the limits.
    """
    if not len(data):
        raise RejectedFileError("It is empty (0 bytes).")
    if len(data) > MAX_BYTES:
        raise RejectedFileError(f"It has more than {MAX_BYTES / 1e6:.0f} MB, the most that is read. Crop it first.")
    file_format = next(
        (format_name for signature, format_name in _SIGNATURES.items() if data[: len(signature)] == signature), None
    )
    if file_format is None:
        raise RejectedFileError(f"It holds {_describe_unsupported(data[:1024])}; PNG, JPEG, BMP and TIFF are read.")
    try:
        header = (
            {"PNG": _read_png_header, "JPEG": _read_jpeg_header, "BMP": _read_bmp_header}[file_format](data)
            if file_format != "TIFF"
            else _read_tiff_header(data, page)
        )
    except (struct.error, IndexError) as error:
        raise RejectedFileError("It is truncated: the file ends within its header.") from error
    check_dimensions(header.width, header.height)
    if file_format != "TIFF" and page != 0:
        raise RejectedFileError(f"Page {page + 1} was asked for, but a {file_format} file has one page.")
    return header


def iter_png_chunks(data: FileBytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield type, start and length in bytes of each chunk's content, to the end chunk.

    Raises:
        RefusedError: If the file ends before its end chunk, or has more chunks than a picture has.
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
        raise RejectedFileError(f"It has more than {MAX_CHUNKS} chunks, which no usual PNG has. Save it again as PNG.")
    raise RejectedFileError("It is truncated: the file ends before the picture does. Copy or download it again.")


def iter_jpeg_segments(data: FileBytes) -> Iterator[tuple[int, int, int]]:
    """Yield marker, start and length in bytes of each segment's content, to the start of the first scan.

    Raises:
        RefusedError: If the file ends before that, or has more segments than a picture has.
    """
    position = 2
    for _ in range(MAX_SEGMENTS):
        if data[position : position + 1] != b"\xff":
            raise RejectedFileError("It is damaged: its segments do not follow one another. Save it again.")
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
        raise RejectedFileError(f"It has more than {MAX_SEGMENTS} segments, which no usual JPEG has. Save it again.")
    raise RejectedFileError("It is truncated: the file ends before the picture begins. Copy or download it again.")


def _read_png_header(data: FileBytes) -> Header:
    if data[12:16] != b"IHDR":
        raise RejectedFileError("It is damaged: a PNG begins with its header chunk.")
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
        raise RejectedFileError("It is a BMP with run-length compression, which is not read. Save it as PNG.")
    return Header("BMP", width, abs(height))


def _read_tiff_header(data: FileBytes, page: int) -> Header:
    file = tiff.read_tiff(data, page)
    part_count = max((file.tags[tag].count for tag in tiff.PART_OFFSETS if tag in file.tags), default=0)
    if part_count > tiff.MAX_PARTS:
        raise RejectedFileError(f"Its page is cut into {part_count} pieces; at most {tiff.MAX_PARTS} are read.")
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
    """Say in words what a file that is no picture seems to be."""
    for signature, description in _UNSUPPORTED_SIGNATURES.items():
        if head.startswith(signature):
            return description
    if head[4:8] == b"ftyp":
        return "a HEIC or AVIF picture or a video"
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
