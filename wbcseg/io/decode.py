"""Decode a file without its metadata, completely or not at all."""

from __future__ import annotations

import io
import logging
import re
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import Image, TiffImagePlugin

from wbcseg.errors import ErrorCode, ImageError, MaskError
from wbcseg.io.filenames import format_display_name
from wbcseg.io.formats import bmp, heic, jpeg, png, tiff_page, webp
from wbcseg.io.formats.detect import read_header
from wbcseg.io.formats.header import Header
from wbcseg.io.limits import RejectedFileError
from wbcseg.io.memory import get_free_memory

FileKind = Literal["Image", "Mask"]

# The header has been checked against a lower limit; this second check must be an error, not a line on the terminal.
warnings.filterwarnings("error", category=Image.DecompressionBombWarning)
# tifffile logs what it tolerates.
logging.getLogger("tifffile").setLevel(logging.CRITICAL)

_STRIPPERS: Final[dict[str, Callable[[bytes, Header, int], bytes]]] = {
    "PNG": png.strip_metadata,
    "JPEG": jpeg.strip_metadata,
    "BMP": bmp.strip_metadata,
    "TIFF": tiff_page.strip_metadata,
    "WebP": webp.strip_metadata,
    "HEIC": heic.strip_metadata,
}
_BYTES_PER_SHRUNK_PIXEL: Final = 10
"""Memory per pixel that reading an image takes which is shrunk afterwards: Pillow's copy and the file's own."""

_UNCHECKED_NOTICE: Final = (
    "The colours of this JPEG are stored at an unusual resolution, so the file could not be checked for damage."
)

# How Pillow is told to read the other byte of 16-bit channels; "N" is the order of this computer.
_OTHER_BYTE: Final = {"16B": "16L", "16L": "16B", "16N": "16B" if sys.byteorder == "little" else "16L"}


@dataclass(frozen=True)
class DecodedFile:
    """A decoded image in the mode of the file, as stored (no orientation applied).

    Attributes:
        image: The Pillow image, fully loaded; or an array: ``uint8`` or ``uint16``, ``[H, W]`` grey or ``[H, W, C]``
            with C = 3 (RGB) or 4 (RGBA).
        header: Its header.
        page: Which page it is, from 0.
        is_shrunk: Whether the decoder has already divided both sides by the header's ``shrink_factor``.
        notices: Sentences on how it was decoded.
    """

    image: Image.Image | NDArray[Any]
    header: Header
    page: int
    is_shrunk: bool = False
    notices: tuple[str, ...] = ()

    def get_page_notices(self) -> tuple[str, ...]:
        """Return notices that a file holds more than what is used."""
        if self.header.page_count == 1:
            return ()
        if self.header.format == "TIFF":
            return (f"Page {self.page + 1} of {self.header.page_count} is used.",)
        return (f"The first of {self.header.page_count} images in the file is used.",)


def decode(data: bytes, page: int = 0) -> DecodedFile:
    """Decode a file.

    Args:
        data: The whole file.
        page: Which page, from 0.

    Raises:
        RejectedFileError: If the file cannot be decoded.
        MemoryError: If memory runs out.
    """
    header = read_header(data, page)
    if header.shrink_factor > 1 and get_free_memory() < _BYTES_PER_SHRUNK_PIXEL * header.width * header.height:
        raise MemoryError
    try:
        return _decode_stripped(_STRIPPERS[header.format](data, header, page), header, page)
    except (RejectedFileError, MemoryError):
        raise
    # A decoder that meets hostile bytes may raise anything (Pillow: SyntaxError, TypeError, struct.error, …).
    except Exception as error:
        raise _explain_error(error) from error


def _decode_stripped(data: bytes, header: Header, page: int) -> DecodedFile:
    if header.format == "JPEG":
        return _decode_jpeg(data, header, page)
    if header.format == "HEIC":
        import pillow_heif

        heif_file = pillow_heif.open_heif(io.BytesIO(data), convert_hdr_to_8bit=True)
        return DecodedFile(heif_file.to_pillow(), header, page)
    if header.format == "TIFF" and _needs_tifffile(data, header):
        return _decode_with_tifffile(data, header, page)
    image = _open_with_pillow(data, header)
    if header.bit_depth == 16 and image.mode in ("RGB", "RGBA"):
        return DecodedFile(_load_16_bit_channels(image, _open_with_pillow(data, header)), header, page)
    image.load()
    return DecodedFile(image, header, page)


