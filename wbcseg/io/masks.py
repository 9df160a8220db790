"""Open an expert mask as class ids."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from wbcseg.errors import ErrorCode
from wbcseg.io.decode import DecodedFile, apply_orientation, as_file_error, decode
from wbcseg.io.formats.detect import read_header
from wbcseg.io.formats.header import Header
from wbcseg.io.limits import RejectedFileError
from wbcseg.io.mask_meaning import MaskCorrection, correct_labels, look_like_instances
from wbcseg.labels import CLASSES, GREY_CODES, Labels

_GREY_CODES_TEXT: Final = ", ".join(f"{pixel_class.grey} ({pixel_class.name})" for pixel_class in CLASSES)
_CLASS_IDS_TEXT: Final = ", ".join(f"{pixel_class.id} ({pixel_class.name})" for pixel_class in CLASSES)

MIN_PHOTOGRAPH_VALUES: Final = 32
"""A photograph has more values than this."""

MAX_PHOTOGRAPH_REPEATS: Final = 0.8
"""Largest fraction of pixels of a photograph that equal the one to their left; of a mask, most do."""

MIN_CODED: Final = 0.9
"""At least this fraction of the pixels of a mask with lossy compression is near a grey code."""

_COMPRESSION_NOISE: Final = 16
_MAX_COMPARED: Final = 2_000_000
"""Pixels that are compared."""

MaskValues = NDArray[np.integer]
_WIDE_GREY_CODES: Final = (0, 32768, 65535)
"""Grey codes as some programs write them with 16 bits; others multiply the codes by 257."""


def open_mask(
    data: bytes,
    *,
    name: str = "mask",
    thresholds: tuple[int, int] | None = None,
    orientation: int | None = None,
    correction: MaskCorrection | None = None,
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
        correction: What someone said about the mask: that its classes are swapped or inverted, or that its values are
            numbers of cells. See :mod:`wbcseg.io.mask_meaning` for what recognises these.

    Returns:
        ``uint8[H, W]`` of class ids 0, 1 and 2, upright.

    Raises:
        MaskError: If it cannot be read or holds a value that is not a class.
    """
    try:
        check_mask_header(read_header(data))
        decoded = decode(data)
        values = _extract_values(decoded, thresholds is not None, correction)
        labels = (
            correct_labels(values, correction)
            if correction == "instances"
            else correct_labels(_convert_to_classes(values, thresholds), correction)
        )
        # The header of a large mask states the size of its image, which is shrunk.
        labels = labels[:: decoded.header.shrink_factor, :: decoded.header.shrink_factor]
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
            f"It is a {header.format if header.format in ('WebP', 'HEIC') else 'JPEG'}, whose lossy compression blurs "
            "class boundaries and adds false values.",
            ErrorCode.MASK_FORMAT,
            "Save it as PNG.",
        )
    if header.page_count > 1:
        raise RejectedFileError(
            f"It holds {header.page_count} pages; a mask has one.", ErrorCode.MASK_FORMAT, "Save the mask on its own."
        )


