"""Pixel classes, cell types and colour palettes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.uint8]
"""A label image: class ids, ``uint8[H, W]`` with values 0, 1 and 2."""

CellType = Literal[
    "neutrophil",
    "lymphocyte",
    "monocyte",
    "eosinophil",
    "basophil",
    "immature granulocyte",
    "erythroblast",
    "platelet",
]

CELL_TYPES: Final[tuple[CellType, ...]] = ("neutrophil", "lymphocyte", "monocyte", "eosinophil", "basophil")
"""White cells of healthy people, in the order of the codes 1 to 5 in the Zheng label files."""

ALL_CELL_TYPES: Final[tuple[CellType, ...]] = (*CELL_TYPES, "immature granulocyte", "erythroblast", "platelet")
"""What data sets say that an image shows."""


@dataclass(frozen=True)
class PixelClass:
    """A pixel class.

    Attributes:
        id: Value in label images and channel in probabilities.
        name: Name in lower case.
        grey: Grey value in mask files (0, 128 or 255).
        description: What belongs to it, in a sentence.
    """

    id: int
    name: str
    grey: int
    description: str


BACKGROUND: Final = PixelClass(
    0, "background", 0, "Everything outside the white cell: plasma, red cells, neighbouring cells."
)
CYTOPLASM: Final = PixelClass(1, "cytoplasm", 128, "The body of the white cell around its nucleus.")
NUCLEUS: Final = PixelClass(2, "nucleus", 255, "The stained, DNA-containing part of the white cell, round or lobed.")
CLASSES: Final = (BACKGROUND, CYTOPLASM, NUCLEUS)
CLASS_NAMES: Final = tuple(pixel_class.name for pixel_class in CLASSES)
GREY_CODES: Final[NDArray[np.uint8]] = np.array([pixel_class.grey for pixel_class in CLASSES], dtype=np.uint8)

Color = tuple[int, int, int]


@dataclass(frozen=True)
class Palette:
    """Colours of the pixel classes.

    Attributes:
        name: Key in addresses and settings.
        title: Title on pages.
        colors: RGB (0 to 255) of background, cytoplasm and nucleus, by class id.
    """

    name: str
    title: str
    colors: tuple[Color, Color, Color]

    def to_array(self) -> NDArray[np.uint8]:
        """Return the colours as ``uint8[3, 3]``: class id by RGB."""
        return np.array(self.colors, dtype=np.uint8)

    def to_hex(self, class_id: int) -> str:
        """Return the colour of a class as ``#rrggbb``."""
        return "#{:02x}{:02x}{:02x}".format(*self.colors[class_id])


PALETTES: Final[dict[str, Palette]] = {
    palette.name: palette
    for palette in (
        # The thesis' Figure 7: nucleus blue, cytoplasm green, background red.
        Palette("thesis", "As in the thesis", ((255, 0, 0), (0, 255, 0), (0, 0, 255))),
        # Okabe & Ito (2008): distinguishable with every common kind of colour blindness.
        Palette("colorblind", "Colour-blind safe", ((213, 94, 0), (240, 228, 66), (0, 114, 178))),
    )
}


def fast_argmax(probabilities: NDArray[np.float32]) -> Labels:
    """Return the most probable class of every pixel, the first one of equals. Several times faster than ``argmax``.

    Args:
        probabilities: ``float32[..., 3]``.

    Returns:
        ``uint8[...]`` of class ids.
    """
    background, cytoplasm, nucleus = (probabilities[..., pixel_class.id] for pixel_class in CLASSES)
    labels = (cytoplasm > background).astype(np.uint8)
    labels[nucleus > np.maximum(background, cytoplasm)] = NUCLEUS.id
    return labels


def mark_background(probabilities: NDArray[np.float32], region: NDArray[np.bool_]) -> None:
    """Make a region background for certain, in place.

    Args:
        probabilities: ``float32[H, W, 3]`` of the classes.
        region: ``bool[H, W]``.
    """
    probabilities[region] = 0.0
    probabilities[region, BACKGROUND.id] = 1.0


def find_bounds(region: NDArray[np.bool_]) -> tuple[int, int, int, int] | None:
    """Return the bounding box of a region, ``bool[H, W]``: left, top, right and bottom; ``None`` if it is empty."""
    rows, columns = np.flatnonzero(region.any(axis=1)), np.flatnonzero(region.any(axis=0))
    return (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1) if rows.size else None


def to_grey(labels: Labels) -> NDArray[np.uint8]:
    """Convert class ids to the grey values of mask files.

    Args:
        labels: ``uint8[H, W]`` of class ids 0 to 2.

    Returns:
        ``uint8[H, W]`` with values 0, 128 and 255.
    """
    return GREY_CODES[labels]


def decode_rle(rle: object, width: int, height: int) -> Labels:
    """Read class ids that the browser wrote as run lengths: ``3x0,2x1`` is three pixels of class 0 and two of class 1.

    Args:
        rle: The run lengths, row by row.
        width: Width of the image in pixels.
        height: Height of the image in pixels.

    Returns:
        ``uint8[H, W]`` of class ids.

    Raises:
        ValueError: If it is not such a text, has an unknown class, or does not cover every pixel once.
    """
    pixel_count = width * height
    if not isinstance(rle, str) or len(rle) > 10 * pixel_count + 10:
        raise ValueError("It must be a text of run lengths.")
    class_id_texts = {str(each.id) for each in CLASSES}
    lengths, class_ids = [], []
    for run in rle.split(","):
        length, _, class_id = run.partition("x")
        if not (length.isascii() and length.isdecimal() and len(length) < 10 and class_id in class_id_texts):
            raise ValueError(f"It has an invalid run: {run[:20]!r}.")
        lengths.append(int(length))
        class_ids.append(int(class_id))
    if sum(lengths) != pixel_count:
        raise ValueError(f"It must have {width}×{height} pixels. Received: {sum(lengths)}")
    return np.repeat(np.array(class_ids, np.uint8), lengths).reshape(height, width)
