"""Means, intervals and comparisons, by hand and against SciPy."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from wbcseg.metrics import (
    apply_holm_correction,
    compare,
    compute_confidence_interval,
    compute_mean_and_standard_error,
    compute_wilcoxon_p_value,
    pair_defined_values,
)

NAN = float("nan")


def test_undefined_values_do_not_count_for_the_mean():
    mean, error, n = compute_mean_and_standard_error([1.0, 2.0, 3.0, float("nan")])
    assert (mean, n) == (2.0, 3)
    assert error == pytest.approx(1 / math.sqrt(3))
    assert compute_mean_and_standard_error([1.0, 2.0, 3.0], ddof=0)[1] == pytest.approx(math.sqrt(2) / 3)


def test_too_few_values_have_no_mean_or_standard_error():
    assert compute_mean_and_standard_error([])[2] == 0
    assert math.isnan(compute_mean_and_standard_error([])[0])
    mean, error, n = compute_mean_and_standard_error([0.5])
    assert (mean, n) == (0.5, 1)
    assert math.isnan(error)


def test_the_interval_equals_that_of_scipys_bootstrap():
    values = np.random.default_rng(0).normal(0.9, 0.05, 60)
    low, high = compute_confidence_interval(values)
    theirs = stats.bootstrap((values,), np.mean, method="percentile", n_resamples=10_000, rng=1).confidence_interval
    assert low == pytest.approx(theirs.low, abs=0.0006)
    assert high == pytest.approx(theirs.high, abs=0.0006)
    assert compute_confidence_interval([*values, NAN]) == (low, high)
    assert low < values.mean() < high


def test_the_interval_is_that_of_resampling_the_values_one_by_one():
    rng = np.random.default_rng(5)
    values = rng.normal(0.9, 0.1, 37)
    draws = np.random.default_rng(2)
    means = np.concatenate([values[draws.integers(0, 37, (250, 37))].mean(axis=1) for _ in range(4)])
    expected = np.quantile(means, [0.025, 0.975])
    assert compute_confidence_interval(values, resamples=1000) == pytest.approx(tuple(expected), abs=1e-14)


def test_95_percent_of_the_intervals_hold_the_true_mean():
    rng = np.random.default_rng(1)
    held = 0
    for _ in range(300):
        low, high = compute_confidence_interval(rng.normal(0.0, 1.0, 40), resamples=1000)
        held += low <= 0.0 <= high
    assert 0.90 <= held / 300 <= 0.98


def test_too_few_values_have_no_interval():
    assert all(math.isnan(end) for end in compute_confidence_interval([]))
    assert all(math.isnan(end) for end in compute_confidence_interval([0.5, NAN]))
    assert compute_confidence_interval([0.5, 0.5]) == (0.5, 0.5)


def test_a_model_that_rightly_finds_nothing_gets_the_best_value():
    a, b = pair_defined_values([0.9, NAN, NAN, 0.8], [0.8, 0.0, NAN, 0.7])
    assert a.tolist() == [0.9, 1.0, 0.8]
    assert b.tolist() == [0.8, 0.0, 0.7]
    result = compare([0.9, NAN, NAN, 0.8], [0.8, 0.0, NAN, 0.7])
    assert result.difference == pytest.approx((0.1 + 1.0 + 0.1) / 3)
    assert (result.n_pairs, result.n_larger, result.n_smaller) == (3, 3, 0)
    # A distance of nothing to nothing is 0.
    assert pair_defined_values([NAN], [30.0], absent_value=0.0)[0].tolist() == [0.0]


def test_a_comparison_has_the_p_value_of_wilcoxons_test():
    rng = np.random.default_rng(3)
    a = rng.normal(0.95, 0.02, 50)
    b = a - rng.normal(0.005, 0.01, 50)
    result = compare(a.tolist(), b.tolist())
    assert result.p_value == stats.wilcoxon(a - b).pvalue
    assert result.difference == pytest.approx((a - b).mean())
    assert result.ci_low < result.difference < result.ci_high
    back = compare(b.tolist(), a.tolist())
    assert (back.difference, back.n_larger, back.n_smaller) == (-result.difference, result.n_smaller, result.n_larger)


@pytest.mark.parametrize("n", [1, 2, 5, 13, 50, 51, 268])
def test_the_signed_rank_test_equals_that_of_scipy(n: int) -> None:
    for seed in range(5):
        differences = np.random.default_rng((n, seed)).normal(0.1, 1.0, n)
        assert compute_wilcoxon_p_value(differences) == pytest.approx(stats.wilcoxon(differences).pvalue, rel=1e-12)


def test_the_signed_rank_test_ignores_zeros_and_averages_ranks_of_ties() -> None:
    for seed in range(20):
        few = np.random.default_rng(seed).integers(-3, 5, 9).astype(float)
        if few.any():
            signs = np.array(np.meshgrid(*[[-1, 1]] * np.count_nonzero(few))).reshape(np.count_nonzero(few), -1)
            ranks = stats.rankdata(np.abs(few[few != 0]))
            sums = ranks @ (signs > 0)
            least = min(ranks[few[few != 0] > 0].sum(), ranks[few[few != 0] < 0].sum())
            by_hand = min(1.0, 2 * float((sums <= least).mean()))
            assert compute_wilcoxon_p_value(few) == pytest.approx(by_hand)
        many = np.random.default_rng(seed).integers(-9, 12, 200).astype(float)
        by_scipy = stats.wilcoxon(many, method="asymptotic").pvalue
        assert compute_wilcoxon_p_value(many) == pytest.approx(by_scipy, rel=1e-12)


def test_equal_models_have_no_p_value():
    same = compare([0.5, 0.6], [0.5, 0.6])
    assert same.difference == 0.0
    assert math.isnan(same.p_value)
    nothing = compare([NAN], [NAN])
    assert nothing.n_pairs == 0
    assert math.isnan(nothing.difference)
    with pytest.raises(ValueError, match="one value for each image"):
        compare([0.5], [0.5, 0.6])


def test_holm_correction_by_hand():
    assert apply_holm_correction([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert apply_holm_correction([0.5, 0.9]) == pytest.approx([1.0, 1.0])
    corrected = apply_holm_correction([NAN, 0.02, 0.01])
    assert math.isnan(corrected[0])
    assert corrected[1:] == pytest.approx([0.02, 0.02])
    assert apply_holm_correction([]) == []


@given(st.lists(st.floats(0, 1), max_size=9))
def test_holm_correction_never_lowers_or_reorders_p_values(p_values):
    corrected = apply_holm_correction(p_values)
    assert all(p <= c <= 1 for p, c in zip(p_values, corrected, strict=True))
    order = np.argsort(p_values, kind="stable")
    assert all(np.diff([corrected[i] for i in order]) >= 0)
