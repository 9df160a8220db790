"""Reduce the segmentation of a crop to one cell."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from wbcseg.labels import BACKGROUND, CYTOPLASM, NUCLEUS, Labels, find_bounds

MAX_SPECK_FRACTION: Final = 0.01
"""A piece of nucleus smaller than this fraction of the cell counts as cytoplasm."""

CENTRE_WEIGHT_SIGMA: Final = 0.25
"""Standard deviation, as a fraction of the longer side, of the Gaussian weight around the centre."""

CENTRE_TOLERANCE: Final = 0.1
"""A cell is in the middle of a crop if the centre lies in its bounding box, give or take this fraction of each side."""

MIN_NUCLEUS_FRACTION: Final = 0.05
"""Minimum area of the nucleus, as a fraction of the white cell's."""


def keep_main_cell(labels: Labels) -> Labels:
    """Return the class ids of a crop with only its main cell.

    Of several pieces, the one with most pixels near the centre is kept; the others become background, as in the
    experts' masks of crops. Holes in the cell become cytoplasm, and so do specks of nucleus.

    Args:
        labels: ``uint8[H, W]`` of class ids.

    Returns:
        ``uint8[H, W]``, a new array; unchanged if there is no cell.
    """
    # Imported here, so that listing models does not wait for it.
    from scipy import ndimage

    result = labels.copy()
    bounds = _find_span(labels != BACKGROUND.id)
    if bounds is None:
        return result
    # Everything outside the bounding box is background; crops are mostly that.
    pieces, count = ndimage.label(labels[bounds] != BACKGROUND.id)
    cropped = result[bounds]
    if count > 1:
        main_piece = 1 + int(
            np.argmax(np.bincount(pieces.ravel(), _compute_centre_weights(labels.shape, bounds).ravel(), count + 1)[1:])
        )
        pieces = pieces == main_piece
        cropped[~pieces] = BACKGROUND.id
    cropped[find_holes(pieces != 0) & (cropped == BACKGROUND.id)] = CYTOPLASM.id
    nucleus_pieces, count = ndimage.label(cropped == NUCLEUS.id)
    is_speck = (
        np.bincount(nucleus_pieces.ravel(), minlength=count + 1) < MAX_SPECK_FRACTION * (cropped != BACKGROUND.id).sum()
    )
    is_speck[0] = False
    cropped[is_speck[nucleus_pieces]] = CYTOPLASM.id
    return result


def has_central_cell(labels: Labels) -> bool:
    """Return whether the main cell of a crop, ``uint8[H, W]`` of class ids, has a nucleus and is in the middle."""
    cell_labels = keep_main_cell(labels)
    bounds = _find_span(cell_labels != BACKGROUND.id)
    if bounds is None:
        return False
    nucleus_area, cell_area = (cell_labels == NUCLEUS.id).sum(), (cell_labels != BACKGROUND.id).sum()
    is_central = all(
        span.start - CENTRE_TOLERANCE * length <= length / 2 <= span.stop + CENTRE_TOLERANCE * length
        for span, length in zip(bounds, labels.shape, strict=True)
    )
    return is_central and bool(nucleus_area >= MIN_NUCLEUS_FRACTION * cell_area)


def _find_span(region: NDArray[np.bool_]) -> tuple[slice, slice] | None:
    """Return the rows and columns of a region's bounding box, or ``None`` if it is empty."""
    if (bounds := find_bounds(region)) is None:
        return None
    left, top, right, bottom = bounds
    return slice(top, bottom), slice(left, right)


def _compute_centre_weights(shape: tuple[int, ...], bounds: tuple[slice, slice]) -> NDArray[np.float64]:
    """Return the weights of pixels in a part of a crop, which decrease from the centre of the crop."""
    scale = 2.0 * (CENTRE_WEIGHT_SIGMA * max(shape)) ** 2
    rows, columns = (
        np.exp(-((np.arange(span.start, span.stop) - (length - 1) / 2) ** 2) / scale)
        for length, span in zip(shape, bounds, strict=True)
    )
    weights: NDArray[np.float64] = rows[:, None] * columns
    return weights


def find_holes(cell: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the pixels, ``bool[H, W]``, that a cell encloses."""
    from scipy import ndimage

    gaps, count = ndimage.label(~cell)
    is_hole = np.ones(count + 1, np.bool_)
    is_hole[0] = False
    for edge in (gaps[0], gaps[-1], gaps[:, 0], gaps[:, -1]):
        is_hole[edge] = False
    holes: NDArray[np.bool_] = is_hole[gaps]
    return holes
