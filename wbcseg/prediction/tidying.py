"""Making one cell of what a network found in a crop."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

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
    weight = np.exp(-(rows**2) / spread)[:, None] * np.exp(-(columns**2) / spread)
    weights = np.bincount(pieces.ravel(), weight.ravel(), count + 1)
    number = 1 + int(np.argmax(weights[1:]))
    result[pieces != number] = BACKGROUND.id
    # What follows happens within the cell's box alone.
    box = ndimage.find_objects(pieces)[number - 1]
    cell, inside = pieces[box] == number, result[box]
    inside[_holes(cell) & (inside == BACKGROUND.id)] = CYTOPLASM.id
    parts, count = ndimage.label(inside == NUCLEUS.id)
    is_speck = np.bincount(parts.ravel(), minlength=count + 1) < SPECK * (inside != BACKGROUND.id).sum()
    is_speck[0] = False
    inside[is_speck[parts]] = CYTOPLASM.id
    return result


def _holes(cell: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which pixels, ``bool[H, W]``, a cell encloses: from them no way leads out that does not cross it."""
    from scipy import ndimage

    gaps, count = ndimage.label(~cell)
    is_hole = np.ones(count + 1, np.bool_)
    is_hole[0] = False
    for edge in (gaps[0], gaps[-1], gaps[:, 0], gaps[:, -1]):
        is_hole[edge] = False
    holes: NDArray[np.bool_] = is_hole[gaps]
    return holes
