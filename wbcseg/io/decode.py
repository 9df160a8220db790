"""Decode a sanitised file with Pillow, completely or not at all."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from wbcseg.errors import ErrorCode, ImageError, MaskError
from wbcseg.io.filenames import format_display_name
from wbcseg.io.headers import Header, read_header
from wbcseg.io.limits import RejectedFileError
from wbcseg.io.sanitize import strip_metadata

FileKind = Literal["Image", "Mask"]

# The header has been checked against a lower limit; this second check must be an error, not a line on the terminal.
warnings.filterwarnings("error", category=Image.DecompressionBombWarning)


@dataclass(frozen=True)
class DecodedFile:
    """A decoded image in the mode of the file, as stored (no orientation applied).

    Attributes:
        image: The Pillow image, fully loaded.
        header: Its header.
        page: Which page it is, from 0.
    """

    image: Image.Image
    header: Header
    page: int

    def get_page_notices(self) -> tuple[str, ...]:
        """Return notices that a file holds more than what is used."""
        if self.header.page_count == 1:
            return ()
        if self.header.format == "TIFF":
            return (f"Page {self.page + 1} of {self.header.page_count} is used.",)
        return (f"The first of {self.header.page_count} images in the file is used.",)


def decode(data: bytes, page: int = 0) -> DecodedFile:
    """Decode a file into a Pillow image.

    Args:
        data: The whole file.
        page: Which page, from 0.

    Raises:
        RejectedFileError: If the file cannot be decoded.
        MemoryError: If memory runs out.
    """
    header = read_header(data, page)
    try:
        image = Image.open(io.BytesIO(strip_metadata(data, header, page)), formats=(header.format,))
        if image.size != (header.width, header.height):
            raise RejectedFileError("The file is damaged: its header states two different sizes.", ErrorCode.DAMAGED)
        image.load()
    except (RejectedFileError, MemoryError):
        raise
    # A decoder that meets hostile bytes may raise anything (Pillow: SyntaxError, TypeError, struct.error, …).
    except Exception as error:
        raise _explain_error(error) from error
    return DecodedFile(image, header, page)


def _explain_error(error: Exception) -> RejectedFileError:
    text = str(error)
    if "truncated" in text or isinstance(error, EOFError):
        return RejectedFileError(
            "The file is truncated: it ends before the image does.", ErrorCode.TRUNCATED, "Copy or download it again."
        )
    if isinstance(error, NotImplementedError) or "unknown pixel mode" in text or "nsupported" in text:
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
