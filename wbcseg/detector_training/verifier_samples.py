"""What the verifier is asked about a composed field: candidates, parts of cells, cut red cells, and the answers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from wbcseg.detector_training.composing import ComposedField
from wbcseg.detector_training.composing.field import Boxes
from wbcseg.inference.detection.background import estimate_background, normalise
from wbcseg.inference.detection.candidates import CandidateFinder
from wbcseg.inference.detection.verifier import crop_candidate
from wbcseg.metrics.boxes import compute_areas, compute_intersections, compute_iou

MIN_CELL_IOU: Final = 0.5
MAX_OTHER_IOU: Final = 0.3
"""A box that overlaps a cell by at least the first is that cell; one that overlaps none by the second is no cell."""

MAX_CANDIDATES: Final = 12
"""Candidates of each field, by falling heat: the hard ones."""

MIN_BOX_SIDE: Final = 5.0

ANSWER_CHANNELS: Final = 7
"""Whether it is a cell; weight of that; shifts of left, top, right and bottom; weight of these."""


def sample_crops(
    rng: Generator, field: ComposedField, finder: CandidateFinder | None, crop_side: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return close-ups of a field and the answers.

    Args:
        rng: Random generator.
        field: The field.
        finder: Finds candidates, which are what the verifier will be asked; ``None`` for none.
        crop_side: Side of the close-ups in pixels.

    Returns:
        Normalised crops ``float32[N, S, S, 3]``, and answers ``float32[N, 7]`` (:data:`ANSWER_CHANNELS`).
    """
    side = len(field.image)
    if finder is None:
        background = estimate_background(field.image)
        parts: list[Boxes] = []
    else:
        candidates = finder.find(field.image)
        background = candidates.background
        parts = [_jitter(rng, candidates.boxes[:MAX_CANDIDATES], 0.04)]
    parts += [*_iterate_cells(rng, field), *_iterate_others(rng, field), *_iterate_pairs(rng, field)]
    boxes = np.clip(np.concatenate(parts), 0, side).astype(np.float32)
    boxes = boxes[(boxes[:, 2:] - boxes[:, :2]).min(axis=1) > MIN_BOX_SIDE]
    crops = [normalise(crop_candidate(field.image, box, crop_side), background) for box in boxes]
    if not crops:
        return np.zeros((0, crop_side, crop_side, 3), np.float32), np.zeros((0, ANSWER_CHANNELS), np.float32)
    return np.stack(crops), np.stack([compute_answer(box, field) for box in boxes])


def compute_answer(box: NDArray[np.float32], field: ComposedField) -> NDArray[np.float32]:
    """Return the right answer to a box, ``float32[4]``, as ``float32[7]`` (:data:`ANSWER_CHANNELS`)."""
    answer = np.zeros(ANSWER_CHANNELS, np.float32)
    iou = compute_iou(box[None], field.boxes)[0]
    best = int(iou.argmax()) if len(iou) else -1
    if best < 0 or iou[best] < MAX_OTHER_IOU:
        centre = (box[:2] + box[2:]) / 2
        is_ignored = ((centre >= field.ignored[:, :2]) & (centre <= field.ignored[:, 2:])).all(axis=1).any()
        answer[1] = 0.0 if is_ignored else 1.0
        return answer
    answer[:2] = iou[best] >= MIN_CELL_IOU
    answer[2:6] = (field.boxes[best] - box) / (box[2:] - box[:2]).max()
    answer[6] = 1.0
    contained = compute_intersections(box[None], field.boxes)[0] / compute_areas(field.boxes)
    if (contained > 0.7).sum() > 1 and iou[best] < 0.75:
        # A box around two cells is neither of them.
        answer[[0, 6]], answer[1] = 0.0, 1.0
    elif len(iou) > 1 and np.sort(iou)[-2] > MAX_OTHER_IOU:
        answer[[1, 6]] = 0.0
    return answer


@dataclass(frozen=True)
class CropOrientation:
    """An orientation in which crops are shown again.

    Attributes:
        transposes: Whether they are mirrored along their diagonal.
        rotates: Whether they are turned upside down.
    """

    transposes: bool
    rotates: bool

    def apply(
        self, crops: NDArray[np.float16], answers: NDArray[np.float32]
    ) -> tuple[NDArray[np.float16], NDArray[np.float32]]:
        """Return crops ``[N, S, S, 3]`` and answers ``[N, 7]`` in this orientation."""
        answers = answers.copy()
        if self.transposes:
            crops, answers[:, 2:6] = crops.transpose(0, 2, 1, 3), answers[:, [3, 2, 5, 4]]
        if self.rotates:
            crops, answers[:, 2:6] = crops[:, ::-1, ::-1], -answers[:, [4, 5, 2, 3]]
        return np.ascontiguousarray(crops), answers


ORIENTATIONS: Final = (CropOrientation(True, False), CropOrientation(False, True), CropOrientation(True, True))


def _jitter(rng: Generator, boxes: Boxes, max_shift: float) -> Boxes:
    size = np.tile(boxes[:, 2:] - boxes[:, :2], 2)
    return np.asarray(boxes + rng.uniform(-max_shift, max_shift, boxes.shape) * size, np.float32)


def _iterate_cells(rng: Generator, field: ComposedField) -> Iterator[Boxes]:
    """Yield cells, and parts of cells: lobes are no cells."""
    if not len(field.boxes):
        return
    chosen = field.boxes[rng.permutation(len(field.boxes))[:4]]
    yield _jitter(rng, chosen, 0.10)
    yield _jitter(rng, chosen[:2], 0.20)
    for left, top, right, bottom in chosen[:2]:
        share = rng.uniform(0.25, 0.6)
        width, height = share * (right - left), share * (bottom - top)
        x, y = rng.uniform(left, max(left, right - width)), rng.uniform(top, max(top, bottom - height))
        yield np.array([[x, y, x + width, y + height]], np.float32)


def _iterate_others(rng: Generator, field: ComposedField) -> Iterator[Boxes]:
    """Yield random places, and what the field's edge cuts, of all sizes."""
    side = len(field.image)
    size = float(np.exp(rng.uniform(np.log(20), np.log(130))))
    if len(field.boxes):
        size = float((field.boxes[:, 2:] - field.boxes[:, :2]).max(axis=1).mean()) * rng.uniform(0.4, 1.2)
    for _ in range(2):
        y, x = rng.uniform(0, side, 2)
        yield np.array([[x - size / 2, y - size / 2, x + size / 2, y + size / 2]], np.float32)
    for _ in range(3):
        long, short = rng.uniform(0.3, 1.1, 2) * size
        start = rng.uniform(0, side)
        edges = (
            (start, 0, start + long, short),
            (start, side - short, start + long, side),
            (0, start, short, start + long),
            (side - short, start, side, start + long),
        )
        yield np.array([edges[int(rng.integers(4))]], np.float32)


def _iterate_pairs(rng: Generator, field: ComposedField) -> Iterator[Boxes]:
    """Yield touching cells, and the box around both, which is no cell."""
    for first, second in field.pairs[:2]:
        pair = field.boxes[[first, second]]
        around = np.concatenate([pair[:, :2].min(axis=0), pair[:, 2:].max(axis=0)])[None]
        yield _jitter(rng, around, 0.08)
        yield _jitter(rng, pair, 0.08)
