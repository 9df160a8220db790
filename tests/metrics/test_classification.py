"""Metrics of class probabilities, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from wbcseg.metrics.classification import compute_ece, compute_macro_f1, count_confusions

TRUTH = np.array([0, 0, 1, 1, 2])
PREDICTED = np.array([0, 1, 1, 1, 0])


def test_confusions_are_true_by_predicted() -> None:
    assert count_confusions(TRUTH, PREDICTED, 3).tolist() == [[1, 1, 0], [0, 2, 0], [1, 0, 0]]


def test_macro_f1_is_the_mean_over_the_classes_that_occur() -> None:
    # F1: 2·1/(2+2), 2·2/(2+3), 0; the fourth class never occurs.
    assert compute_macro_f1(count_confusions(TRUTH, PREDICTED, 4)) == pytest.approx((0.5 + 0.8 + 0) / 3)
    assert np.isnan(compute_macro_f1(np.zeros((2, 2), np.intp)))


def test_ece_weighs_the_gaps_of_bins_by_their_items() -> None:
    confidence = np.array([0.95, 0.95, 0.55, 0.55])
    is_right = np.array([True, True, True, False])
    assert compute_ece(confidence, is_right, bins=10) == pytest.approx((2 * 0.05 + 2 * 0.05) / 4)
    assert np.isnan(compute_ece(np.zeros(0), np.zeros(0, bool)))
