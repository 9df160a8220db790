"""Divide an image by the colour of its background, so that lamps, cameras and mounting media look alike."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from wbcseg.eyepiece import find_black_surround

BACKGROUND_PERCENTILE: Final = 95.0
"""Percentile of each channel that is taken for the empty background."""

MIN_BACKGROUND: Final = 20.0
"""Minimum value of the background in each channel, so that dark images are not blown up."""

MAX_BRIGHTNESS: Final = 1.3
"""Brighter pixels are clipped, relative to the background."""


def estimate_background(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the background colour of an image, ``uint8[H, W, 3]``, as ``float32[3]`` in 0 to 255.

    The black surround of an eyepiece does not count.
    """
    surround = find_black_surround(image)
    pixels = image.reshape(-1, 3) if surround is None else image[~surround]
    percentiles = np.percentile(pixels, BACKGROUND_PERCENTILE, axis=0)
    background: NDArray[np.float32] = np.maximum(percentiles, MIN_BACKGROUND).astype(np.float32)
    return background


def normalise(image: NDArray[np.uint8], background: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return an image as the networks see it: ``float32`` of the same shape, about 0 to 1; 1 is the background."""
    normalised: NDArray[np.float32] = np.minimum(image * (np.float32(1.0) / background), np.float32(MAX_BRIGHTNESS))
    return normalised
