"""Divide boxes that hold two touching cells, where the heat map has a single peak between them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from wbcseg.metrics.boxes import Boxes, compute_areas, compute_iou

MIN_HEAT: Final = 0.35
"""Minimum heat of a candidate that may be two cells."""

MAX_PROBABILITY: Final = 0.95
"""Above this probability of being one white cell, a candidate is not divided."""

HALF_SIZE: Final = 0.55
"""Size of the two parts along the line on which they lie, as a fraction of the box."""

MIN_WIDTH: Final = 0.8
"""Minimum size of the parts across this line, if it is not a diagonal, as a fraction of the box."""

MIN_HALF_PROBABILITY: Final = 0.6
"""Minimum probability that a part is a white cell; both must be, or they are the lobes of one."""

MAX_PROBABILITY_LOSS: Final = 0.15
"""Maximum difference by which the parts may be less probable than the whole."""

MAX_HALF_IOU: Final = 0.35
"""Maximum overlap of the parts, after the verifier has corrected their boxes."""

MAX_HALF_AREA: Final = 0.85
"""Maximum area of a part, as a fraction of the box."""

VerifyBoxes = Callable[[Boxes], tuple[NDArray[np.float32], Boxes]]
"""Returns the probability that each box is a white cell, ``float32[N]``, and the corrected boxes."""


def may_be_two(heat: float, probability: float) -> bool:
    """Return whether a candidate may be two cells: its heat is high, but the verifier is not certain of it."""
    return heat >= MIN_HEAT and probability < MAX_PROBABILITY


def propose_halves(box: NDArray[np.float32]) -> Boxes:
    """Return four ways of dividing a box in two, ``float32[8, 4]``: beside, above and diagonally to each other."""
    left, top, right, bottom = (float(value) for value in box)
    width, height = HALF_SIZE * (right - left), HALF_SIZE * (bottom - top)
    y, x = (top + bottom) / 2, (left + right) / 2
    half_height = max(width, MIN_WIDTH * (bottom - top)) / 2
    half_width = max(height, MIN_WIDTH * (right - left)) / 2
    return np.array(
        (
            (left, y - half_height, left + width, y + half_height),
            (right - width, y - half_height, right, y + half_height),
            (x - half_width, top, x + half_width, top + height),
            (x - half_width, bottom - height, x + half_width, bottom),
            (left, top, left + width, top + height),
            (right - width, bottom - height, right, bottom),
            (left, bottom - height, left + width, bottom),
            (right - width, top, right, top + height),
        ),
        np.float32,
    )


def divide_box(
    box: NDArray[np.float32], probability: float, verify: VerifyBoxes
) -> tuple[Boxes, NDArray[np.float32]] | None:
    """Return the boxes and probabilities of the two cells in a box, or ``None`` if it does not hold two.

    Args:
        box: The box.
        probability: Probability that it is one white cell.
        verify: The verifier.
    """
    probabilities, boxes = verify(propose_halves(box))
    area = compute_areas(box[None])[0]
    best: tuple[Boxes, NDArray[np.float32]] | None = None
    lowest = max(MIN_HALF_PROBABILITY, probability - MAX_PROBABILITY_LOSS)
    for first in range(0, len(boxes), 2):
        pair, pair_probabilities = boxes[first : first + 2], probabilities[first : first + 2]
        are_apart = compute_iou(pair[:1], pair[1:])[0, 0] < MAX_HALF_IOU
        if are_apart and compute_areas(pair).max() < MAX_HALF_AREA * area and pair_probabilities.min() > lowest:
            best, lowest = (pair, pair_probabilities), float(pair_probabilities.min())
    return best