def _open_with_pillow(data: bytes, header: Header) -> Image.Image:
    if header.format == "TIFF":
        # Image.open hides why a TIFF is refused.
        image: Image.Image = TiffImagePlugin.TiffImageFile(io.BytesIO(data))
    else:
        image = Image.open(io.BytesIO(data), formats=(header.format.upper(),))
    if image.size != (header.width, header.height):
        raise RejectedFileError("The file is damaged: its header states two different sizes.", ErrorCode.DAMAGED)
    return image


def _load_16_bit_channels(image: Image.Image, same_image: Image.Image) -> NDArray[Any]:
    """Return 16-bit colour, ``uint16[H, W, C]``. Pillow keeps one byte of a value, so the file is read twice."""
    image.load()
    same_image.tile = [tile._replace(args=_swap_byte(tile.args)) for tile in same_image.tile]  # type: ignore[attr-defined]
    same_image.load()
    values = np.asarray(image).astype(np.uint16)
    values <<= 8
    values |= np.asarray(same_image)
    return values


def _swap_byte(args: Any) -> Any:
    raw_mode, *others = (args,) if isinstance(args, str) else args
    name, _, order = raw_mode.partition(";")
    raw_mode = f"{name};{_OTHER_BYTE[order]}"
    return raw_mode if isinstance(args, str) else (raw_mode, *others)


