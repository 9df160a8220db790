"""Statistics of many images: means, confidence intervals and paired tests.

A metric is undefined (NaN) for a class that is in neither mask. A mean leaves such images out and returns how many
counted. A comparison of two models must not leave an image out because *one* of them is undefined: that model was right
to find nothing, while the other one found something that is not there. See :func:`pair_defined_values`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

N_RESAMPLES: Final = 10_000
CHUNK_SIZE: Final = 250
"""Resamples drawn at a time: all of them at once would take tens of megabytes."""
CONFIDENCE_LEVEL: Final = 0.95
MAX_EXACT_PAIRS: Final = 50
"""Up to this number of pairs, the signed-rank test is exact."""


def compute_mean_and_standard_error(values: Iterable[float], *, ddof: int = 1) -> tuple[float, float, int]:
    """Return the mean of the defined values, its standard error and their number.

    Args:
        values: NaN where undefined; those are excluded.
        ddof: 1 for the sample standard deviation. The tables of the thesis used 0.

    Returns:
        Mean (NaN without a value), standard error (NaN with fewer than ``ddof + 1`` values) and number of values.
    """
    array = np.asarray(list(values), dtype=np.float64)
    defined = array[~np.isnan(array)]
    n = int(defined.size)
    if n == 0:
        return float("nan"), float("nan"), 0
    standard_error = float(np.std(defined, ddof=ddof) / np.sqrt(n)) if n > ddof else float("nan")
    return float(np.mean(defined)), standard_error, n


def compute_confidence_interval(
    values: Iterable[float], *, level: float = CONFIDENCE_LEVEL, resamples: int = N_RESAMPLES, seed: int = 2
) -> tuple[float, float]:
    """Return a percentile bootstrap confidence interval of the mean (Efron, 1979).

    Args:
        values: One for each independent image, NaN where undefined; those are excluded.
        level: Confidence level.
        resamples: Number of bootstrap samples.
        seed: Random seed; the same values give the same interval.

    Returns:
        Lower and upper bound; NaN with fewer than two values.
    """
    array = np.asarray(list(values), dtype=np.float64)
    array = array[~np.isnan(array)]
    if array.size < 2:
        return float("nan"), float("nan")
    # Sums around the first value: constant values give exactly that value.
    centred = array - array[0]
    counts = _draw_resample_counts(array.size, resamples, seed)
    sums = np.concatenate(
        [counts[start : start + CHUNK_SIZE].astype(np.float64) @ centred for start in range(0, resamples, CHUNK_SIZE)]
    )
    low, high = array[0] + np.quantile(sums / array.size, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def compute_confidence_intervals(
    columns: NDArray[np.float64], *, level: float = CONFIDENCE_LEVEL, resamples: int = N_RESAMPLES, seed: int = 2
) -> NDArray[np.float64]:
    """Return the interval of :func:`compute_confidence_interval` for each of many columns, faster than one by one.

    Args:
        columns: ``float64[N, M]``, a row for each image, NaN where undefined.
        level: Confidence level.
        resamples: Number of bootstrap samples.
        seed: Random seed.

    Returns:
        ``float64[M, 2]``, lower and upper bounds; NaN with fewer than two values.
    """
    size, n_columns = columns.shape
    bounds = np.full((n_columns, 2), np.nan)
    is_complete = ~np.isnan(columns).any(axis=0)
    for index in np.flatnonzero(~is_complete):
        bounds[index] = compute_confidence_interval(columns[:, index], level=level, resamples=resamples, seed=seed)
    if size < 2 or not is_complete.any():
        return bounds
    complete = columns[:, is_complete]
    centred = complete - complete[0]
    counts = _draw_resample_counts(size, resamples, seed)
    means = np.empty((complete.shape[1], resamples))
    for start in range(0, resamples, CHUNK_SIZE):
        chunk = counts[start : start + CHUNK_SIZE].astype(np.float64)
        means[:, start : start + CHUNK_SIZE] = (chunk @ centred / size).T
    quantiles = np.quantile(means, [(1 - level) / 2, (1 + level) / 2], axis=1, overwrite_input=True)
    bounds[is_complete] = (quantiles + complete[0]).T
    return bounds


def compute_average_ranks(columns: NDArray[np.float64], *, lower_is_better: bool = False) -> NDArray[np.float64]:
    """Return the mean rank of each column over the rows, 1 for the best; equal values share their mean rank.

    Args:
        columns: ``float64[N, M]``, a row for each image, none NaN.
        lower_is_better: Whether low values are good.

    Returns:
        ``float64[M]``, 1 to M; they add up to M (M + 1) / 2 (Demšar, 2006).
    """
    values = columns if lower_is_better else -columns
    lower = (values[:, None, :] < values[:, :, None]).sum(axis=2)
    equal = (values[:, None, :] == values[:, :, None]).sum(axis=2)
    ranks: NDArray[np.float64] = (lower + (equal + 1) / 2).mean(axis=0)
    return ranks


@lru_cache(maxsize=4)
def _draw_resample_counts(size: int, resamples: int, seed: int) -> NDArray[np.uint16]:
    """Return how often each value is in each bootstrap resample, ``uint16[resamples, size]``.

    The draws depend on the number of values only, so tables of intervals over the same images share them.
    """
    rng = np.random.default_rng(seed)
    counts = np.empty((resamples, size), np.uint16)
    for start in range(0, resamples, CHUNK_SIZE):
        n_rows = min(CHUNK_SIZE, resamples - start)
        indices = rng.integers(0, size, (n_rows, size)) + size * np.arange(n_rows)[:, None]
        counts[start : start + n_rows] = np.bincount(indices.ravel(), minlength=n_rows * size).reshape(n_rows, size)
    return counts


@dataclass(frozen=True)
class Comparison:
    """Paired comparison of two models on the same images.

    Attributes:
        difference: Mean difference, first minus second.
        ci_low: Lower bound of its confidence interval.
        ci_high: Upper bound.
        p_value: Of Wilcoxon's signed-rank test (two-sided), uncorrected; NaN if no pair differs.
        n_pairs: Number of images compared.
        n_larger: Number of images with a larger value of the first.
        n_smaller: Number of images with a smaller value of the first.
    """

    difference: float
    ci_low: float
    ci_high: float
    p_value: float
    n_pairs: int
    n_larger: int
    n_smaller: int


def pair_defined_values(
    first: Sequence[float], second: Sequence[float], *, absent_value: float = 1.0
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the values of two models on the images where at least one is defined.

    Where only one model's metric is undefined, the expert drew no such class, that model found none either and is
    right: it gets ``absent_value``, so that dropping the image does not favour the model with the false positive.
    Images where both are undefined are excluded.

    Args:
        first: Values of the first model, one for each image, NaN where undefined.
        second: Values of the second model on the same images.
        absent_value: Value of a model that rightly finds nothing: 1 for overlaps, 0 for distances.

    Raises:
        ValueError: If the lengths differ.
    """
    first_values, second_values = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if first_values.shape != second_values.shape or first_values.ndim != 1:
        raise ValueError(
            f"Both models need one value for each image. Received: {first_values.shape} and {second_values.shape}"
        )
    is_defined = ~(np.isnan(first_values) & np.isnan(second_values))
    first_values, second_values = first_values[is_defined], second_values[is_defined]
    return np.where(np.isnan(first_values), absent_value, first_values), np.where(
        np.isnan(second_values), absent_value, second_values
    )


