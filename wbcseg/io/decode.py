"""Decode a cleaned file with Pillow, completely or not at all."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from wbcseg.errors import ImageError, MaskError
from wbcseg.io.filenames import format_display_name
from wbcseg.io.headers import Header, read_header
from wbcseg.io.limits import RejectedFileError
from wbcseg.io.sanitize import strip_metadata

FileKind = Literal["Picture", "Mask"]

# The header was checked against a lower limit before; this is the second lock, and it must not be a mere line on the
# terminal.
warnings.filterwarnings("error", category=Image.DecompressionBombWarning)


@dataclass(frozen=True)
class DecodedFile:
    """A decoded picture in whatever mode the file has, as stored (no orientation applied).

    Attributes:
        image: The Pillow picture, fully loaded.
        header: What the file says of it.
        page: Which page it is, from 0.
    """

    image: Image.Image
    header: Header
    page: int

    def get_page_notices(self) -> tuple[str, ...]:
        """Say that a file holds more than what is shown."""
        if self.header.page_count == 1:
            return ()
        if self.header.format == "TIFF":
            return (f"The file has {self.header.page_count} pages; page {self.page + 1} is used.",)
        return (f"The file holds {self.header.page_count} pictures; the first is used.",)


def decode(data: bytes, page: int = 0) -> DecodedFile:
    """Turn the bytes of a file into a Pillow picture.

    Args:
        data: The whole file.
        page: Which page, from 0.

    Raises:
        RefusedError: Whatever is wrong with the file.
        MemoryError: If there is not enough of it.
    """
    header = read_header(data, page)
    try:
        image = Image.open(io.BytesIO(strip_metadata(data, header, page)), formats=(header.format,))
        if image.size != (header.width, header.height):
            raise RejectedFileError("It is damaged: its header states two different sizes.")
        image.load()
    except (RejectedFileError, MemoryError):
        raise
    # A decoder that meets hostile bytes may raise anything (Pillow: SyntaxError, TypeError, struct.error, …); the
    # caller promised a named error for all of it.
    except Exception as error:
        raise RejectedFileError(_explain_error(error)) from error
    return DecodedFile(image, header, page)


def _explain_error(error: Exception) -> str:
    text = str(error)
    if "truncated" in text or isinstance(error, EOFError):
        return "It is truncated: the file ends before the picture does. Copy or download it again."
    if isinstance(error, NotImplementedError) or "unknown pixel mode" in text or "nsupported" in text:
        return "It is of a kind that is not read. Save it as PNG with 8 bits a channel."
    return "It is damaged: its pixels cannot be decoded. Copy or download it again, or save it as PNG."


def apply_orientation(array: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Apply an EXIF orientation.

    Args:
        array: ``uint8[H, W]`` or ``uint8[H, W, 3]``, as stored.
        orientation: 1 to 8.

    Returns:
        The array upright, contiguous: ``uint8[W, H, …]`` for orientations 5 to 8.
    """
    # Orientations 5 to 8 mirror at the main diagonal first, 5 does nothing else.
    if orientation > 4:
        array = array.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        array = array[::-1]
    if orientation in (2, 3, 6, 7):
        array = array[:, ::-1]
    return np.ascontiguousarray(array)


def as_image_error(kind: FileKind, name: str, reason: RejectedFileError | MemoryError) -> ImageError | MaskError:
    """Return the named error for a refused file: which one, and why."""
    if isinstance(reason, MemoryError):
        reason = RejectedFileError("There is not enough memory to open it. Crop or shrink it first.")
    error_class = ImageError if kind == "Picture" else MaskError
    return error_class(f"{kind} {format_display_name(name)} cannot be used. {reason}")
