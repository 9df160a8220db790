"""Scores of the cell detector, on boxes and masks made by hand, and their result file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from wbcseg.datasets.fields import FieldInfo, MarkedCell
from wbcseg.detector_training.composing import ComposedField
from wbcseg.evaluation.fields import (
    FieldScore,
    FieldsResult,
    TouchingScore,
    load_fields_result,
    summarise_fields,
)
from wbcseg.evaluation.fields.evaluate import compute_instance_dice, score_boxes, score_composed
from wbcseg.inference.detection import DetectorCard
from wbcseg.inference.detection.card_records import ClusterMetrics, InstanceScore
from wbcseg.paths import get_detector_folder


def make_boxes(*boxes: tuple[float, float, float, float]) -> np.ndarray:
    return np.array(boxes, np.float32).reshape(-1, 4)


def test_marked_cells_are_matched_and_counted_cells_are_counted() -> None:
    marked = FieldInfo("a", Path("a"), (MarkedCell((0, 0, 10, 10)), MarkedCell((20, 0, 30, 10))), 2)
    counted, empty = FieldInfo("b", Path("b"), None, 2), FieldInfo("c", Path("c"), None, 0)
    right, wrong = (0, 0, 10, 10), (50, 50, 60, 60)
    score = score_boxes("x", [(make_boxes(right, wrong), marked), (make_boxes(wrong), marked)])
    assert score == FieldScore("x", fields=2, cells=4, detected=1, false=2, missed_fields=1)
    assert (score.recall, score.precision, score.false_per_20_fields) == (0.25, 1 / 3, 20.0)
    score = score_boxes(
        "y", [(make_boxes(right, wrong, wrong), counted), (make_boxes(), counted), (make_boxes(), empty)]
    )
    assert score == FieldScore("y", fields=3, cells=4, detected=2, false=1, missed_fields=1)
    nothing = score_boxes("z", [(make_boxes(), empty)])
    assert (nothing.recall, nothing.precision, nothing.missed_fields) == (None, None, 0)


def test_ignored_places_are_neither_right_nor_false() -> None:
    field = ComposedField(
        np.zeros((100, 100, 3), np.uint8),
        make_boxes((0, 0, 20, 20)),
        make_boxes((60, 60, 90, 90)),
        np.zeros((100, 100), np.uint16),
        np.ones(1, np.bool_),
    )
    found, false = score_composed(make_boxes((1, 0, 20, 20), (65, 65, 85, 85), (30, 30, 50, 50)), field)
    assert found == {0}
    assert false == 1


def test_instance_dice_compares_with_the_instance_that_overlaps_most() -> None:
    true, predicted = np.zeros((2, 10, 10), np.uint16)
    true[:4, :5] = 1
    true[6:, :] = 2
    predicted[:4, :4] = 7
    predicted[:4, 4:6] = 8
    assert compute_instance_dice(predicted, true, 3) == pytest.approx([2 * 16 / (20 + 16), 0.0, 0.0])


def test_a_result_is_read_as_it_was_written(tmp_path: Path) -> None:
    result = FieldsResult(
        "a" * 64,
        "b" * 64,
        0.35,
        (FieldScore("raabin-fields", 2, 4, 3, 1), FieldScore("chula-rbc-12", 30, 1, 1, 2)),
        (TouchingScore(2, 0.1, 10, 9, 1), TouchingScore(3, 0.1, 10, 7, 0)),
        InstanceScore("unet-general", 20, 19, 0.95),
    )
    assert load_fields_result(tmp_path) is None
    result.write(tmp_path)
    assert load_fields_result(tmp_path) == result
    summary = summarise_fields(result)
    assert (summary.tests["raabin-fields"].recall, summary.tests["raabin-fields"].precision) == (0.75, 0.75)
    assert summary.touching["pairs"] == ClusterMetrics(clusters=10, complete=9)
    assert summary.instances == result.instances


def test_the_shipped_result_is_that_of_the_shipped_networks() -> None:
    result = load_fields_result()
    if result is None:
        pytest.skip("the shipped detector has not been evaluated: wbcseg finder evaluate --update-package")
    card = DetectorCard.read(get_detector_folder())
    assert {"detector": result.detector, "verifier": result.verifier} == {
        role: record.sha256 for role, record in card.files.items()
    }
    assert card.test_metrics == summarise_fields(result)
