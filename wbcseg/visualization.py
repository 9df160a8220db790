"""Render segmentations: overlays, scaling for display and numbered boxes, from NumPy array to NumPy array."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from wbcseg.labels import CLASS_NAMES, CLASSES, Labels, Palette

RgbImage = NDArray[np.uint8]
"""An RGB image, ``uint8[H, W, 3]``."""

Box = tuple[int, int, int, int]
"""Left, top, right and bottom in pixels."""

MIN_NUMBER_HEIGHT: Final = 14
"""Minimum height of cell numbers in pixels."""

NUMBERS_PER_SIDE: Final = 40
"""In a large image, this many cell numbers would fill its longer side."""

MAX_DISPLAY_WIDTH: Final = 1460
"""Widest image in pixels that Streamlit serves without resampling it."""

AnyArray = TypeVar("AnyArray", NDArray[np.uint8], NDArray[np.bool_])


def colorize(labels: Labels, palette: Palette) -> RgbImage:
    """Return a label image in the colours of its classes.

    Args:
        labels: ``uint8[H, W]`` of class ids.
        palette: The colours.

    Returns:
        ``uint8[H, W, 3]``.
    """
    return palette.to_array()[labels]


def overlay(
    image: RgbImage,
    labels: Labels,
    palette: Palette,
    opacity: float,
    classes: Collection[int] = (1, 2),
) -> RgbImage:
    """Blend the colours of the classes over an image.

    Args:
        image: ``uint8[H, W, 3]``.
        labels: ``uint8[H, W]`` of class ids.
        palette: The colours.
        opacity: Opacity of the fill: 0 shows only the image, 1 only the colour.
        classes: Ids of the classes to draw.

    Returns:
        ``uint8[H, W, 3]``, a new array.

    Raises:
        ValueError: If the sizes differ, or ``opacity`` is out of range.
    """
    if image.shape[:2] != labels.shape:
        raise ValueError(
            "Arguments `image` and `labels` must have the same height and width. "
            f"Received: {list(image.shape[:2])} and {list(labels.shape)}"
        )
    if not 0 <= opacity <= 1:
        raise ValueError(f"Argument `opacity` must be from 0 to 1. Received: opacity={opacity}")
    colors = palette.to_array()
    is_drawn = np.isin(labels, list(classes))
    result = image.copy()
    # A table of 256 blended values per class and channel avoids a floating-point image.
    levels = np.arange(256)[None, :, None] * (1 - opacity) + colors[:, None, :] * opacity
    blended = np.rint(levels).astype(np.uint8)  # class, level, channel
    class_ids = labels[is_drawn]
    pixels = image[is_drawn]
    result[is_drawn] = np.stack([blended[class_ids, pixels[:, channel], channel] for channel in range(3)], axis=-1)
    return result


def enlarge(array: AnyArray, factor: int) -> AnyArray:
    """Enlarge by repeating every pixel ``factor`` times in both directions, so that edges stay sharp.

    Args:
        array: ``[H, W]`` or ``[H, W, C]``.
        factor: A whole number, at least 1.

    Returns:
        ``[H * factor, W * factor]`` or with C channels, of the same dtype.
    """
    if factor < 1:
        raise ValueError(f"Argument `factor` must be at least 1. Received: factor={factor}")
    return array.repeat(factor, axis=0).repeat(factor, axis=1)


def shrink_to_fit(array: NDArray[np.uint8], max_side: int) -> NDArray[np.uint8]:
    """Shrink by the smallest whole factor that makes the longer side at most ``max_side`` pixels.

    Args:
        array: ``uint8[H, W, 3]``, averaged over squares of pixels, or ``uint8[H, W]`` of class ids, of which the
            middle one of each square is kept, since class ids have no mean.
        max_side: In pixels, at least 1.

    Returns:
        The shrunk array, or the array itself if it is small enough.
    """
    factor = -(-max(array.shape[:2]) // max_side)
    if factor <= 1:
        return array
    rows, columns = (np.arange(0, side, factor) for side in array.shape[:2])
    if array.ndim == 2:
        middle_row = np.minimum(rows + factor // 2, array.shape[0] - 1)
        middle_column = np.minimum(columns + factor // 2, array.shape[1] - 1)
        return array[np.ix_(middle_row, middle_column)]
    sums = np.add.reduceat(np.add.reduceat(array, rows, axis=0, dtype=np.uint32), columns, axis=1, dtype=np.uint32)
    heights = np.diff(np.append(rows, array.shape[0]))
    widths = np.diff(np.append(columns, array.shape[1]))
    area = (heights[:, None] * widths[None, :])[:, :, None]
    means: NDArray[np.uint8] = ((sums + area // 2) // area).astype(np.uint8)
    return means


def resize_for_display(array: NDArray[np.uint8], min_side: int, max_side: int = MAX_DISPLAY_WIDTH) -> NDArray[np.uint8]:
    """Resize an image or label image so that it is displayed without blurring.

    Args:
        array: ``uint8[H, W, 3]`` or ``uint8[H, W]``.
        min_side: A smaller image is enlarged until its longer side has at least this many pixels.
        max_side: A larger image is shrunk until its longer side has at most this many pixels.
    """
    if max(array.shape[:2]) >= min_side:
        return shrink_to_fit(array, max_side)
    return enlarge(array, min(-(-min_side // max(array.shape[:2])), max(1, max_side // max(array.shape[:2]))))


def draw_boxes(image: RgbImage, boxes: Sequence[Box]) -> RgbImage:
    """Draw numbered boxes, from 1, on a copy of an image.

    Numbers are placed outside their boxes, if possible where they hide no cell and no other number.

    Args:
        image: ``uint8[H, W, 3]``.
        boxes: Left, top, right and bottom in pixels.

    Returns:
        ``uint8[H, W, 3]``.
    """
    canvas = Image.fromarray(image.copy())
    draw = ImageDraw.Draw(canvas)
    font_size = max(MIN_NUMBER_HEIGHT, round(max(image.shape[:2]) / NUMBERS_PER_SIDE))
    font = ImageFont.load_default(font_size)
    for left, top, right, bottom in boxes:
        # White inside black: one of them contrasts with any background.
        draw.rectangle((left, top, right, bottom), outline="black", width=4)
        draw.rectangle((left + 1, top + 1, right - 1, bottom - 1), outline="white", width=2)
    occupied = list(boxes)
    for number, box in enumerate(boxes, start=1):
        width, height = round(draw.textlength(str(number), font=font)) + font_size // 2, font_size + font_size // 4
        plate = _place_number(box, (width, height), occupied, canvas.size)
        occupied.append(plate)
        draw.rectangle(plate, fill="black")
        middle = ((plate[0] + plate[2]) / 2, (plate[1] + plate[3]) / 2)
        draw.text(middle, str(number), fill="white", font=font, anchor="mm")
    return np.asarray(canvas)


def _place_number(box: Box, size: tuple[int, int], occupied: Sequence[Box], canvas: tuple[int, int]) -> Box:
    """Return the position of a box's number: at the corner where it covers least."""
    left, top, right, bottom = box
    width, height = size
    # Above and below first: there it clearly belongs to the box.
    corners = [(x, y) for y in (top - height, bottom) for x in (left, right - width)]
    corners += [(x, y) for x in (right, left - width) for y in (top, bottom - height)]
    positions = [(x, y) for x, y in corners if 0 <= x <= canvas[0] - width and 0 <= y <= canvas[1] - height]
    # If there is no room around the box, the number is inside.
    inside = min(max(left, 0), max(canvas[0] - width, 0)), min(max(top, 0), max(canvas[1] - height, 0))
    candidates = [(x, y, x + width, y + height) for x, y in (*positions, inside)]
    return min(candidates, key=lambda candidate: sum(_compute_overlap(candidate, other) for other in occupied))


def _compute_overlap(first: Box, second: Box) -> int:
    """Return the area in pixels that two boxes share."""
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    return max(width, 0) * max(height, 0)


def compute_class_fractions(labels: Labels) -> dict[str, float]:
    """Return the share of pixels of each class, by name; the shares sum to 1."""
    counts = np.bincount(labels.ravel(), minlength=len(CLASSES))
    return {name: float(count / labels.size) for name, count in zip(CLASS_NAMES, counts, strict=True)}
