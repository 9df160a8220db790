"""Open an image as RGB."""

from __future__ import annotations

import mmap
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from wbcseg.errors import ErrorCode
from wbcseg.io.blank import describe_blank_band
from wbcseg.io.decode import DecodedFile, FileKind, apply_orientation, as_file_error, decode
from wbcseg.io.depth import ValueWindow, choose_window
from wbcseg.io.formats.detect import read_header
from wbcseg.io.formats.header import Header
from wbcseg.io.limits import RejectedFileError

_BAND_ROWS: Final = 256
"""Rows converted at a time; an even number, so that bands can be shrunk."""

PageChoice = int | Literal["rgb"] | None
"""A page from 0; ``"rgb"`` for three pages as red, green and blue; ``None`` for what the file declares: these, or else
its first page."""

_ON_WHITE: Final = "Transparent parts shown on white."

Pixels = NDArray[np.uint8]
Band = Image.Image | NDArray[Any]


@dataclass(frozen=True, eq=False)
class OpenedImage:
    """An image that was opened.

    Attributes:
        pixels: ``uint8[H, W, 3]``, RGB, upright.
        format: ``PNG``, ``JPEG``, ``BMP``, ``TIFF``, ``WebP`` or ``HEIC``, by its content.
        notices: Sentences on how it was converted, for the user.
        orientation: The EXIF orientation that was applied, 1 (none) to 8.
        pixel_size: Pixel size in µm that the file states, of the pixels as they are here; ``None`` if it states none.
            It is a suggestion: nothing applies it.
    """

    pixels: Pixels = field(repr=False)
    format: str
    notices: tuple[str, ...] = ()
    orientation: int = 1
    pixel_size: float | None = None


def open_image(data: bytes, *, name: str = "image", page: PageChoice = None) -> OpenedImage:
    """Open an image from untrusted bytes.

    Conversions, with a notice where one changes what is seen:

    ====================  ============================================================================================
    grey, 1-bit           the same value in the three channels
    palette               its colours
    transparency          shown on white; ignored if it would hide the whole image
    CMYK                  ``R = (255 - C)(255 - K)/255`` and so on, without colour profiles
    YCbCr                 by the JPEG (JFIF) equations
    16 bits               by a range of values, which the notice states; see :func:`wbcseg.io.depth.choose_window`
    32-bit, float, Lab    rejected: their range or colours are not fixed
    EXIF orientation      applied
    several pages         ``page`` is used; three grey pages that the file declares as channels become one colour image
    more than 26 million  shrunk to half its width and height
    pixels
    ====================  ============================================================================================

    Args:
        data: The whole file.
        name: Its name in messages.
        page: Which page of a TIFF; see :data:`PageChoice`.

    Raises:
        ImageError: If it cannot be read.
    """
    try:
        if combines_pages(read_header(data), page):
            return _open_channel_pages(data)
        decoded = decode(data, page if isinstance(page, int) else 0)
        pixels, notices = to_rgb(decoded)
        return _finish(decoded.header, pixels, decoded.get_page_notices() + decoded.notices + notices)
    except (RejectedFileError, MemoryError) as reason:
        raise as_file_error("Image", name, reason) from reason


def combines_pages(header: Header, page: PageChoice) -> bool:
    """Return whether three pages are to be read as red, green and blue.

    Args:
        header: Header of the file's first page.
        page: The page that was asked for.

    Raises:
        RejectedFileError: If the file has three grey pages, of which nothing says what they are, and none was chosen;
            or if the file has no three such pages.
    """
    if page == "rgb" and header.channel_pages == "no":
        raise RejectedFileError(
            "It does not have three grey pages of one size, so they cannot be shown as red, green and blue.",
            ErrorCode.NO_SUCH_PAGE,
        )
    if page is None and header.channel_pages == "possible":
        raise RejectedFileError(
            "It has 3 channels as pages, or a stack of three images; nothing in the file says which.",
            ErrorCode.CHANNELS_AS_PAGES,
            "Choose one of its pages, or all three as red, green and blue; or save it as one RGB image.",
        )
    return page == "rgb" or (page is None and header.channel_pages == "declared")


def _open_channel_pages(data: bytes) -> OpenedImage:
    decoded_pages = [decode(data, page) for page in range(3)]
    channels = [np.asarray(decoded.image) for decoded in decoded_pages]
    header = decoded_pages[0].header
    if len({(channel.shape, channel.dtype.str) for channel in channels}) != 1 or channels[0].ndim != 2:
        raise RejectedFileError("Its three pages differ in size or depth.", ErrorCode.UNSUPPORTED_ENCODING)
    pixels, notices = to_rgb(DecodedFile(np.stack(channels, axis=-1), header, 0))
    if header.photometric == 0 and channels[0].dtype == np.uint8:
        pixels = 255 - pixels
    return _finish(header, pixels, ("Its 3 pages are shown as red, green and blue.", *notices))