def _decode_jpeg(data: bytes, header: Header, page: int) -> DecodedFile:
    """Decode a JPEG with a decoder that reports damage; Pillow reads what that one does not."""
    color_space = {1: "GRAY", 3: "RGB", 4: "CMYK"}.get(header.channels)
    if color_space is None:
        raise RejectedFileError(
            f"It is a JPEG with {header.channels} channels.", ErrorCode.UNSUPPORTED_ENCODING, "Save it as PNG."
        )
    # Of CMYK only the damage is of interest: programs disagree on its sign, which Pillow knows.
    factor = 8 if color_space == "CMYK" else header.shrink_factor
    height, width = -(-header.height // factor), -(-header.width // factor)
    options: dict[str, Any] = {"colorspace": color_space}
    if factor > 1:
        options |= {"min_factor": factor, "min_height": height, "min_width": width}
    notices: tuple[str, ...] = ()
    try:
        pixels = simplejpeg.decode_jpeg(data, strict=True, **options)
    except ValueError as error:
        if "subsampling" in str(error):
            notices = (_UNCHECKED_NOTICE,)
        else:
            _check_jpeg_warning(str(error), data)
            pixels = simplejpeg.decode_jpeg(data, strict=False, **options)
    if color_space == "CMYK" or notices:
        image = _open_with_pillow(data, header)
        image.load()
        return DecodedFile(image, header, page, notices=notices)
    if pixels.shape[:2] != (height, width):
        raise RejectedFileError("The file is damaged: its header states two different sizes.", ErrorCode.DAMAGED)
    return DecodedFile(pixels[:, :, 0] if color_space == "GRAY" else pixels, header, page, is_shrunk=factor > 1)


def _check_jpeg_warning(warning: str, data: bytes) -> None:
    """Raise an error if a decoder's warning means damage. Padding before the end marker does not."""
    if extraneous := re.search(r"(\d+) extraneous bytes before marker 0xd9", warning):
        end = data.rfind(b"\xff\xd9")
        padding = data[max(end - int(extraneous[1]), 0) : end]
        if len(padding) <= 2 or not padding.strip(padding[:1]):
            return
    if "Invalid SOS parameters" in warning:
        return
    if "color" in warning:
        raise _explain_error(NotImplementedError())
    is_cut = "remature end of JPEG" in warning
    raise RejectedFileError(
        "The file is damaged: part of its pixel data is missing or wrong.",
        ErrorCode.TRUNCATED if is_cut else ErrorCode.DAMAGED,
        "Copy or download it again.",
    )


def _needs_tifffile(data: bytes, header: Header) -> bool:
    """Return whether a TIFF is one that Pillow misreads or refuses, and tifffile reads without further libraries."""
    if header.compression not in (1, 8, 32946) or header.sample_format != 1 or header.bit_depth not in (8, 16):
        return False
    if header.photometric not in (1, 2) or header.channels not in (1, 3, 4):
        return False
    is_big_endian_bigtiff = data[:4] == b"MM\0+"
    is_unmarked_color = header.photometric == 1 and header.channels == 3
    # Pillow mixes up the halves of 16-bit numbers in planes (seen in 13.0).
    return is_big_endian_bigtiff or is_unmarked_color or header.planar


def _decode_with_tifffile(data: bytes, header: Header, page: int) -> DecodedFile:
    # Imported here, because few files need it.
    import tifffile

    with tifffile.TiffFile(io.BytesIO(data)) as file:
        values: NDArray[Any] = file.pages[0].asarray(maxworkers=1)
        has_alpha = any(int(sample) in (1, 2) for sample in getattr(file.pages[0], "extrasamples", ()))
    if header.planar:
        values = np.moveaxis(values, 0, -1)
    if header.channels == 1:
        values = values.reshape(header.height, header.width)
    elif not has_alpha:
        values = values[..., :3]
    if values.shape[:2] != (header.height, header.width) or values.dtype not in (np.uint8, np.uint16):
        raise RejectedFileError("The file is damaged: its header states two different sizes.", ErrorCode.DAMAGED)
    is_unmarked = header.photometric == 1 and header.channels > 1
    notice = "Its channels are not marked as colours; they are shown as red, green and blue."
    native = np.ascontiguousarray(values, values.dtype.newbyteorder("="))
    return DecodedFile(native, header, page, notices=(notice,) if is_unmarked else ())


def _explain_error(error: Exception) -> RejectedFileError:
    text = str(error)
    if "truncated" in text or isinstance(error, EOFError):
        return RejectedFileError(
            "The file is truncated: it ends before the image does.", ErrorCode.TRUNCATED, "Copy or download it again."
        )
    is_unknown_kind = re.search(r"unknown (pixel|photometric|data|interpolation)|nsupported|decoder \w+ not", text)
    if isinstance(error, NotImplementedError) or is_unknown_kind:
        return RejectedFileError(
            "Its encoding is not supported.", ErrorCode.UNSUPPORTED_ENCODING, "Save it as PNG with 8 bits per channel."
        )
    return RejectedFileError(
        "The file is damaged: its pixels cannot be decoded.",
        ErrorCode.DAMAGED,
        "Copy or download it again, or save it as PNG.",
    )


def apply_orientation(array: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Apply an EXIF orientation.

    Args:
        array: ``uint8[H, W]`` or ``uint8[H, W, 3]``, as stored.
        orientation: 1 to 8.

    Returns:
        The array upright, contiguous: ``uint8[W, H, …]`` for orientations 5 to 8.
    """
    # Orientations 5 to 8 transpose first; 5 does nothing else.
    if orientation > 4:
        array = array.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        array = array[::-1]
    if orientation in (2, 3, 6, 7):
        array = array[:, ::-1]
    return np.ascontiguousarray(array)


def as_file_error(kind: FileKind, name: str, rejection: RejectedFileError | MemoryError) -> ImageError | MaskError:
    """Return the error for a rejected file, with the file's name."""
    if isinstance(rejection, MemoryError):
        rejection = RejectedFileError(
            "There is not enough memory to open it.", ErrorCode.OUT_OF_MEMORY, "Crop or shrink it first."
        )
    error_class = ImageError if kind == "Image" else MaskError
    return error_class(
        f"{kind} {format_display_name(name)} could not be read. {rejection.reason}",
        file=name,
        reason=rejection.reason,
        code=rejection.code,
        hint=rejection.hint,
    )
