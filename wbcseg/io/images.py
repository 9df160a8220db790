"""Open an image as RGB."""

from __future__ import annotations

import mmap
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from wbcseg.errors import ErrorCode
from wbcseg.io.decode import DecodedFile, FileKind, apply_orientation, as_file_error, decode
from wbcseg.io.headers import Header, read_header
from wbcseg.io.limits import RejectedFileError

# Cameras with 10, 12 or 14 bits write 16-bit files that use the lower end of the range only.
_BIT_DEPTHS: Final = (8, 10, 12, 14, 16)
_BAND_ROWS: Final = 256
"""Rows converted at a time."""

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class OpenedImage:
    """An image that was opened.

    Attributes:
        pixels: ``uint8[H, W, 3]``, RGB, upright.
        format: ``PNG``, ``JPEG``, ``BMP`` or ``TIFF``, by its content.
        notices: Sentences on how it was converted, for the user.
        orientation: The EXIF orientation that was applied, 1 (none) to 8.
    """

    pixels: Pixels = field(repr=False)
    format: str
    notices: tuple[str, ...] = ()
    orientation: int = 1


def open_image(data: bytes, *, name: str = "image", page: int = 0) -> OpenedImage:
    """Open an image from untrusted bytes.

    Conversions, with a notice where one changes what is seen:

    ====================  ============================================================================================
    grey, 1-bit           the same value in the three channels
    palette               its colours
    transparency          shown on white; ignored if it would hide the whole image
    CMYK                  ``R = (255 - C)(255 - K)/255`` and so on, without colour profiles
    YCbCr                 by the JPEG (JFIF) equations
    16-bit grey           divided by its range: the smallest of 8, 10, 12, 14 and 16 bits that holds its brightest
                          pixel, so that no value is clipped and images of a 12-bit camera are not black
    16-bit colour         divided by 256; rejected if all of it is below a quarter of the range, since an image of
                          a 12- or 14-bit camera would be nearly black
    32-bit, float, Lab    rejected: their range or colours are not fixed
    EXIF orientation      applied
    several pages         ``page`` is used
    ====================  ============================================================================================

    Args:
        data: The whole file.
        name: Its name in messages.
        page: Which page of a TIFF, from 0.

    Raises:
        ImageError: If it cannot be read.
    """
    try:
        decoded = decode(data, page)
        pixels, notices = to_rgb(decoded)
        orientation = decoded.header.orientation
        if orientation != 1:
            notices += ("Turned upright by its EXIF orientation.",)
        return OpenedImage(
            apply_orientation(pixels, orientation),
            decoded.header.format,
            decoded.get_page_notices() + notices,
            orientation,
        )
    except (RejectedFileError, MemoryError) as reason:
        raise as_file_error("Image", name, reason) from reason


def read_size(source: bytes | Path, *, name: str = "image") -> tuple[int, int]:
    """Return height and width in pixels, upright, from a file's header alone.

    Args:
        source: The whole file, or its path; of a path only the header is read.
        name: Its name in messages.

    Raises:
        ImageError: If it is not an image that can be opened.
    """
    return read_file_header(source, name=name).upright_size


def read_file_header(source: bytes | Path, *, name: str, kind: FileKind = "Image", page: int = 0) -> Header:
    """Read the header of a file, or of one of its pages; see :func:`read_size`.

    Raises:
        ImageError: If it is not an image that can be opened.
        MaskError: The same, if ``kind`` is ``Mask``.
    """
    try:
        if isinstance(source, bytes):
            return read_header(source, page)
        with source.open("rb") as file:
            if not source.stat().st_size:
                return read_header(b"")
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
                return read_header(mapped, page)
    except RejectedFileError as reason:
        raise as_file_error(kind, name, reason) from reason
    except OSError as error:
        raise as_file_error(
            kind, name, RejectedFileError(f"Reading the file failed: {error.strerror}.", ErrorCode.UNREADABLE)
        ) from error


