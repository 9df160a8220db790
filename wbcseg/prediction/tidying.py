"""Making one cell of what a network found in a crop."""

from __future__ import annotations

from typing import Final

import numpy as np

from wbcseg.classes import BACKGROUND, CYTOPLASM, NUCLEUS, Labels

SPECK: Final = 0.01
"""A piece of nucleus that is smaller than this share of the cell is taken for cytoplasm."""

CENTRE: Final = 0.25
"""Standard deviation, as a share of the longer side, of the weight that pixels near the centre have."""


def tidied(labels: Labels) -> Labels:
    """Return the class ids of a crop with nothing but its main cell.

    Of several pieces of cell the one counts that has most pixels near the centre; the others become background, as in
    the experts' masks of crops. Holes in the cell become cytoplasm, and so do specks of nucleus.

    Args:
        labels: ``uint8[H, W]`` of class ids.

    Returns:
        ``uint8[H, W]``, a new array; where no cell was found, as it was.
    """
    # Loaded here, because those who only list models should not wait for it.
    from scipy import ndimage

    result = labels.copy()
    pieces, count = ndimage.label(labels != BACKGROUND.id)
    if not count:
        return result
    rows, columns = (np.arange(n) - (n - 1) / 2 for n in labels.shape)
    spread = 2.0 * (CENTRE * max(labels.shape)) ** 2
    weight = np.exp(-(rows[:, None] ** 2 + columns**2) / spread)
    cell = pieces == 1 + int(np.argmax(ndimage.sum_labels(weight, pieces, np.arange(1, count + 1))))
    result[~cell] = BACKGROUND.id
    cell = ndimage.binary_fill_holes(cell)
    result[cell & (result == BACKGROUND.id)] = CYTOPLASM.id
    parts, count = ndimage.label(result == NUCLEUS.id)
    sizes = ndimage.sum_labels(np.ones(parts.shape), parts, np.arange(count + 1))
    result[(sizes < SPECK * cell.sum())[parts] & (parts > 0)] = CYTOPLASM.id
    return result
