"""Calibration of true and of overconfident probabilities."""

import numpy as np
import pytest

from wbcseg.metrics.calibration import PIXEL_STRIDE, CalibrationCounter, CalibrationResult


def softmax(logits):
    return np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)


def summarise(probabilities, truth):
    counter = CalibrationCounter()
    counter.add(probabilities.astype(np.float32), truth)
    return counter.summarise()


@pytest.fixture(scope="module")
def logits():
    return np.random.default_rng(0).normal(0, 2, (200, 210, 3))


@pytest.fixture(scope="module")
def truth(logits):
    draws = np.random.default_rng(1).random((200, 210, 1))
    return (draws > softmax(logits).cumsum(axis=-1)).sum(axis=-1).clip(0, 2).astype(np.uint8)


def test_true_probabilities_have_no_calibration_error(logits, truth):
    result = summarise(softmax(logits), truth)
    assert result.ece < 0.02
    assert result.temperature == pytest.approx(1.0, abs=0.11)
    assert sum(item.pixels for item in result.bins) == -(-200 * 210 // PIXEL_STRIDE)


def test_overconfident_probabilities_are_corrected_by_a_higher_temperature(logits, truth):
    result = summarise(softmax(2 * logits), truth)
    assert result.ece > 0.05
    assert result.temperature == 2.0
    assert result.ece_scaled < 0.02


def test_a_result_is_read_back_from_json(logits, truth):
    result = summarise(softmax(logits), truth)
    assert CalibrationResult.from_dict(result.to_dict()) == result
