"""Pictures of any size on the square canvas that a network sees, and back again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from wbcseg.labels import Labels


@dataclass(frozen=True)
class Placement:
    """Where a picture lies on its canvas.

    Attributes:
        size: Height and width of the picture.
        scaled_size: Height and width after shrinking; equal to ``size`` for a picture that fits.
        top: Row of the canvas where the picture begins.
        left: Column of the canvas where it begins.
    """

    size: tuple[int, int]
    scaled_size: tuple[int, int]
    top: int
    left: int

    @property
    def window(self) -> tuple[slice, slice]:
        """The part of the canvas that shows the picture."""
        return slice(self.top, self.top + self.scaled_size[0]), slice(self.left, self.left + self.scaled_size[1])


def compute_placement(size: tuple[int, int], side: int, *, enlarge: bool = False) -> Placement:
    """Lay a picture on a square canvas: in the middle, shrunk when it is larger.

    Args:
        size: Height and width of the picture.
        side: Side of the canvas.
        enlarge: Whether a smaller picture is enlarged until it fills the canvas.
    """
    factor = side / max(size) if enlarge else min(1.0, side / max(size))
    height, width = (max(1, round(n * factor)) for n in size)
    return Placement(size, (height, width), (side - height) // 2, (side - width) // 2)


def pad_to_square(image: NDArray[np.uint8], side: int, *, enlarge: bool = False) -> tuple[NDArray[np.uint8], Placement]:
    """Return the picture on its canvas, the rest filled with its mirror image.

    Args:
        image: ``uint8[H, W, 3]``.
        side: Side of the canvas in pixels.
        enlarge: See :func:`compute_placement`.

    Returns:
        ``uint8[side, side, 3]`` and where the picture lies on it.
    """
    placement = compute_placement((image.shape[0], image.shape[1]), side, enlarge=enlarge)
    if placement.scaled_size != placement.size:
        resampling = Image.Resampling.BOX if placement.scaled_size < placement.size else Image.Resampling.BILINEAR
        image = np.asarray(Image.fromarray(image).resize(placement.scaled_size[::-1], resampling))
    return np.pad(image, (*_compute_margins(placement, side), (0, 0)), mode="symmetric"), placement


def pad_labels_to_square(labels: Labels, side: int, *, enlarge: bool = False) -> Labels:
    """Return a mask on the same canvas: ``uint8[side, side]``."""
    placement = compute_placement((labels.shape[0], labels.shape[1]), side, enlarge=enlarge)
    if placement.scaled_size != placement.size:
        resized = Image.fromarray(labels).resize(placement.scaled_size[::-1], Image.Resampling.NEAREST)
        labels = np.asarray(resized)
    return np.pad(labels, _compute_margins(placement, side), mode="symmetric")


def unpad(probabilities: NDArray[np.float32], placement: Placement) -> NDArray[np.float32]:
    """Cut a picture's probabilities out of its canvas and enlarge them to its size.

    Args:
        probabilities: ``float32[side, side, C]``; those of a pixel add up to 1.
        placement: Where the picture lies.

    Returns:
        ``float32[H, W, C]``.
    """
    cropped = probabilities[placement.window]
    if placement.scaled_size == placement.size:
        return np.ascontiguousarray(cropped)
    height, width = placement.size
    result = np.empty((height, width, cropped.shape[-1]), np.float32)
    for index in range(1, cropped.shape[-1]):
        channel = Image.fromarray(cropped[..., index]).resize((width, height), Image.Resampling.BILINEAR)
        result[..., index] = np.asarray(channel)
    # They add up to 1, so that one of them follows from the others.
    result[..., 0] = 1.0 - result[..., 1:].sum(axis=-1)
    return result


def _compute_margins(placement: Placement, side: int) -> tuple[tuple[int, int], tuple[int, int]]:
    height, width = placement.scaled_size
    return (
        (placement.top, side - height - placement.top),
        (placement.left, side - width - placement.left),
    )
