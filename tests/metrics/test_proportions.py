"""Intervals of proportions and the agreement of two readers, against published examples."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wbcseg.metrics.proportions import compute_difference_interval, compute_kappa, compute_wilson_interval


@pytest.mark.parametrize(
    ("count", "total", "low", "high"),
    # The first four are Newcombe's examples (1998), method 3; the last one follows from z² / (n + z²).
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
        (100, 100, 100 / 103.8415, 1.0),
    ],
)
def test_wilson_interval_of_published_examples(count: int, total: int, low: float, high: float) -> None:
    assert compute_wilson_interval(count, total) == pytest.approx((low, high), abs=5e-5)


def test_wilson_interval_without_observations_is_not_defined() -> None:
    assert all(map(math.isnan, compute_wilson_interval(0, 0)))
    with pytest.raises(ValueError, match="count"):
        compute_wilson_interval(3, 2)


@given(st.integers(1, 500).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total))))
def test_wilson_interval_encloses_the_proportion(counts: tuple[int, int]) -> None:
    low, high = compute_wilson_interval(*counts)
    assert 0 <= low <= counts[0] / counts[1] <= high <= 1
    # Cells with the property and those without it have mirrored intervals.
    mirrored = compute_wilson_interval(counts[1] - counts[0], counts[1])
    assert mirrored == pytest.approx((1 - high, 1 - low))


@pytest.mark.parametrize(
    ("first", "second", "low", "high"),
    # Newcombe's examples (1998), method 10.
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((5, 56), (0, 29), -0.0381, 0.1926),
    ],
)
def test_difference_interval_of_published_examples(
    first: tuple[int, int], second: tuple[int, int], low: float, high: float
) -> None:
    assert compute_difference_interval(first, second) == pytest.approx((low, high), abs=5e-5)
    assert compute_difference_interval(second, first) == pytest.approx((-high, -low), abs=5e-5)


def test_difference_to_an_empty_group_is_not_defined() -> None:
    assert all(map(math.isnan, compute_difference_interval((1, 2), (0, 0))))


def test_kappa_by_hand() -> None:
    # Observed agreement 35 of 50; expected 0.5 × 0.6 + 0.5 × 0.4 = 0.5.
    kappa, (low, high) = compute_kappa(np.array([[20, 5], [10, 15]]))
    assert kappa == pytest.approx((0.7 - 0.5) / (1 - 0.5))
    assert low < kappa < high


def test_standard_error_of_kappa_of_a_published_example() -> None:
    # Bonett's example of two readers with two categories: 0.6757 with the standard error 0.0734.
    kappa, (low, high) = compute_kappa(np.array([[31, 12], [4, 58]]))
    assert kappa == pytest.approx(0.6756757, abs=1e-6)
    assert (high - low) / 2 / 1.959964 == pytest.approx(0.07344761, abs=1e-6)


def test_kappa_at_its_limits() -> None:
    assert compute_kappa(np.diag([3, 4, 5]))[0] == pytest.approx(1.0)
    assert compute_kappa(np.array([[0, 5], [5, 0]]))[0] == pytest.approx(-1.0)
    # Independent readers.
    assert compute_kappa(np.array([[16, 4], [4, 1]]))[0] == pytest.approx(0.0)
    assert math.isnan(compute_kappa(np.zeros((2, 2), int))[0])
    assert math.isnan(compute_kappa(np.array([[7, 0], [0, 0]]))[0]), "one category leaves nothing to chance"
    with pytest.raises(ValueError, match="square"):
        compute_kappa(np.zeros((2, 3), int))


@given(st.lists(st.integers(0, 9), min_size=9, max_size=9))
def test_kappa_does_not_depend_on_who_is_first(counts: list[int]) -> None:
    table = np.reshape(counts, (3, 3))
    assert compute_kappa(table)[0] == pytest.approx(compute_kappa(table.T)[0], nan_ok=True)