def _finish(header: Header, pixels: Pixels, notices: tuple[str, ...]) -> OpenedImage:
    """Turn an image upright, and add what is to be said about it."""
    if _ON_WHITE not in notices and (blank_notice := describe_blank_band(pixels)):
        notices += (blank_notice,)
    if header.shrink_factor > 1:
        notices += (
            f"Shrunk from {header.width}×{header.height} pixels to half its width and height; a pixel size must be "
            "twice that of the file.",
        )
    if header.orientation != 1:
        notices += ("Turned upright by its EXIF orientation.",)
    pixel_size = header.pixel_size * header.shrink_factor if header.pixel_size else None
    if pixel_size:
        notices += (f"The file states a pixel size of {pixel_size:.4g} µm; it is not applied by itself.",)
    return OpenedImage(
        apply_orientation(pixels, header.orientation), header.format, notices, header.orientation, pixel_size
    )


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
        ``uint8[H, W, 3]`` as stored, shrunk if it is too large, and the notices.

    Raises:
        RejectedFileError: If its values have no fixed range.
    """
    image, header = decoded.image, decoded.header
    factor = 1 if decoded.is_shrunk else header.shrink_factor
    if isinstance(image, np.ndarray) and image.dtype == np.uint8:
        if image.ndim == 3 and image.shape[2] == 3 and factor == 1:
            return image, ()
        image = Image.fromarray(image)
    convert, notices = _choose_conversion(image, header)
    height, width = (image.shape[:2]) if isinstance(image, np.ndarray) else (image.height, image.width)
    pixels = np.empty((-(-height // factor), -(-width // factor), 3), dtype=np.uint8)
    for rows, band in iter_bands(image):
        converted = convert(band)
        pixels[rows.start // factor : -(-rows.stop // factor)] = converted if factor == 1 else _halve(converted)
    return pixels, notices


def iter_bands(image: Band) -> Iterator[tuple[slice, Any]]:
    """Yield an image in bands of rows, so that converting a large one needs little extra memory."""
    height = image.shape[0] if isinstance(image, np.ndarray) else image.height
    for top in range(0, height, _BAND_ROWS):
        rows = slice(top, min(top + _BAND_ROWS, height))
        yield rows, image[rows] if isinstance(image, np.ndarray) else image.crop((0, top, image.width, rows.stop))


def _halve(band: Pixels) -> Pixels:
    """Return the means of blocks of 2×2 pixels; the last row and column count twice where the size is odd."""
    padded = np.pad(band, ((0, band.shape[0] % 2), (0, band.shape[1] % 2), (0, 0)), mode="edge").astype(np.uint16)
    total = padded[::2, ::2] + padded[1::2, ::2] + padded[::2, 1::2] + padded[1::2, 1::2]
    return np.asarray((total + 2) >> 2, np.uint8)


def _choose_conversion(image: Band, header: Header) -> tuple[Callable[[Any], Pixels], tuple[str, ...]]:
    """Return how to convert the bands of an image to RGB, and notices on what that changes."""
    if isinstance(image, np.ndarray) or image.mode.startswith("I;16"):
        return _build_16_bit_conversion(image, header)
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
        return _blend_on_white, (_ON_WHITE,)
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


def _build_16_bit_conversion(image: Band, header: Header) -> tuple[Callable[[Any], Pixels], tuple[str, ...]]:
    bands = (np.asarray(band) for _, band in iter_bands(image))
    colors = (band[..., :3] if band.ndim == 3 else band for band in bands)
    window = choose_window(colors, header.bit_depth, header.declared_range)
    lookup = window.build_lookup(inverted=header.format == "TIFF" and header.photometric == 0)
    if not isinstance(image, np.ndarray) or image.ndim == 2:
        notice = f"Scaled from 16-bit grey ({window}) to 8 bits."
        return lambda band: lookup[np.asarray(band)][:, :, None], (notice,)
    notice = f"Scaled from 16 bits per channel ({window}) to 8."
    if image.shape[2] == 3:
        return lambda band: lookup[band], (notice,)
    alpha = ValueWindow(0, (1 << 16) - 1).build_lookup()

    def blend(band: NDArray[np.uint16]) -> Pixels:
        rgba = np.concatenate((lookup[band[..., :3]], alpha[band[..., 3:]]), axis=-1)
        return _drop_alpha(Image.fromarray(rgba)) if is_hidden else _blend_on_white(Image.fromarray(rgba))

    is_hidden = not image[..., 3].any()
    is_opaque = bool((image[..., 3] == (1 << 16) - 1).all())
    alpha_notice = "Transparency ignored: it would hide the whole image." if is_hidden else ""
    alpha_notice = alpha_notice or ("" if is_opaque else _ON_WHITE)
    return blend, tuple(filter(None, (alpha_notice, notice)))