def compare(first: Sequence[float], second: Sequence[float], *, absent_value: float = 1.0) -> Comparison:
    """Compare two models on the same images.

    Args:
        first: Values of the first model, one for each image, NaN where undefined.
        second: Values of the second model on the same images.
        absent_value: As for :func:`pair_defined_values`.

    Raises:
        ValueError: If the lengths differ.
    """
    first_values, second_values = pair_defined_values(first, second, absent_value=absent_value)
    return compare_many([first_values - second_values])[0]


def compare_many(differences: Sequence[NDArray[np.float64]], *, intervals: int | None = None) -> list[Comparison]:
    """Return the comparisons of many pairs of models, faster than one by one.

    Args:
        differences: Of each pair, the differences on the images that count, first minus second.
        intervals: Only the first so many get an interval, by default all.
    """
    bounds = np.full((len(differences), 2), np.nan)
    indices = range(len(differences))[:intervals]
    for size in {len(differences[index]) for index in indices}:
        same = [index for index in indices if len(differences[index]) == size]
        bounds[same] = compute_confidence_intervals(np.stack([differences[index] for index in same], axis=1))
    return [
        Comparison(
            float(values.mean()) if values.size else float("nan"),
            low,
            high,
            compute_wilcoxon_p_value(values) if np.any(values) else float("nan"),
            int(values.size),
            int((values > 0).sum()),
            int((values < 0).sum()),
        )
        for values, (low, high) in zip(differences, bounds.tolist(), strict=True)
    ]


def compute_wilcoxon_p_value(differences: Sequence[float] | NDArray[np.float64]) -> float:
    """Return the two-sided p-value of Wilcoxon's signed-rank test (1945).

    Differences of 0 are excluded; ties share their mean rank. The p-value is exact up to 50 differences, a normal
    approximation beyond. SciPy has the same test, but importing it takes 45 MB.

    Args:
        differences: Paired differences, none NaN.
    """
    values = np.asarray(differences, np.float64)
    values = values[values != 0]
    _, inverse, count = np.unique(np.abs(values), return_inverse=True, return_counts=True)
    # Twice the rank, which is an integer for ties, too.
    ranks = (2 * np.cumsum(count) - count + 1)[inverse]
    total = int(ranks.sum())
    positive = int(ranks[values > 0].sum())
    statistic = min(positive, total - positive)
    if values.size > MAX_EXACT_PAIRS:
        sd = float(np.sqrt((ranks.astype(np.float64) ** 2).sum() / 4))
        return math.erfc((total / 2 - statistic) / sd / math.sqrt(2))
    n_assignments = np.zeros(total + 1)
    n_assignments[0] = 1.0
    for rank in ranks:
        n_assignments[rank:] += n_assignments[:-rank].copy()
    return min(1.0, math.ldexp(float(n_assignments[: statistic + 1].sum()), 1 - values.size))


def apply_holm_correction(p_values: Sequence[float]) -> list[float]:
    """Correct p-values for multiple testing (Holm, 1979).

    Args:
        p_values: Of one family of tests; NaN where there was nothing to test, which does not count.

    Returns:
        Corrected p-values in the same order, at most 1.
    """
    raw = np.asarray(p_values, np.float64)
    corrected = np.full(raw.shape, np.nan)
    order = [index for index in np.argsort(raw) if not np.isnan(raw[index])]
    running_max = 0.0
    for rank, index in enumerate(order):
        running_max = max(running_max, min(1.0, raw[index] * (len(order) - rank)))
        corrected[index] = running_max
    return [float(value) for value in corrected]
