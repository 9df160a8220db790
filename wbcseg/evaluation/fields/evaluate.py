"""Run the tests: detect the cells of fields and compare them with the truth."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from wbcseg.datasets.fields import FieldInfo, load_detector_split, open_chula, open_lisc_fields, open_raabin_fields
from wbcseg.detector_training.composing import REALISTIC_SEVERITY, ComposedField, Composer
from wbcseg.detector_training.library import Library
from wbcseg.evaluation.fields.result import CLUSTER_NAMES, FieldScore, TouchingScore
from wbcseg.inference.detection import CellDetector
from wbcseg.inference.detection.card_records import InstanceScore
from wbcseg.metrics.boxes import match_boxes

COMPOSED_SIDE: Final = 384
COMPOSED_DIAMETERS: Final = (20.0, 180.0)
COMPOSED_SEED: Final = 99
TOUCHING_SEED: Final = 101

OVERLAPS: Final = (0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3)
"""Shared area of touching cells, relative to the smaller one's area."""

CLUSTER_SIZES: Final = tuple(CLUSTER_NAMES)

IGNORED_MARGIN: Final = 4.0
"""Pixels by which a detection may miss an ignored box."""

MIN_INSTANCE_DICE: Final = 0.5
"""Least Dice of an instance and the true cell that it stands for."""

Predict = Callable[[NDArray[np.uint8]], NDArray[np.uint16]]
"""Segments an image ``uint8[H, W, 3]`` into instances ``uint16[H, W]``, 0 for the background."""


