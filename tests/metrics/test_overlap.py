"""Overlap metrics against tables by hand, against scikit-learn, and their general properties."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from wbcseg.metrics import (
    REGIONS,
    accuracy_per_class,
    compute_confusion_counts,
    dice,
    get_cell_mask,
    jaccard,
    score,
    score_marked,
)

TRUTH = np.array([[0, 1], [2, 2]], np.uint8)
PREDICTION = np.array([[0, 2], [2, 1]], np.uint8)

labels = hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=9), elements=st.integers(0, 2))


def test_metrics_of_four_pixels_by_hand():
    counts = compute_confusion_counts(TRUTH, PREDICTION)
    assert counts.tp.tolist() == [1, 0, 1]
    assert counts.fp.tolist() == [0, 1, 1]
    assert counts.fn.tolist() == [0, 1, 1]
    assert counts.tn.tolist() == [3, 2, 1]
    assert dice(counts).tolist() == [1.0, 0.0, 0.5]
    assert jaccard(counts).tolist() == [1.0, 0.0, 1 / 3]
    assert accuracy_per_class(counts).tolist() == [1.0, 0.5, 0.5]


def test_the_whole_cell_ignores_confusion_of_cytoplasm_and_nucleus():
    scores = score(TRUTH, PREDICTION)
    assert tuple(scores.dice) == tuple(scores.jaccard) == REGIONS
    assert scores.dice["cell"] == 1.0
    assert scores.dice["nucleus"] == 0.5
    assert scores.accuracy == 0.5
    assert get_cell_mask(TRUTH).tolist() == [[False, True], [True, True]]


def test_a_class_in_neither_mask_is_undefined():
    empty = np.zeros((3, 3), np.uint8)
    scores = score(empty, empty)
    assert scores.dice["background"] == 1.0
    assert all(math.isnan(scores.dice[region]) for region in ("cytoplasm", "nucleus", "cell"))
    assert all(math.isnan(scores.jaccard[region]) for region in ("cytoplasm", "nucleus", "cell"))


def test_a_class_in_only_one_mask_scores_zero():
    scores = score(np.zeros((2, 2), np.uint8), np.full((2, 2), 2, np.uint8))
    assert scores.dice["nucleus"] == scores.jaccard["nucleus"] == scores.dice["cell"] == 0.0


@pytest.mark.parametrize(
    ("truth", "prediction", "message"),
    [
        (np.zeros((2, 2), np.uint8), np.zeros((2, 3), np.uint8), r"Received: \[2, 2\] and \[2, 3\]"),
        (np.zeros((0, 2), np.uint8), np.zeros((0, 2), np.uint8), "non-empty"),
        (np.full((2, 2), 3, np.uint8), np.zeros((2, 2), np.uint8), "below 3. Received: 3"),
    ],
)
def test_masks_that_do_not_match_are_rejected(truth, prediction, message):
    with pytest.raises(ValueError, match=message):
        compute_confusion_counts(truth, prediction)


def test_metrics_equal_those_of_scikit_learn():
    sklearn_metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(0)
    truth, prediction = rng.integers(0, 3, (2, 40, 50), dtype=np.uint8)
    counts = compute_confusion_counts(truth, prediction)
    table = sklearn_metrics.multilabel_confusion_matrix(truth.ravel(), prediction.ravel())
    np.testing.assert_array_equal(counts.tn, table[:, 0, 0])
    np.testing.assert_array_equal(counts.fp, table[:, 0, 1])
    np.testing.assert_array_equal(counts.fn, table[:, 1, 0])
    np.testing.assert_array_equal(counts.tp, table[:, 1, 1])
    f1 = sklearn_metrics.f1_score(truth.ravel(), prediction.ravel(), average=None)
    np.testing.assert_allclose(dice(counts), f1)
    overlap = sklearn_metrics.jaccard_score(truth.ravel(), prediction.ravel(), average=None)
    np.testing.assert_allclose(jaccard(counts), overlap)


@given(st.data())
def test_dice_and_jaccard_are_symmetric_and_consistent(data):
    truth = data.draw(labels)
    prediction = data.draw(hnp.arrays(np.uint8, truth.shape, elements=st.integers(0, 2)))
    counts, swapped = compute_confusion_counts(truth, prediction), compute_confusion_counts(prediction, truth)
    d, j = dice(counts), jaccard(counts)
    assert (counts.tp + counts.fp + counts.fn + counts.tn == truth.size).all()
    np.testing.assert_array_equal(d, dice(swapped))
    np.testing.assert_allclose(j, d / (2 - d))
    np.testing.assert_array_equal(np.isnan(d), [not ((truth == k) | (prediction == k)).any() for k in range(3)])
    perfect = dice(compute_confusion_counts(truth, truth))
    assert (perfect[~np.isnan(perfect)] == 1).all()


def test_a_class_that_a_mask_does_not_mark_is_not_scored():
    whole_cells = np.minimum(TRUTH, 1)
    scores = score_marked(whole_cells, PREDICTION)
    assert math.isnan(scores.dice["nucleus"])
    assert math.isnan(scores.jaccard["nucleus"])
    assert scores.dice["cell"] == score(whole_cells, PREDICTION).dice["cell"] == 1.0
    assert score_marked(TRUTH, PREDICTION) == score(TRUTH, PREDICTION)
    # A mask without any cell says that there is none.
    assert score_marked(np.zeros_like(TRUTH), PREDICTION).dice["nucleus"] == 0.0
    # A part of a mask without a nucleus is a cell without one.
    assert score_marked(whole_cells, PREDICTION, TRUTH).dice["nucleus"] == 0.0
