"""Open an expert mask as class ids."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from wbcseg.errors import ErrorCode
from wbcseg.io.decode import DecodedFile, apply_orientation, as_file_error, decode
from wbcseg.io.headers import Header, read_header
from wbcseg.io.limits import RejectedFileError
from wbcseg.labels import CLASSES, GREY_CODES, Labels

_GREY_CODES_TEXT: Final = ", ".join(f"{pixel_class.grey} ({pixel_class.name})" for pixel_class in CLASSES)
_CLASS_IDS_TEXT: Final = ", ".join(f"{pixel_class.id} ({pixel_class.name})" for pixel_class in CLASSES)

GreyImage = NDArray[np.uint8]


def open_mask(
    data: bytes, *, name: str = "mask", thresholds: tuple[int, int] | None = None, orientation: int | None = None
) -> Labels:
    """Open an expert mask from untrusted bytes.

    Without thresholds, all values must be grey codes (0, 128, 255) or all must be class ids (0, 1, 2). A palette mask
    keeps its ids; if the palette shows an id in the grey code of *another* class, the mask is ambiguous and rejected.
    RGB masks are read if their three channels are equal.

    Args:
        data: The whole file.
        name: Its name in messages.
        thresholds: Two grey values, for masks with stray greys: below the first is background, below the second
            cytoplasm, the rest nucleus. ``(64, 205)`` for the Zheng data sets.
        orientation: EXIF orientation to apply instead of the file's own, 1 to 8.

    Returns:
        ``uint8[H, W]`` of class ids 0, 1 and 2, upright.

    Raises:
        MaskError: If it cannot be read or holds a value that is not a class.
    """
    try:
        check_mask_header(read_header(data))
        decoded = decode(data)
        labels = _convert_to_classes(_extract_values(decoded, thresholds is not None), thresholds)
        return apply_orientation(labels, decoded.header.orientation if orientation is None else orientation)
    except (RejectedFileError, MemoryError) as reason:
        raise as_file_error("Mask", name, reason) from reason


def check_mask_header(header: Header) -> None:
    """Reject what cannot be a mask, by its header.

    Raises:
        RejectedFileError: If its compression is lossy or it has several pages.
    """
    if header.lossy:
        raise RejectedFileError(
            "It is a JPEG, whose lossy compression blurs class boundaries and adds false values.",
            ErrorCode.MASK_FORMAT,
            "Save it as PNG.",
        )
    if header.page_count > 1:
        raise RejectedFileError(
            f"It holds {header.page_count} pages; a mask has one.", ErrorCode.MASK_FORMAT, "Save the mask on its own."
        )


def _extract_values(decoded: DecodedFile, as_grey: bool) -> GreyImage:
    """Return the mask's values ``uint8[H, W]``: grey values, or the ids of a palette unless ``as_grey``."""
    image = decoded.image
    if image.mode == "P":
        return _extract_palette_values(image, as_grey)
    if image.mode in ("1", "L"):
        return np.asarray(image.convert("L"))
    if image.mode == "I" or image.mode.startswith("I;16"):
        if decoded.header.inverted:
            raise RejectedFileError(
                "It is a 16-bit TIFF in which zero is white.", ErrorCode.UNSUPPORTED_ENCODING, "Save it as PNG."
            )
        values = np.asarray(image)
        is_out_of_range = (values < 0) | (values > 255)
        if is_out_of_range.any():
            raise _as_value_error(values, is_out_of_range)
        return values.astype(np.uint8)
    if image.mode in ("LA", "RGB", "RGBA"):
        if image.mode != "RGB" and image.getchannel("A").getextrema()[0] != 255:
            raise RejectedFileError(
                "Parts of it are transparent, so their class is not known.",
                ErrorCode.MASK_FORMAT,
                "Save it without an alpha channel.",
            )
        red, green, blue = (np.asarray(channel) for channel in image.convert("RGB").split())
        if (red != green).any() or (red != blue).any():
            raise RejectedFileError(
                f"It is in colour. A mask is grey, with the values {_GREY_CODES_TEXT} or the ids {_CLASS_IDS_TEXT}.",
                ErrorCode.MASK_FORMAT,
            )
        return red
    raise RejectedFileError(
        f"Its pixel mode is {image.mode}; a mask is grey or has a palette.", ErrorCode.MASK_FORMAT, "Save it as PNG."
    )


def _extract_palette_values(image: Image.Image, as_grey: bool) -> GreyImage:
    ids = np.asarray(image)
    colors = np.zeros((256, 3), dtype=np.uint8)
    palette = np.array(image.getpalette("RGB") or [], dtype=np.uint8).reshape(-1, 3)[:256]
    colors[: len(palette)] = palette
    used_ids = np.flatnonzero(image.histogram()[:256])
    is_grey = bool((colors[used_ids] == colors[used_ids][:, :1]).all())
    if as_grey:
        if not is_grey:
            raise RejectedFileError(
                f"It is in colour. Masks of this data set are grey, with the values {_GREY_CODES_TEXT}.",
                ErrorCode.MASK_FORMAT,
            )
        return np.take(colors[:, 0], ids)
    if not is_grey or not np.isin(colors[used_ids, 0], GREY_CODES).all():
        return ids
    are_ids = bool((used_ids < len(CLASSES)).all())
    if are_ids and (colors[used_ids, 0] != GREY_CODES[used_ids]).any() and colors[used_ids, 0].any():
        unexpected = int(used_ids[colors[used_ids, 0] != GREY_CODES[used_ids]][0])
        raise RejectedFileError(
            f"Its palette shows id {unexpected} ({CLASSES[unexpected].name}) in grey {colors[unexpected, 0]}, the code "
            "of another class, so it is ambiguous.",
            ErrorCode.MASK_VALUES,
            "Save it in grey, without a palette.",
        )
    return ids if are_ids else np.take(colors[:, 0], ids)


def _convert_to_classes(values: GreyImage, thresholds: tuple[int, int] | None) -> Labels:
    all_values = np.arange(256)
    if thresholds is not None:
        lookup = (all_values >= thresholds[0]).astype(np.uint8) + (all_values >= thresholds[1]).astype(np.uint8)
        return lookup[values]
    used_values = np.flatnonzero(Image.fromarray(values).histogram())
    unexpected_values = []
    for codes in (GREY_CODES, np.arange(len(CLASSES))):
        if np.isin(used_values, codes).all():
            return np.searchsorted(codes, all_values).astype(np.uint8)[values]
        unexpected_values.append(used_values[~np.isin(used_values, codes)])
    # Report against the code that fits more of the values.
    unexpected = min(unexpected_values, key=len)
    raise _as_value_error(values, np.isin(values, unexpected), len(unexpected))


def _as_value_error(
    values: NDArray[np.generic], is_invalid: NDArray[np.bool_], distinct_count: int = 1
) -> RejectedFileError:
    row, column = np.unravel_index(int(is_invalid.argmax()), is_invalid.shape)
    others_text = f" and {distinct_count - 1} other values" if distinct_count > 1 else ""
    return RejectedFileError(
        f"It holds the value {values[row, column]} (row {row}, column {column}){others_text}, which is not a class.",
        ErrorCode.MASK_VALUES,
        f"All values must be {_GREY_CODES_TEXT}, or all {_CLASS_IDS_TEXT}.",
    )