def to_rgb(decoded: DecodedFile) -> tuple[Pixels, tuple[str, ...]]:
    """Convert a decoded image as described in :func:`open_image`.

    Returns:
        ``uint8[H, W, 3]`` as stored, and the notices.

    Raises:
        RejectedFileError: If its values have no fixed range.
    """
    image, header = decoded.image, decoded.header
    convert, notices = _choose_conversion(image, header)
    pixels = np.empty((image.height, image.width, 3), dtype=np.uint8)
    for rows, band in iter_bands(image):
        pixels[rows] = convert(band)
    if header.bit_depth == 16 and not image.mode.startswith("I;16"):
        if int(pixels.max()) < 64:
            raise RejectedFileError(
                "It has 16 bits per channel but uses only the lower ones.",
                ErrorCode.UNSUPPORTED_ENCODING,
                "Save it with 8 bits per channel.",
            )
        notices += ("Scaled from 16 bits per channel (0–65535) to 8.",)
    return pixels, notices


def iter_bands(image: Image.Image) -> Iterator[tuple[slice, Image.Image]]:
    """Yield an image in bands of rows, so that converting a large one needs little extra memory."""
    for top in range(0, image.height, _BAND_ROWS):
        bottom = min(top + _BAND_ROWS, image.height)
        yield slice(top, bottom), image.crop((0, top, image.width, bottom))


def _choose_conversion(image: Image.Image, header: Header) -> tuple[Callable[[Image.Image], Pixels], tuple[str, ...]]:
    """Return how to convert the bands of an image to RGB, and notices on what that changes."""
    if image.mode.startswith("I;16"):
        if header.inverted:
            raise RejectedFileError(
                "It is a 16-bit TIFF in which zero is white.", ErrorCode.UNSUPPORTED_ENCODING, "Save it as PNG."
            )
        return _build_16_bit_conversion(image, header.bit_depth)
    if image.mode in ("I", "F", "LAB") or header.sample_format == 2:
        description = "Lab colours" if image.mode == "LAB" else "signed or 32-bit numbers"
        raise RejectedFileError(
            f"Its pixels are {description}.",
            ErrorCode.UNSUPPORTED_ENCODING,
            "Save it with 8 bits per channel, as PNG or TIFF.",
        )
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        extrema = [_to_rgba(band).getchannel("A").getextrema() for _, band in iter_bands(image)]
        if all(highest == 0 for _, highest in extrema):
            return _drop_alpha, ("Transparency ignored: it would hide the whole image.",)
        if all(lowest == 255 for lowest, _ in extrema):
            return _drop_alpha, ()
        return _blend_on_white, ("Transparent parts shown on white.",)
    if image.mode == "CMYK":
        return _convert_plain, ("Converted from CMYK to RGB without a colour profile.",)
    return _convert_plain, ()


def _convert_plain(band: Image.Image) -> Pixels:
    return np.asarray(band.convert("RGB"))


def _drop_alpha(band: Image.Image) -> Pixels:
    return np.asarray(_to_rgba(band))[:, :, :3]


def _blend_on_white(band: Image.Image) -> Pixels:
    rgba = _to_rgba(band)
    white = Image.new("RGB", rgba.size, "white")
    white.paste(rgba.convert("RGB"), mask=rgba.getchannel("A"))
    return np.asarray(white)


def _to_rgba(image: Image.Image) -> Image.Image:
    # Pillow converts premultiplied modes only to their plain counterpart.
    if image.mode in ("La", "RGBa"):
        image = image.convert({"La": "LA", "RGBa": "RGBA"}[image.mode])
    return image.convert("RGBA")


def _build_16_bit_conversion(
    image: Image.Image, bit_depth: int
) -> tuple[Callable[[Image.Image], Pixels], tuple[str, ...]]:
    brightest = max(int(np.asarray(band).max()) for _, band in iter_bands(image))
    bits = max(
        bit_depth if bit_depth < 16 else 8, next(candidate for candidate in _BIT_DEPTHS if brightest < 1 << candidate)
    )
    max_value = (1 << bits) - 1
    values = np.arange(1 << 16, dtype=np.int64)
    lookup = np.minimum((values * 510 + max_value) // (2 * max_value), 255).astype(np.uint8)
    notice = f"Scaled from 16-bit grey (0–{max_value}) to 8 bits."
    return lambda band: lookup[np.asarray(band)][:, :, None], (notice,)