def detect_boxes(detector: CellDetector, image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the boxes of the detected cells by falling score, ``float32[N, 4]``."""
    detections = sorted(detector.detect(image), key=lambda detection: -detection.score)
    return np.array([(d.left, d.top, d.right, d.bottom) for d in detections], np.float32).reshape(-1, 4)


def score_boxes(name: str, results: Iterable[tuple[NDArray[np.float32], FieldInfo]]) -> FieldScore:
    """Score detected boxes on fields whose cells are marked (boxes are matched) or counted (only numbers are compared).

    Args:
        name: Name of the test.
        results: Detected boxes of each field, and the field.
    """
    score = FieldScore(name, 0, 0, 0, 0)
    for boxes, info in results:
        detected = min(len(boxes), info.cell_count) if info.cells is None else len(match_boxes(boxes, info.boxes))
        score = FieldScore(
            name,
            score.fields + 1,
            score.cells + info.cell_count,
            score.detected + detected,
            score.false + len(boxes) - detected,
            score.missed_fields + (info.cell_count > 0 and not detected),
        )
    return score


def score_composed(boxes: NDArray[np.float32], field: ComposedField) -> tuple[set[int], int]:
    """Return the indices of the detected cells of a composed field, and the number of false detections.

    Detections of what may count as a cell or not are neither.
    """
    matches = match_boxes(boxes, field.boxes)
    false = 0
    for index in set(range(len(boxes))) - set(matches):
        centre = (boxes[index, :2] + boxes[index, 2:]) / 2
        low, high = field.ignored[:, :2] - IGNORED_MARGIN, field.ignored[:, 2:] + IGNORED_MARGIN
        false += not ((centre >= low) & (centre <= high)).all(axis=1).any()
    return set(matches.values()), false


def evaluate_raabin(detector: CellDetector) -> FieldScore:
    """Test on the fields of Raabin-WBC, another laboratory: boxes are matched.

    Raises:
        DatasetError: If they are not on this computer.
    """
    return score_boxes("raabin-fields", _detect_all(detector, open_raabin_fields()))


def evaluate_lisc(detector: CellDetector) -> FieldScore:
    """Test on the fields of LISC, with bluish red cells and stain deposits: numbers are compared.

    Raises:
        DatasetError: If they are not on this computer.
    """
    return score_boxes("lisc-fields", _detect_all(detector, open_lisc_fields()))


def evaluate_chula(detector: CellDetector) -> FieldScore:
    """Test on held-out fields of red cells: what is detected there is false, except the one white cell they show.

    Raises:
        DatasetError: If they are not on this computer.
    """
    fields = open_chula().select(load_detector_split().chula_held_out)
    return score_boxes("chula-rbc-12", _detect_all(detector, fields))


def evaluate_composed(
    detector: CellDetector, library: Library, field_count: int, severity: float = REALISTIC_SEVERITY
) -> FieldScore:
    """Test on fields composed of held-out cells: boxes are matched.

    Args:
        detector: The detector.
        library: Material of the part ``held_out``.
        field_count: Number of fields.
        severity: How extreme the fields are, 0 to 1.
    """
    score = FieldScore("composed", 0, 0, 0, 0)
    for field in _compose(library, field_count, severity):
        found, false = score_composed(detect_boxes(detector, field.image), field)
        score = replace(
            score,
            fields=score.fields + 1,
            cells=score.cells + len(field.boxes),
            detected=score.detected + len(found),
            false=score.false + false,
            missed_fields=score.missed_fields + (len(field.boxes) > 0 and not found),
        )
    return score


def evaluate_touching(
    detector: CellDetector, library: Library, cluster_count: int, severity: float = REALISTIC_SEVERITY
) -> tuple[TouchingScore, ...]:
    """Test on pairs and triples of held-out cells that overlap by up to 30 % of their area.

    Args:
        detector: The detector.
        library: Material of the part ``held_out``.
        cluster_count: Number of clusters of each size and overlap.
        severity: How extreme the fields are, 0 to 1.
    """
    scores = []
    for cells in CLUSTER_SIZES:
        for overlap in OVERLAPS:
            composer = _build_composer(library, TOUCHING_SEED + round(100 * overlap) + 1000 * cells, severity)
            clusters = complete = false_count = 0
            for _ in range(cluster_count):
                field = composer.compose_touching(cells, overlap)
                if len(field.boxes) < cells:
                    continue
                found, false = score_composed(detect_boxes(detector, field.image), field)
                clusters, complete, false_count = clusters + 1, complete + (len(found) == cells), false_count + false
            scores.append(TouchingScore(cells, overlap, clusters, complete, false_count))
    return tuple(scores)


def evaluate_instances(
    model: str, predict: Predict, library: Library, field_count: int, severity: float = REALISTIC_SEVERITY
) -> InstanceScore:
    """Compare outlines of cells in composed fields with exact ones or an expert's.

    Half of the fields are usual ones, the others have a pair or triple of touching cells.

    Args:
        model: Name of the segmentation model.
        predict: Segments an image into instances.
        library: Material of the part ``held_out``.
        field_count: Number of fields.
        severity: How extreme the fields are, 0 to 1.
    """
    touching = _build_composer(library, TOUCHING_SEED, severity)
    fields = [
        *_compose(library, field_count - field_count // 2, severity),
        *(
            touching.compose_touching(CLUSTER_SIZES[i % len(CLUSTER_SIZES)], OVERLAPS[i % len(OVERLAPS)])
            for i in range(field_count // 2)
        ),
    ]
    dice = [
        value
        for field in fields
        for value, is_exact in zip(
            compute_instance_dice(predict(field.image), field.instances, len(field.boxes)),
            field.has_exact_outline,
            strict=True,
        )
        if is_exact
    ]
    matched = [value for value in dice if value >= MIN_INSTANCE_DICE]
    return InstanceScore(model, len(dice), len(matched), round(float(np.mean(matched)), 4) if matched else None)


def compute_instance_dice(predicted: NDArray[np.uint16], true: NDArray[np.uint16], cell_count: int) -> list[float]:
    """Return the Dice of each true cell, ids 1 to ``cell_count``, and the predicted instance that it overlaps most."""
    sizes = np.bincount(predicted.ravel())
    dice = []
    for cell_id in range(1, cell_count + 1):
        is_cell = true == cell_id
        shared = np.bincount(predicted[is_cell], minlength=len(sizes))
        shared[0] = 0
        best = int(shared.argmax())
        total = int(is_cell.sum()) + int(sizes[best])
        dice.append(2 * int(shared[best]) / total if shared[best] else 0.0)
    return dice


def _detect_all(detector: CellDetector, fields: Iterable[FieldInfo]) -> Iterable[tuple[NDArray[np.float32], FieldInfo]]:
    return ((detect_boxes(detector, info.read()), info) for info in fields)


def _build_composer(library: Library, seed: int, severity: float) -> Composer:
    return Composer(library, seed, side=COMPOSED_SIDE, diameters=COMPOSED_DIAMETERS, severity=severity)


def _compose(library: Library, count: int, severity: float) -> Sequence[ComposedField]:
    composer = _build_composer(library, COMPOSED_SEED, severity)
    return [composer.compose() for _ in range(count)]
