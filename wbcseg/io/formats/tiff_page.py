"""One page of a TIFF: its header, its pixel data, and whether they are complete."""

from __future__ import annotations

from typing import Final

import simplejpeg

from wbcseg.errors import ErrorCode
from wbcseg.io.formats import tiff, tiff_metadata
from wbcseg.io.formats.header import JPEG_COMPRESSION, Header
from wbcseg.io.formats.inflate import check_inflated_size
from wbcseg.io.limits import FileBytes, RejectedFileError, check_dimensions

# Size, depth, compression, photometry, fill order, strips, channels; planes, predictor, palette, tiles; inks, further
# channels, sample format, JPEG tables; colour equations.
_KEPT_TAGS: Final = frozenset({*range(256, 260), 262, 266, 273, *range(277, 280)}).union(
    (284, 317, 320, *range(322, 326), 332, 338, 339, 347, *range(529, 533))
)
_COMPRESSIONS: Final = {1: "none", 5: "LZW", 7: "JPEG", 8: "Deflate", 32773: "PackBits", 32946: "Deflate"}
_UNCOMPRESSED: Final = 1
_DEFLATE: Final = (8, 32946)
_YCBCR: Final = 6
MAX_CHANNELS: Final = 5
"""CMYK with transparency."""

_JPEG_DAMAGE: Final = ("Corrupt JPEG data", "Premature end", "Not a JPEG")


def read_header(data: FileBytes, page: int = 0) -> Header:
    """Read the header of one page of a TIFF."""
    file = tiff.read_tiff(data, page)
    part_count = max((file.tags[tag].count for tag in tiff.PART_OFFSETS if tag in file.tags), default=0)
    if part_count > tiff.MAX_PARTS:
        raise RejectedFileError(
            f"Its page is split into {part_count} strips or tiles; the limit is {tiff.MAX_PARTS}.", ErrorCode.TOO_LARGE
        )
    tile_width, tile_height = file.get_integer(tiff.TILE_WIDTH, 1), file.get_integer(tiff.TILE_HEIGHT, 1)
    check_dimensions(max(tile_width, 1), max(tile_height, 1))
    channels = file.get_integer(tiff.SAMPLES_PER_PIXEL, 1)
    if channels > MAX_CHANNELS:
        raise RejectedFileError(
            f"Its pixels have {channels} channels.", ErrorCode.UNSUPPORTED_ENCODING, "Save it as an RGB image."
        )
    orientation = file.get_integer(tiff.ORIENTATION, 1)
    metadata = tiff_metadata.read_metadata(tiff.read_tiff(data) if page else file)
    return Header(
        "TIFF",
        file.get_integer(tiff.WIDTH, 0),
        file.get_integer(tiff.HEIGHT, 0),
        orientation if 1 <= orientation <= 8 else 1,
        file.page_count,
        max(file.get_integers(tiff.BITS_PER_SAMPLE, (1,))),
        channels,
        file.get_integer(tiff.COMPRESSION, 1),
        sample_format=file.get_integer(tiff.SAMPLE_FORMAT, 1),
        photometric=file.get_integer(tiff.PHOTOMETRIC, 1),
        planar=file.get_integer(tiff.PLANAR_CONFIGURATION, 1) == 2 and channels > 1,
        declared_range=metadata.declared_range,
        channel_pages=metadata.channel_pages,
        pixel_size=metadata.pixel_size,
    )


def strip_metadata(data: bytes, header: Header, page: int) -> bytes:
    """Return a TIFF with only the pixel data of one page; where its compression has checks, they are made."""
    if header.compression not in _COMPRESSIONS:
        supported = ", ".join(dict.fromkeys(_COMPRESSIONS.values()))
        raise RejectedFileError(
            f"It is a TIFF with compression {header.compression}; supported are {supported}.",
            ErrorCode.UNSUPPORTED_ENCODING,
            "Save it as PNG.",
        )
    if header.sample_format == 3 or header.bit_depth > 32:
        kind = "floating-point numbers" if header.sample_format == 3 else f"numbers of {header.bit_depth} bits"
        raise RejectedFileError(
            f"Its pixels are {kind}.",
            ErrorCode.UNSUPPORTED_ENCODING,
            "Save it with 8 bits per channel, as PNG or TIFF.",
        )
    file = tiff.read_tiff(data, page)
    _check_parts(file, header)
    return tiff.extract_page(file, _KEPT_TAGS)


def _check_parts(file: tiff.TiffFile, header: Header) -> None:
    """Check the strips or tiles of a page: their position, and what their compression lets one check."""
    offsets, byte_counts = (
        next((values for tag in tags if (values := file.get_integers(tag, limit=tiff.MAX_PARTS))), ())
        for tags in (tiff.PART_OFFSETS, tiff.PART_BYTE_COUNTS)
    )
    is_tiled = tiff.TILE_WIDTH in file.tags
    part_width = file.get_integer(tiff.TILE_WIDTH, 0) if is_tiled else header.width
    part_height = file.get_integer(tiff.TILE_HEIGHT if is_tiled else tiff.ROWS_PER_STRIP, header.height)
    part_height = part_height if is_tiled else max(min(part_height, header.height), 1)
    strips_per_plane = -(-header.height // part_height) if part_height else 1
    row_bits = part_width * header.bit_depth * (1 if header.planar else header.channels)
    view = memoryview(file.data)
    for index, (offset, count) in enumerate(zip(offsets, byte_counts, strict=False)):
        part = view[offset : offset + count]
        if not is_tiled:
            top = index % strips_per_plane * part_height
            rows = min(part_height, header.height - top)
        else:
            rows = part_height
        if len(part) < count and header.compression != _UNCOMPRESSED:
            raise RejectedFileError(
                "The file is truncated: it ends before the image does.",
                ErrorCode.TRUNCATED,
                "Copy or download it again.",
            )
        if header.compression in _DEFLATE:
            # Colour differences (YCbCr) may be stored at half the size.
            check_inflated_size([part], 1 if header.photometric == _YCBCR else rows * ((row_bits + 7) // 8))
        elif header.compression == JPEG_COMPRESSION:
            _check_jpeg_part(bytes(part), file.get_bytes(tiff.JPEG_TABLES, 1 << 16))


def _check_jpeg_part(part: bytes, tables: bytes) -> None:
    # The tables are a JPEG without an image: they end with an end marker, and the part begins with a start marker.
    stream = tables[:-2] + part[2:] if len(tables) > 4 else part
    try:
        height, width, *_ = simplejpeg.decode_jpeg_header(stream)
        check_dimensions(width, height)
        small = {"min_factor": 8, "min_height": -(-height // 8), "min_width": -(-width // 8)}
        simplejpeg.decode_jpeg(stream, colorspace="GRAY", strict=True, **small)
    except ValueError as error:
        if not str(error).startswith(_JPEG_DAMAGE):
            return
        raise RejectedFileError(
            "The file is damaged: part of its pixel data is missing or wrong.",
            ErrorCode.DAMAGED,
            "Copy or download it again.",
        ) from error
