"""Every figure of a picture against hand-made masks and scikit-learn."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from builders import draw_cell
from sklearn.metrics import accuracy_score, f1_score, jaccard_score

from wbcseg.evaluation.metric_specs import ALL_CLASSES, CELL_CLASSES, METRICS, compute_metrics, get_metric

TRUTH = draw_cell(60, 70)[1]
FOUND = np.roll(TRUTH, 2, axis=1)


def test_they_are_those_of_scikit_learn() -> None:
    scores = compute_metrics(TRUTH, FOUND)
    a, b = TRUTH.ravel(), FOUND.ravel()
    for number, name in enumerate(("background", "cytoplasm", "nucleus")):
        assert get_metric(scores, "dice", name) == pytest.approx(f1_score(a == number, b == number), abs=1e-5)
        assert get_metric(scores, "jaccard", name) == pytest.approx(jaccard_score(a == number, b == number), abs=1e-5)
    assert get_metric(scores, "dice", "cell") == pytest.approx(f1_score(a > 0, b > 0), abs=1e-5)
    assert get_metric(scores, "accuracy", "picture") == pytest.approx(accuracy_score(a, b), abs=1e-5)
    assert get_metric(scores, "macro_dice", ALL_CLASSES) == pytest.approx(f1_score(a, b, average="macro"), abs=1e-5)
    only_cell = f1_score(a, b, average="macro", labels=[1, 2])
    assert get_metric(scores, "macro_dice", CELL_CLASSES) == pytest.approx(only_cell, abs=1e-5)


def test_a_shift_of_two_pixels_is_just_within_the_tolerance() -> None:
    scores = compute_metrics(TRUTH, FOUND)
    assert get_metric(scores, "surface_dice", "nucleus") == 1.0
    assert get_metric(scores, "hausdorff_95", "nucleus") <= 2.0
    further = compute_metrics(TRUTH, np.roll(TRUTH, 9, axis=1))
    assert get_metric(further, "surface_dice", "nucleus") < 0.8
    assert 5.0 < get_metric(further, "hausdorff_95", "nucleus") <= 9.0


def test_fault_17_what_is_in_neither_mask_is_undefined_and_stays_so_in_a_file() -> None:
    truth = np.where(TRUTH == 2, 1, TRUTH).astype(np.uint8)
    scores = json.loads(json.dumps(compute_metrics(truth, truth)))
    assert scores["dice"]["nucleus"] is None
    for name in ("dice", "jaccard", "surface_dice", "hausdorff_95"):
        assert math.isnan(get_metric(scores, name, "nucleus"))
        assert not math.isnan(get_metric(scores, name, "cell"))
    assert get_metric(scores, "macro_dice", CELL_CLASSES) == 1.0


def test_finding_what_is_not_there_is_as_bad_as_can_be() -> None:
    truth = np.where(TRUTH == 2, 1, TRUTH).astype(np.uint8)
    scores = compute_metrics(truth, TRUTH)
    assert get_metric(scores, "dice", "nucleus") == 0.0
    assert get_metric(scores, "surface_dice", "nucleus") == 0.0
    assert get_metric(scores, "hausdorff_95", "nucleus") == pytest.approx(math.hypot(60, 70), abs=1e-4)


def test_every_figure_has_a_definition_and_a_value_for_each_of_its_regions() -> None:
    scores = compute_metrics(TRUTH, FOUND)
    for figure in METRICS.values():
        assert len(figure.description) > 40
        assert all(not math.isnan(get_metric(scores, figure.name, region)) for region in figure.regions)
        assert figure.absent_value == (0.0 if figure.lower_is_better else 1.0)
