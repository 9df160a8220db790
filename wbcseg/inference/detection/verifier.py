"""Verify candidates: a network sees each one in a close-up of one scale, and says whether it is a white cell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from wbcseg.inference.detection.background import normalise
from wbcseg.inference.detection.candidates import Candidates
from wbcseg.inference.detection.network import LiteRTNetwork
from wbcseg.metrics.boxes import Boxes

CROP_FACTOR: Final = 2.0
"""Side of the crop, relative to the longer side of the candidate's box."""

MIN_BOX_SIDE: Final = 4.0
"""Minimum longer side of a box for its crop, in pixels."""

MIN_LEVEL_FACTOR: Final = 2.5
"""A crop is cut out of the smallest level of the pyramid in which it has at least this many times its final side."""

MIN_SHRINK_FACTOR: Final = 1.5
"""Crops that shrink by more than this are averaged, others interpolated."""


class CandidateVerifier:
    """Tells white cells from other candidates and corrects their boxes. Threads may share it.

    Args:
        data: Content of the network's LiteRT file.
        threads: Number of processor threads.

    Attributes:
        crop_side: Side in pixels of the crops that it sees.
    """

    def __init__(self, data: bytes, *, threads: int) -> None:
        self._network = LiteRTNetwork(data, threads=threads)
        self.crop_side = self._network.input_shape[1]

    def verify(self, candidates: Candidates) -> tuple[NDArray[np.float32], Boxes]:
        """Return the probability that each candidate is a white cell, ``float32[N]``, and its corrected box."""
        boxes, image = candidates.boxes, candidates.pyramid[0]
        if not len(boxes):
            return np.zeros(0, np.float32), boxes
        predictions = [
            self._predict(normalise(_crop_from_pyramid(candidates.pyramid, box, self.crop_side), candidates.background))
            for box in boxes
        ]
        logits, shifts = (np.array(values, np.float32) for values in zip(*predictions, strict=True))
        longer_sides = (boxes[:, 2:] - boxes[:, :2]).max(axis=1, keepdims=True)
        height, width = image.shape[:2]
        corrected = np.clip(boxes + shifts * longer_sides, 0, np.array((width, height, width, height), np.float32))
        return (1 / (1 + np.exp(-logits))).astype(np.float32), corrected.astype(np.float32)

    def _predict(self, crop: NDArray[np.float32]) -> tuple[float, NDArray[np.float32]]:
        """Return logit and box correction, relative to its longer side: the mean over the crop and the crop turned."""
        # One at a time: LiteRT's XNNPACK delegate cannot resize the batch of this network, and gains little from it.
        logits, shifts = self._network(crop[None])
        turned_logits, turned_shifts = self._network(np.ascontiguousarray(crop[None, ::-1, ::-1]))
        logit = float(logits[0, 0] + turned_logits[0, 0]) / 2
        return logit, (shifts[0] - turned_shifts[0, [2, 3, 0, 1]]) / np.float32(2)


def _crop_from_pyramid(
    pyramid: Sequence[NDArray[np.uint8]], box: NDArray[np.float32], crop_side: int
) -> NDArray[np.uint8]:
    """Return the square around a box from the smallest level that is fine enough, because reading pixels takes long."""
    height, width = pyramid[0].shape[:2]
    smallest_side = MIN_LEVEL_FACTOR * crop_side / (CROP_FACTOR * max(box[2] - box[0], box[3] - box[1], MIN_BOX_SIDE))
    level = next((level for level in reversed(pyramid) if level.shape[1] >= smallest_side * width), pyramid[0])
    scale = np.array((level.shape[1] / width, level.shape[0] / height), np.float32)
    return crop_candidate(level, box * np.tile(scale, 2), crop_side)


def crop_candidate(image: NDArray[np.uint8], box: NDArray[np.float32], crop_side: int) -> NDArray[np.uint8]:
    """Return the square around a box, ``uint8[crop_side, crop_side, 3]``; beyond the image it is black."""
    left, top, right, bottom = (float(value) for value in box)
    half = CROP_FACTOR * max(right - left, bottom - top, MIN_BOX_SIDE) / 2
    y, x = (top + bottom) / 2, (left + right) / 2
    first_row, first_column = int(np.floor(y - half)), int(np.floor(x - half))
    last_row, last_column = int(np.ceil(y + half)), int(np.ceil(x + half))
    height, width = image.shape[:2]
    inside = image[
        max(first_row, 0) : max(min(last_row, height), 0), max(first_column, 0) : max(min(last_column, width), 0)
    ]
    if inside.shape[:2] != (last_row - first_row, last_column - first_column):
        padded = np.zeros((last_row - first_row, last_column - first_column, 3), np.uint8)
        row, column = max(-first_row, 0), max(-first_column, 0)
        padded[row : row + inside.shape[0], column : column + inside.shape[1]] = inside
        inside = padded
    method = Image.Resampling.BOX if 2 * half > MIN_SHRINK_FACTOR * crop_side else Image.Resampling.BILINEAR
    area = (x - half - first_column, y - half - first_row, x + half - first_column, y + half - first_row)
    return np.asarray(Image.fromarray(inside).resize((crop_side, crop_side), method, area))
