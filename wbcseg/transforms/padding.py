"""Pad or shrink images of any size to a network's square input, and back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from wbcseg.labels import Labels


@dataclass(frozen=True)
class Placement:
    """Position of an image in the square.

    Attributes:
        size: Height and width of the image.
        scaled_size: Height and width after scaling; equal to ``size`` if the image fits.
        top: Row of the square at which the image begins.
        left: Column of the square at which it begins.
    """

    size: tuple[int, int]
    scaled_size: tuple[int, int]
    top: int
    left: int

    @property
    def window(self) -> tuple[slice, slice]:
        """The part of the square that contains the image."""
        return slice(self.top, self.top + self.scaled_size[0]), slice(self.left, self.left + self.scaled_size[1])


def compute_placement(size: tuple[int, int], side: int, *, enlarge: bool = False) -> Placement:
    """Return the position of an image in a square: centred, and shrunk if it is larger.

    Args:
        size: Height and width of the image.
        side: Side of the square in pixels.
        enlarge: Whether a smaller image is enlarged to fill the square.
    """
    factor = side / max(size) if enlarge else min(1.0, side / max(size))
    height, width = (max(1, round(n * factor)) for n in size)
    return Placement(size, (height, width), (side - height) // 2, (side - width) // 2)


def pad_to_square(image: NDArray[np.uint8], side: int, *, enlarge: bool = False) -> tuple[NDArray[np.uint8], Placement]:
    """Return an image in a square, padded by reflection.

    Args:
        image: ``uint8[H, W, 3]``.
        side: Side of the square in pixels.
        enlarge: See :func:`compute_placement`.

    Returns:
        ``uint8[side, side, 3]``, and the position of the image.
    """
    placement = compute_placement((image.shape[0], image.shape[1]), side, enlarge=enlarge)
    if placement.scaled_size != placement.size:
        resampling = Image.Resampling.BOX if placement.scaled_size < placement.size else Image.Resampling.BILINEAR
        image = np.asarray(Image.fromarray(image).resize(placement.scaled_size[::-1], resampling))
    return np.pad(image, (*_compute_margins(placement, side), (0, 0)), mode="symmetric"), placement


def pad_labels_to_square(labels: Labels, side: int, *, enlarge: bool = False) -> Labels:
    """Return a mask in the same square: ``uint8[side, side]``."""
    placement = compute_placement((labels.shape[0], labels.shape[1]), side, enlarge=enlarge)
    if placement.scaled_size != placement.size:
        resized = Image.fromarray(labels).resize(placement.scaled_size[::-1], Image.Resampling.NEAREST)
        labels = np.asarray(resized)
    return np.pad(labels, _compute_margins(placement, side), mode="symmetric")


def unpad(probabilities: NDArray[np.float32], placement: Placement) -> NDArray[np.float32]:
    """Cut an image's probabilities out of the square and scale them to its size.

    Args:
        probabilities: ``float32[side, side, C]``; they sum to 1 at each pixel.
        placement: Position of the image.

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
    # They sum to 1, so the first follows from the others.
    result[..., 0] = 1.0 - result[..., 1:].sum(axis=-1)
    return result


def _compute_margins(placement: Placement, side: int) -> tuple[tuple[int, int], tuple[int, int]]:
    height, width = placement.scaled_size
    return (
        (placement.top, side - height - placement.top),
        (placement.left, side - width - placement.left),
    )
