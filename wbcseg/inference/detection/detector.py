"""The cell detector: candidates, verified."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wbcseg.errors import ErrorCode, ModelError
from wbcseg.inference.detection.boxes import find_boxes_around_two, find_cut_boxes, suppress_overlaps
from wbcseg.inference.detection.candidates import CandidateFinder, Candidates, prepare_image
from wbcseg.inference.detection.card import DetectorCard
from wbcseg.inference.detection.halves import divide_box, may_be_two
from wbcseg.inference.detection.verifier import CandidateVerifier
from wbcseg.inference.tflite import MAX_THREADS
from wbcseg.metrics.boxes import Boxes
from wbcseg.models.card_errors import CARD_FILE
from wbcseg.paths import get_detector_folder


@dataclass(frozen=True)
class Detection:
    """A white cell that was detected.

    Attributes:
        left: Left edge of its box, in pixels of the image.
        top: Upper edge.
        right: Right edge.
        bottom: Lower edge.
        score: How certain it is that this is a white cell, 0 to 1.
    """

    left: float
    top: float
    right: float
    bottom: float
    score: float

    @property
    def size(self) -> float:
        """Longer side of the box."""
        return max(self.right - self.left, self.bottom - self.top)

    @property
    def area(self) -> float:
        """Area of the box."""
        return (self.right - self.left) * (self.bottom - self.top)

    def shift(self, x: float, y: float) -> Detection:
        """Return the same cell moved by x and y pixels."""
        return replace(self, left=self.left + x, top=self.top + y, right=self.right + x, bottom=self.bottom + y)

    def overlaps(self, other: Detection) -> bool:
        """Return whether two boxes overlap."""
        is_beside = self.right <= other.left or other.right <= self.left
        return not (is_beside or self.bottom <= other.top or other.bottom <= self.top)

    @property
    def centre(self) -> tuple[float, float]:
        """Row and column of the centre."""
        return (self.top + self.bottom) / 2, (self.left + self.right) / 2


class CellDetector:
    """Detects the white cells of an image of any size. Threads may share it.

    Args:
        folder: The detector's folder.
        threads: Number of processor threads.
        card: Its card, or ``None`` to read it.

    Attributes:
        card: Its card.

    Raises:
        ModelError: If the folder holds no usable detector.
        ChecksumError: If a file differs from what the card records.
    """

    def __init__(self, folder: Path, *, threads: int = MAX_THREADS, card: DetectorCard | None = None) -> None:
        self.card = card or DetectorCard.read(folder)
        data = {role: record.read(folder) for role, record in self.card.files.items()}
        try:
            self._finder = CandidateFinder(data["detector"], self.card.thresholds, threads=threads)
            self._verifier = CandidateVerifier(data["verifier"], threads=threads)
        except (ValueError, RuntimeError) as error:
            raise ModelError(
                f"The networks of {folder.name} could not be loaded: {error}.",
                file=folder.name,
                code=ErrorCode.INCOMPATIBLE,
            ) from None

    def detect(self, image: NDArray[np.uint8], *, min_score: float | None = None) -> tuple[Detection, ...]:
        """Return the white cells of an image, by falling score.

        Args:
            image: ``uint8[H, W, 3]``, RGB.
            min_score: Minimum score, by default the card's.
        """
        return self.detect_in(self.find_candidates(image), min_score=min_score)

    def may_miss_cells(self, candidates: Candidates) -> bool:
        """Return whether there are so many candidates that cells may be among those that are not looked at."""
        thresholds = self.card.thresholds
        return bool(candidates.max_left_out**thresholds.heat_weight >= thresholds.cell_score)

    def detect_in(self, candidates: Candidates, *, min_score: float | None = None) -> tuple[Detection, ...]:
        """Return the white cells among candidates, by falling score.

        Args:
            candidates: See :meth:`find_candidates`.
            min_score: Minimum score, by default the card's.
        """
        image = candidates.pyramid[0]
        if not len(candidates.boxes):
            return ()
        thresholds = self.card.thresholds
        boxes, scores = self._score(candidates)
        scores[find_boxes_around_two(boxes, scores)] = 0
        is_cut = find_cut_boxes(boxes, *image.shape[:2])
        scores[is_cut] = np.maximum(scores[is_cut] - np.float32(thresholds.edge_penalty), 0)
        kept = suppress_overlaps(
            boxes, scores, max_iou=thresholds.overlap_iou, max_contained=thresholds.contained_fraction
        )
        kept = kept[scores[kept] >= (thresholds.cell_score if min_score is None else min_score)]
        return tuple(
            Detection(left, top, right, bottom, float(score))
            for (left, top, right, bottom), score in zip(boxes[kept].tolist(), scores[kept], strict=True)
        )

    def _score(self, candidates: Candidates) -> tuple[Boxes, NDArray[np.float32]]:
        """Return the corrected boxes of candidates and their scores; a box around two cells becomes two boxes."""
        thresholds, weight = self.card.thresholds, self.card.thresholds.heat_weight
        probabilities, boxes = self._verifier.verify(candidates)
        scores: NDArray[np.float32] = (candidates.heats**weight * probabilities ** (1 - weight)).astype(np.float32)
        all_boxes, all_scores = [boxes], [scores]
        distinct = suppress_overlaps(
            boxes, scores, max_iou=thresholds.overlap_iou, max_contained=thresholds.contained_fraction
        )
        for index in distinct.tolist():
            heat, probability = float(candidates.heats[index]), float(probabilities[index])
            if not may_be_two(heat, probability):
                continue
            divided = divide_box(
                boxes[index], probability, lambda halves: self._verifier.verify(replace(candidates, boxes=halves))
            )
            if divided is not None:
                scores[index] = 0
                all_boxes.append(divided[0])
                all_scores.append(heat**weight * divided[1] ** (1 - weight))
        return np.concatenate(all_boxes), np.concatenate(all_scores).astype(np.float32)

    def verify(self, image: NDArray[np.uint8], boxes: Boxes) -> tuple[Detection, ...]:
        """Return how probable it is that each box of an image holds one white cell, with the corrected box.

        Args:
            image: ``uint8[H, W, 3]``, RGB.
            boxes: The boxes, ``float32[N, 4]``.
        """
        _, levels, background = prepare_image(image)
        heats = np.ones(len(boxes), np.float32)
        probabilities, corrected = self._verifier.verify(Candidates(boxes, heats, background, (image, *levels)))
        return tuple(
            Detection(left, top, right, bottom, float(probability))
            for (left, top, right, bottom), probability in zip(corrected.tolist(), probabilities, strict=True)
        )

    def find_candidates(self, image: NDArray[np.uint8]) -> Candidates:
        """Return what may be white cells in an image, ``uint8[H, W, 3]``, before verification."""
        return self._finder.find(image)


def load_cell_detector(folder: Path | None = None) -> CellDetector:
    """Return the detector of a folder, which is loaded once per process.

    Args:
        folder: Its folder, by default the shipped one.

    Raises:
        ModelError: If the folder holds no usable detector.
        ChecksumError: If a file differs from what the card records.
    """
    folder = folder or get_detector_folder()
    card_file = folder / CARD_FILE
    return _load_cached(folder, card_file.stat().st_mtime_ns if card_file.exists() else 0)


@lru_cache(maxsize=2)
def _load_cached(folder: Path, _changed: int) -> CellDetector:
    return CellDetector(folder)
