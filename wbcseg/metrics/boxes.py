"""Match detected boxes with true ones."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

MIN_IOU: Final = 0.5
"""Least intersection over union of a detected box and the true box that it stands for."""


def match_boxes(
    detected: NDArray[np.float32], true: NDArray[np.float32], *, min_iou: float = MIN_IOU
) -> dict[int, int]:
    """Return which true box each detected one stands for. Each true box is matched once, the best detections first.

    Args:
        detected: ``float32[N, 4]`` (left, top, right, bottom), by falling score.
        true: ``float32[M, 4]``.
        min_iou: Least intersection over union.

    Returns:
        Index of the true box by index of the detected one; other detections are false.
    """
    matches: dict[int, int] = {}
    free = list(range(len(true)))
    for index, box in enumerate(detected):
        if not free:
            break
        candidates = true[free]
        extents = np.minimum(candidates[:, 2:], box[2:]) - np.maximum(candidates[:, :2], box[:2])
        shared = np.maximum(extents, 0).prod(axis=1)
        areas = (candidates[:, 2:] - candidates[:, :2]).prod(axis=1)
        iou = shared / np.maximum((box[2:] - box[:2]).prod() + areas - shared, 1e-6)
        best = int(iou.argmax())
        if iou[best] >= min_iou:
            matches[index] = free.pop(best)
    return matches
