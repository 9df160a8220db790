"""Draw pixels of training images, with their features and classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from wbcseg.labels import CLASSES
from wbcseg.models.method_registry import LabelledImage
from wbcseg.models.pixels.features import compute_features

MAX_PIXELS: Final = 45_000
"""Pixels of all images together: more take longer and teach a classifier little."""

MAX_PIXELS_PER_IMAGE: Final = 200

MIN_PIXELS_PER_CLASS: Final = 20
"""Pixels of each class that is in an image, so that narrow rims of cytoplasm count."""


@dataclass(frozen=True, eq=False)
class PixelSample:
    """Pixels of several images.

    Attributes:
        values: Their features (:func:`wbcseg.models.pixels.features.compute_features`), ``float32[n, F]``.
        labels: Their class ids, ``uint8[n]``.
    """

    values: NDArray[np.float32]
    labels: NDArray[np.uint8]


def sample_pixels(images: Sequence[LabelledImage], seed: int) -> PixelSample:
    """Draw pixels of every image, each class about in proportion to its area.

    Args:
        images: Images and their class ids.
        seed: Random seed.

    Raises:
        ValueError: If there is no image.
    """
    if not images:
        raise ValueError("There must be at least one image.")
    generator = np.random.default_rng(seed)
    count = max(1, min(MAX_PIXELS_PER_IMAGE, MAX_PIXELS // len(images)))
    values, labels = [], []
    for image, mask in images:
        drawn = _draw_stratified(mask.ravel(), count, generator)
        features = compute_features(image)
        values.append(features.reshape(-1, features.shape[-1])[drawn])
        labels.append(mask.ravel()[drawn])
    return PixelSample(np.concatenate(values), np.concatenate(labels))


def _draw_stratified(labels: NDArray[np.uint8], count: int, generator: np.random.Generator) -> NDArray[np.intp]:
    """Return the indices of about ``count`` pixels."""
    drawn = []
    for class_id in range(len(CLASSES)):
        candidates = np.flatnonzero(labels == class_id)
        wanted = max(round(count * len(candidates) / len(labels)), min(MIN_PIXELS_PER_CLASS, count))
        drawn.append(generator.choice(candidates, min(wanted, len(candidates)), replace=False))
    return np.concatenate(drawn)
