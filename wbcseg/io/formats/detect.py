"""Detect the format of an image file from its content, and read its header without decoding it."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Final

from wbcseg.errors import ErrorCode
from wbcseg.io.formats import bmp, heic, jpeg, png, tiff_page, webp
from wbcseg.io.formats.header import Header
from wbcseg.io.limits import MAX_BYTES, FileBytes, RejectedFileError, check_dimensions

SUPPORTED_FORMATS: Final = "PNG, JPEG, BMP, TIFF, WebP and HEIC"
"""The formats that are read, in words."""

_SIGNATURES: Final = {
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"BM": "BMP",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"II+\0": "TIFF",
    b"MM\0+": "TIFF",
}
_READERS: Final[dict[str, Callable[[FileBytes, int], Header]]] = {
    "PNG": png.read_header,
    "JPEG": jpeg.read_header,
    "BMP": bmp.read_header,
    "TIFF": tiff_page.read_header,
    "WebP": webp.read_header,
    "HEIC": heic.read_header,
}
_UNSUPPORTED_SIGNATURES: Final = {
    b"GIF8": "a GIF image",
    b"RIFF": "a RIFF file",
    b"%PDF": "a PDF document",
    b"%!PS": "PostScript (EPS)",
    b"\xc5\xd0\xd3\xc6": "PostScript (EPS)",
    b"PK\x03\x04": "a zip archive",
    b"7z\xbc\xaf\x27\x1c": "a 7-Zip archive",
    b"Rar!": "a RAR archive",
    b"8BPS": "a Photoshop file",
    b"\x89HDF": "an HDF5 file",
    b"\0\0\0\x0cjP": "a JPEG 2000 image",
    b"\xff\x4f\xff\x51": "a JPEG 2000 image",
    b"\xff\x0a": "a JPEG XL image",
    b"\0\0\0\x0cJXL": "a JPEG XL image",
    b"\0\0\1\0": "an icon",
    b"\x1f\x8b": "a gzip archive",
    b"FUJIFILMCCD-RAW": "a camera's raw file",
    b"IIRO": "a camera's raw file",
    b"IIU\0": "a camera's raw file",
    b"\xda\xce\xbe\x0a": "a Nikon microscope file (ND2)",
    b"\x93NUMPY": "a NumPy array",
}


def read_header(data: FileBytes, page: int = 0) -> Header:
    """Read the header of an image file.

    Args:
        data: The whole file.
        page: Which page, from 0. Only TIFF has more than one.

    Raises:
        RejectedFileError: If its format is not supported, or it is damaged, or exceeds a limit.
    """
    if not len(data):
        raise RejectedFileError("The file is empty (0 bytes).", ErrorCode.EMPTY)
    if len(data) > MAX_BYTES:
        raise RejectedFileError(
            f"The file is larger than the limit of {MAX_BYTES / 1e6:.0f} MB.",
            ErrorCode.TOO_LARGE,
            "Crop the image first.",
        )
    file_format = detect_format(data[:1024])
    if file_format is None:
        raise RejectedFileError(
            f"The file holds {describe_unsupported(data[:1024])}; supported are {SUPPORTED_FORMATS}.",
            ErrorCode.UNSUPPORTED_FORMAT,
            "Save it as PNG.",
        )
    try:
        header = _READERS[file_format](data, page)
    except (struct.error, IndexError) as error:
        raise RejectedFileError("The file is truncated: it ends within its header.", ErrorCode.TRUNCATED) from error
    check_dimensions(header.width, header.height)
    if file_format != "TIFF" and page != 0:
        raise RejectedFileError(
            f"Page {page + 1} was requested, but a {file_format} file has one page.", ErrorCode.NO_SUCH_PAGE
        )
    return header


def detect_format(head: bytes) -> str | None:
    """Return the format of a file from its first bytes, or ``None`` if it is not supported."""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WebP"
    if heic.is_heic(head):
        return "HEIC"
    return next((name for signature, name in _SIGNATURES.items() if head.startswith(signature)), None)


def describe_unsupported(head: bytes) -> str:
    """Return what a file that is not an image seems to be."""
    for signature, description in _UNSUPPORTED_SIGNATURES.items():
        if head.startswith(signature):
            return description
    if head[4:8] == b"ftyp":
        return "an AVIF image" if head[8:12] in (b"avif", b"avis") else "a video or another media file"
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
