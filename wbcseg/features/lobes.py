"""Count the lobes of a nucleus."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

MIN_RELATIVE_PROMINENCE: Final = 0.12
"""Minimum height of a peak of the distance map above the saddle to a higher one, as a fraction of the highest peak."""

MIN_PROMINENCE_PIXELS: Final = 0.75
"""The same in pixels: lower peaks are roughness of the outline."""

MIN_LOBE_FRACTION: Final = 0.05
"""Least fraction of the nucleus in a lobe."""

SMOOTHING_SIGMA: Final = 1.0
"""Standard deviation in pixels of the blur that smooths pixel steps in the distance map."""


def count_lobes(nucleus: NDArray[np.bool_]) -> int:
    """Count the lobes of a nucleus.

    A lobe is a peak of the distance to the nuclear boundary that stands out from the saddle to the next higher one
    (h-maxima; Soille, Morphological Image Analysis, chapter 6) and whose watershed holds enough of the nucleus.
    Separate pieces are separate lobes.

    Args:
        nucleus: ``bool[H, W]``.

    Returns:
        0 for an empty mask, else at least 1.
    """
    from scipy import ndimage
    from skimage.morphology import h_maxima
    from skimage.segmentation import watershed

    if not nucleus.any():
        return 0
    # Only the nucleus' bounding box: in a large crop, the rest would take most of the time.
    rows, columns = (np.flatnonzero(nucleus.any(axis=axis)) for axis in (1, 0))
    padded = np.pad(nucleus[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], 2)
    distance = ndimage.gaussian_filter(ndimage.distance_transform_edt(padded), SMOOTHING_SIGMA) * padded
    min_prominence = max(MIN_PROMINENCE_PIXELS, MIN_RELATIVE_PROMINENCE * float(distance.max()))
    peaks, count = ndimage.label(h_maxima(distance, min_prominence) * padded, np.ones((3, 3)))
    if not count:
        return 1
    lobes = watershed(-distance, peaks, mask=padded)
    sizes = np.bincount(lobes.ravel())[1:]
    return max(1, int((sizes >= MIN_LOBE_FRACTION * np.count_nonzero(nucleus)).sum()))
