"""BMP: its header. It has no metadata and no checks."""

from __future__ import annotations

import struct

from wbcseg.errors import ErrorCode
from wbcseg.io.formats.header import Header
from wbcseg.io.limits import FileBytes, RejectedFileError


def read_header(data: FileBytes, page: int = 0) -> Header:  # noqa: ARG001 (all formats have the same arguments)
    """Read the header of a BMP."""
    (header_size,) = struct.unpack("<L", data[14:18])
    if header_size == 12:
        width, height = struct.unpack("<HH", data[18:22])
        return Header("BMP", width, height)
    width, height, _, _, compression = struct.unpack("<LlHHL", data[18:34])
    if compression in (1, 2, 4, 5):
        name = {1: "run-length", 2: "run-length", 4: "JPEG", 5: "PNG"}[compression]
        raise RejectedFileError(
            f"It is a BMP with {name} compression, which is not supported.",
            ErrorCode.UNSUPPORTED_ENCODING,
            "Save it as PNG.",
        )
    return Header("BMP", width, abs(height))


def strip_metadata(data: bytes, header: Header, page: int) -> bytes:  # noqa: ARG001
    """Return the file as it is."""
    return data
