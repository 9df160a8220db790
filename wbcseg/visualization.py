"""Render segmentations: overlays, scaling for display and numbered outlines, from NumPy array to NumPy array."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from wbcseg.labels import CLASS_NAMES, CLASSES, Labels, Palette

RgbImage = NDArray[np.uint8]
"""An RGB image, ``uint8[H, W, 3]``."""

Box = tuple[int, int, int, int]
"""Left, top, right and bottom in pixels."""

Outline = NDArray[np.float64]
"""Corners of a closed line, x and y in pixels, not repeating the first, ``float64[n, 2]``."""

MAX_CORNERS: Final = 160
"""Corners of an outline, apart from the ends of straight pieces: enough for a smooth line at any size of a cell."""

MIN_STRAIGHT: Final = 3.0
"""A piece of an outline of at least this many pixels without a corner is straight, and both of its ends are kept."""

MIN_NUMBER_HEIGHT: Final = 14
"""Minimum height of cell numbers in pixels."""

NUMBERS_PER_SIDE: Final = 40
"""In a large image, this many cell numbers would fill its longer side."""

MAX_DISPLAY_WIDTH: Final = 1460
"""Widest image in pixels that Streamlit serves without resampling it."""

FALSE_NEGATIVE_COLOR: Final = (0, 114, 178)
FALSE_POSITIVE_COLOR: Final = (230, 159, 0)
WRONG_CLASS_COLOR: Final = (204, 121, 167)
"""Colours of errors, as in the viewer."""

RIGHT_GREYS: Final = (236, 200, 150)
"""Grey levels of background, cytoplasm and nucleus where a segmentation is right."""

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


def colorize_errors(predicted: Labels, expert: Labels) -> RgbImage:
    """Return an image of a segmentation's errors: grey where it is right.

    Args:
        predicted: ``uint8[H, W]`` of class ids.
        expert: The same of the expert.

    Returns:
        ``uint8[H, W, 3]``: false negatives :data:`FALSE_NEGATIVE_COLOR`, false positives
        :data:`FALSE_POSITIVE_COLOR`, wrong classes :data:`WRONG_CLASS_COLOR`.
    """
    image = np.array(RIGHT_GREYS, np.uint8)[expert][..., None].repeat(3, axis=-1)
    is_wrong = predicted != expert
    image[is_wrong] = WRONG_CLASS_COLOR
    image[is_wrong & (predicted == 0)] = FALSE_NEGATIVE_COLOR
    image[is_wrong & (expert == 0)] = FALSE_POSITIVE_COLOR
    return image


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


def trace_outlines(mask: NDArray[np.bool_], offset: tuple[int, int] = (0, 0)) -> list[Outline]:
    """Return smooth outlines of the pieces and of the holes of a mask.

    Args:
        mask: ``bool[h, w]``.
        offset: Column and row of the mask in its image.

    Returns:
        The corners of each outline, x and y in pixels of the image, not closed, ``float64[n, 2]``. There are at most
        :data:`MAX_CORNERS` of them, apart from the ends of straight pieces.
    """
    # Imported here, because it takes long and few need it.
    from skimage.measure import find_contours

    contours = find_contours(np.pad(mask, 1).astype(np.float32), 0.5)
    outlines = [_simplify(contour[:-1, ::-1]) + np.asarray(offset) - 0.5 for contour in contours]
    return [outline for outline in outlines if len(outline) >= 3]


def _simplify(ring: Outline) -> Outline:
    """Return the corners of a ring, not closed, and of many only some."""
    step = ring - np.roll(ring, 1, axis=0)
    next_step = np.roll(step, -1, axis=0)
    corners = ring[np.abs(step[:, 0] * next_step[:, 1] - step[:, 1] * next_step[:, 0]) > 1e-6]
    is_straight = np.hypot(*(np.roll(corners, -1, axis=0) - corners).T) >= MIN_STRAIGHT
    every = max(1, -(-len(corners) // MAX_CORNERS))
    is_kept = (np.arange(len(corners)) % every == 0) | is_straight | np.roll(is_straight, 1)
    kept: Outline = corners[is_kept]
    return kept


def draw_outlines(image: RgbImage, outlines: Mapping[int, Sequence[Outline]]) -> RgbImage:
    """Draw the outlines of cells with their numbers on a copy of an image.

    Args:
        image: ``uint8[H, W, 3]``.
        outlines: The outlines of each cell by its number, x and y in pixels; the number stands in the middle of the
            first.

    Returns:
        ``uint8[H, W, 3]``.
    """
    canvas = Image.fromarray(image.copy())
    draw = ImageDraw.Draw(canvas)
    font_size = max(MIN_NUMBER_HEIGHT, round(max(image.shape[:2]) / NUMBERS_PER_SIDE))
    font = ImageFont.load_default(font_size)
    # White inside black: one of them contrasts with any background.
    for colour, width in (("black", 4), ("white", 2)):
        for outline in (outline for cell_outlines in outlines.values() for outline in cell_outlines):
            points = [tuple(point) for point in (*outline.tolist(), outline[0].tolist())]
            draw.line(points, fill=colour, width=width, joint="curve")
    for number, cell_outlines in outlines.items():
        if cell_outlines:
            x, y = ((cell_outlines[0].min(axis=0) + cell_outlines[0].max(axis=0)) / 2).tolist()
            draw.text((x, y), str(number), fill="white", font=font, anchor="mm", stroke_width=2, stroke_fill="black")
    return np.asarray(canvas)


def draw_box(image: RgbImage, box: tuple[float, float, float, float]) -> RgbImage:
    """Return an image with a box drawn in black and white, so that it shows on any colour.

    Args:
        image: ``uint8[H, W, 3]``.
        box: Left, top, right and bottom in pixels.
    """
    canvas = Image.fromarray(image)
    draw = ImageDraw.Draw(canvas)
    for color, growth in (("black", 1), ("white", 0)):
        left, top, right, bottom = box
        draw.rectangle((left - growth, top - growth, right - 1 + growth, bottom - 1 + growth), outline=color)
    return np.asarray(canvas)


def compute_class_fractions(labels: Labels) -> dict[str, float]:
    """Return the share of pixels of each class, by name; the shares sum to 1."""
    counts = np.bincount(labels.ravel(), minlength=len(CLASSES))
    return {name: float(count / labels.size) for name, count in zip(CLASS_NAMES, counts, strict=True)}