def look_like_photograph(data: bytes) -> bool:
    """Return whether a file is a photograph, whatever its name: many values, and neighbours that differ.

    A mask has areas of one value each. One that cannot be used, such as a JPEG of a mask, is no photograph either.

    Args:
        data: The whole file; one that cannot be read is none.
    """
    try:
        image = decode(data).image
    except (RejectedFileError, MemoryError):
        return False
    values = (
        image if isinstance(image, np.ndarray) else np.asarray(image.convert("RGB") if image.mode == "P" else image)
    )
    values = values.reshape(*values.shape[:2], -1)[..., :3].astype(np.int64)
    # Whole rows, because neighbours within them are compared.
    values = values[:: -(-values.shape[0] * values.shape[1] // _MAX_COMPARED)]
    packed = (values * (1 << 16) ** np.arange(values.shape[2])).sum(axis=2)
    repeats = (packed[:, 1:] == packed[:, :-1]).mean() if packed.shape[1] > 1 else 1.0
    if np.unique(packed).size <= MIN_PHOTOGRAPH_VALUES or repeats >= MAX_PHOTOGRAPH_REPEATS:
        return False
    is_near = np.abs(values[..., None] - GREY_CODES) <= _COMPRESSION_NOISE
    return bool(np.any(np.all(is_near, axis=2), axis=2).mean() < MIN_CODED)


def _extract_values(decoded: DecodedFile, as_grey: bool, correction: MaskCorrection | None) -> MaskValues:
    """Return the mask's values ``[H, W]``: grey values, or the ids of a palette unless ``as_grey``."""
    image, header = decoded.image, decoded.header
    if isinstance(image, np.ndarray):
        if image.dtype == np.uint16 and (image.ndim == 2 or (image[..., :1] == image).all()):
            return _reduce_wide_codes(image if image.ndim == 2 else image[..., 0])
        image = Image.fromarray((image >> 8).astype(np.uint8) if image.dtype == np.uint16 else image)
    if image.mode == "P":
        return _extract_palette_values(image, as_grey)
    if image.mode in ("1", "L"):
        return np.asarray(image.convert("L"))
    if image.mode == "I" or image.mode.startswith("I;16"):
        if header.format == "TIFF" and header.photometric == 0:
            raise RejectedFileError(
                "It is a 16-bit TIFF in which zero is white.", ErrorCode.UNSUPPORTED_ENCODING, "Save it as PNG."
            )
        return _reduce_wide_codes(np.asarray(image))
    if image.mode in ("LA", "RGB", "RGBA"):
        if image.mode != "RGB" and image.getchannel("A").getextrema()[0] != 255:
            raise RejectedFileError(
                "Parts of it are transparent, so their class is not known.",
                ErrorCode.MASK_FORMAT,
                "Save it without an alpha channel.",
            )
        return _extract_color_values(np.asarray(image.convert("RGB")), correction)
    raise RejectedFileError(
        f"Its pixel mode is {image.mode}; a mask is grey or has a palette.", ErrorCode.MASK_FORMAT, "Save it as PNG."
    )


def _reduce_wide_codes(values: MaskValues) -> MaskValues:
    """Return grey codes of 16 bits as those of 8; other values as they are."""
    highest = values.max()
    if highest <= 255:
        return values
    used_values = np.flatnonzero(np.bincount(values.ravel())) if values.min() >= 0 and highest < 1 << 16 else values[:1]
    for codes in (GREY_CODES.astype(np.int64) * 257, np.array(_WIDE_GREY_CODES)):
        if np.isin(used_values, codes).all():
            return np.asarray(GREY_CODES[np.searchsorted(codes, values)])
    return values


def _extract_color_values(rgb: NDArray[np.uint8], correction: MaskCorrection | None) -> MaskValues:
    """Return the grey values of a colour image that is grey, or the number of each colour if each is a cell."""
    if (rgb[..., :1] == rgb).all():
        return rgb[..., 0]
    packed = rgb[..., 0].astype(np.int32) << 16 | rgb[..., 1].astype(np.int32) << 8 | rgb[..., 2]
    colors, numbers = np.unique(packed, return_inverse=True)
    numbers = numbers.reshape(packed.shape)
    # The background is black, or else the most frequent colour.
    background = 0 if colors[0] == 0 else int(np.bincount(numbers.ravel()).argmax())
    ids = np.where(numbers == background, 0, numbers + 1).astype(np.int32)
    if correction == "instances":
        return ids
    if len(colors) > len(CLASSES) and look_like_instances(ids):
        raise _as_instances_error(len(colors) - 1, "colours")
    raise RejectedFileError(
        f"It is in colour. A mask is grey, with the values {_GREY_CODES_TEXT} or the ids {_CLASS_IDS_TEXT}.",
        ErrorCode.MASK_FORMAT,
    )


def _as_instances_error(count: int, noun: str) -> RejectedFileError:
    return RejectedFileError(
        f"Its {count} {noun} seem to be the numbers of single cells, not classes."
        if count > 1
        else "Its only value seems to be the number of a cell, not a class.",
        ErrorCode.MASK_INSTANCES,
        f"Confirm that it marks whole cells one by one, or save it with classes: {_GREY_CODES_TEXT}.",
    )


def _extract_palette_values(image: Image.Image, as_grey: bool) -> MaskValues:
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


def _convert_to_classes(values: MaskValues, thresholds: tuple[int, int] | None) -> Labels:
    is_out_of_range = (values < 0) | (values > 255)
    if is_out_of_range.any():
        if look_like_instances(values):
            raise _as_instances_error(int(np.unique(values).size) - 1, "values")
        raise _as_value_error(values, is_out_of_range)
    values = values.astype(np.uint8)
    all_values = np.arange(256)
    if thresholds is not None:
        lookup = (all_values >= thresholds[0]).astype(np.uint8) + (all_values >= thresholds[1]).astype(np.uint8)
        return lookup[values]
    used_values = np.flatnonzero(np.bincount(values.ravel()))
    unexpected_values = []
    for codes in (GREY_CODES, np.arange(len(CLASSES))):
        if np.isin(used_values, codes).all():
            return np.searchsorted(codes, all_values).astype(np.uint8)[values]
        unexpected_values.append(used_values[~np.isin(used_values, codes)])
    if look_like_instances(values):
        raise _as_instances_error(int(np.count_nonzero(used_values)), "values")
    # Report against the code that fits more of the values.
    unexpected = min(unexpected_values, key=len)
    raise _as_value_error(values, np.isin(values, unexpected), len(unexpected))


def _as_value_error(values: MaskValues, is_invalid: NDArray[np.bool_], distinct_count: int = 1) -> RejectedFileError:
    row, column = np.unravel_index(int(is_invalid.argmax()), is_invalid.shape)
    others_text = f" and {distinct_count - 1} other values" if distinct_count > 1 else ""
    return RejectedFileError(
        f"It holds the value {values[row, column]} (row {row}, column {column}){others_text}, which is not a class.",
        ErrorCode.MASK_VALUES,
        f"All values must be {_GREY_CODES_TEXT}, or all {_CLASS_IDS_TEXT}.",
    )
