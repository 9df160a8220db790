"""HEIC, the format of phones: its header.

``libheif`` (through ``pillow-heif``) parses the file within its own limits. Before it is called, the sizes that the
file states are checked here, so that a decompression bomb is rejected.
"""

from __future__ import annotations

import io
import struct
from typing import Final

from wbcseg.errors import ErrorCode
from wbcseg.io.formats.header import Header
from wbcseg.io.limits import FileBytes, RejectedFileError, check_dimensions

_BRANDS: Final = frozenset((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"))
_AVIF_BRANDS: Final = frozenset((b"avif", b"avis"))
_MAX_SIZES: Final = 10_000
"""Maximum number of images, tiles included, in one file; an image of 48 megapixels has about 200 tiles."""


def is_heic(head: bytes) -> bool:
    """Return whether a file is HEIC, from its first bytes."""
    if head[4:8] != b"ftyp" or head[8:12] in _AVIF_BRANDS:
        return False
    length = min(int.from_bytes(head[:4], "big"), len(head))
    brands = {head[8:12], *(head[position : position + 4] for position in range(16, length - 3, 4))}
    return bool(brands & _BRANDS) and not brands & _AVIF_BRANDS


def read_header(data: FileBytes, page: int = 0) -> Header:  # noqa: ARG001 (all formats have the same arguments)
    """Read the header of a HEIC file. Its rotation is applied by the decoder, so its orientation is 1."""
    _check_stated_sizes(data)
    # Imported here, because few files need it.
    import pillow_heif

    try:
        file = pillow_heif.open_heif(io.BytesIO(data[:]), convert_hdr_to_8bit=True)
        width, height = file.size
        count = len(file)
    except MemoryError:
        raise
    # libheif reports errors of many kinds.
    except Exception as error:
        raise RejectedFileError(
            "The file is damaged, or of a kind of HEIC that is not supported.",
            ErrorCode.DAMAGED,
            "Copy or download it again, or save it as PNG or JPEG.",
        ) from error
    return Header("HEIC", width, height, page_count=max(count, 1))


def strip_metadata(data: bytes, header: Header, page: int) -> bytes:  # noqa: ARG001
    """Return the file as it is: its parts refer to each other by position. The decoder returns pixels only."""
    return data


def _check_stated_sizes(data: FileBytes) -> None:
    """Reject a file if an image or tile in it states too large a size (the boxes ``ispe``, ISO/IEC 23008-12)."""
    position, count = data.find(b"ispe"), 0
    while position >= 0:
        count += 1
        if count > _MAX_SIZES:
            raise RejectedFileError(f"It holds more than {_MAX_SIZES} images.", ErrorCode.TOO_LARGE)
        if data[position - 4 : position] == b"\0\0\0\x14":
            check_dimensions(*struct.unpack(">LL", data[position + 8 : position + 16]))
        position = data.find(b"ispe", position + 4)
