"""Soft regions and resampled pairs of an image and its mask, as several augmentations need them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wbcseg.labels import Labels


def soften_region(region: NDArray[np.bool_], sigma: float) -> NDArray[np.float32]:
    """Return a region with a soft border, ``float32[H, W]`` in 0 to 1: a network would learn to detect a hard one.

    Args:
        region: ``bool[H, W]``.
        sigma: Standard deviation of the Gaussian in pixels.
    """
    # Slow to import: imported only where it is needed.
    from scipy import ndimage

    softened: NDArray[np.float32] = ndimage.gaussian_filter(region.astype(np.float32), sigma)
    return softened


def resample_pair(
    image: NDArray[np.uint8], labels: Labels, coordinates: NDArray[np.float64]
) -> tuple[NDArray[np.uint8], Labels]:
    """Return an image and its mask, resampled alike; mirrored beyond the edges.

    Args:
        image: ``uint8[H, W, 3]``.
        labels: ``uint8[H, W]``.
        coordinates: Row and column to take each pixel from, ``float[2, H, W]``.
    """
    # Slow to import: imported only where it is needed.
    from scipy import ndimage

    channels = [
        ndimage.map_coordinates(image[..., channel], coordinates, order=1, mode="mirror") for channel in range(3)
    ]
    return np.dstack(channels), ndimage.map_coordinates(labels, coordinates, order=0, mode="mirror")
