"""Statistics of counts: intervals of proportions and of their differences, and the agreement of two readers."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

Z_95: Final = 1.959963984540054
"""The normal distribution's quantile for a two-sided level of 95 %."""

Interval = tuple[float, float]
"""Lower and upper bound."""


def compute_wilson_interval(count: int, total: int, *, z: float = Z_95) -> Interval:
    """Return the score interval of a proportion (Wilson, 1927); NaN without observations.

    Args:
        count: Observations that have the property.
        total: All observations.
        z: Quantile of the normal distribution for the level.

    Raises:
        ValueError: If the count is not within 0 and the total.

    Example:
        >>> low, high = compute_wilson_interval(5, 100)
        >>> round(low, 4), round(high, 4)
        (0.0215, 0.1118)
    """
    if not 0 <= count <= total:
        raise ValueError(f"Argument `count` must be within 0 and {total}. Received: {count}")
    if not total:
        return math.nan, math.nan
    fraction, spread = count / total, z * z / total
    centre = (fraction + spread / 2) / (1 + spread)
    half = z / (1 + spread) * math.sqrt(fraction * (1 - fraction) / total + spread / (4 * total))
    # Exact at the ends, where rounding would leave 1e-19.
    return (0.0 if count == 0 else centre - half), (1.0 if count == total else centre + half)


def compute_difference_interval(first: tuple[int, int], second: tuple[int, int], *, z: float = Z_95) -> Interval:
    """Return the interval of the difference of two independent proportions (Newcombe, 1998, method 10).

    Args:
        first: Count and total of the first group.
        second: Count and total of the second one; its proportion is subtracted.
        z: Quantile of the normal distribution for the level.

    Returns:
        Lower and upper bound of the difference, -1 to 1; NaN if a group is empty.
    """
    if not first[1] or not second[1]:
        return math.nan, math.nan
    (low1, high1), (low2, high2) = (compute_wilson_interval(*group, z=z) for group in (first, second))
    fraction1, fraction2 = (count / total for count, total in (first, second))
    difference = fraction1 - fraction2
    return (
        difference - math.hypot(fraction1 - low1, high2 - fraction2),
        difference + math.hypot(high1 - fraction1, fraction2 - low2),
    )


def compute_kappa(confusion: NDArray[np.integer]) -> tuple[float, Interval]:
    """Return Cohen's kappa (1960) and its 95 % interval, with the standard error of Fleiss, Cohen and Everitt (1969).

    Args:
        confusion: ``int[K, K]``: how often the first reader chose the row's category and the second one the column's.

    Returns:
        Kappa, and lower and upper bound. NaN without observations, or if both readers chose the same single category,
        where agreement beyond chance is not defined.

    Raises:
        ValueError: If the table is not square, or a count is negative.
    """
    counts = np.asarray(confusion, np.float64)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or (counts < 0).any():
        raise ValueError(f"Argument `confusion` must be a square table of counts. Received: {counts.shape}")
    total = counts.sum()
    undefined = math.nan, (math.nan, math.nan)
    if not total:
        return undefined
    fractions = counts / total
    rows, columns = fractions.sum(axis=1), fractions.sum(axis=0)
    observed, expected = float(np.trace(fractions)), float(rows @ columns)
    if expected >= 1.0:
        return undefined
    kappa = (observed - expected) / (1 - expected)
    diagonal = np.diag(fractions)
    agreed = float(diagonal @ (1 - (rows + columns) * (1 - kappa)) ** 2)
    # The chance that the first reader chose the column's category and the second one the row's.
    crossed = columns[:, None] + rows[None, :]
    off_diagonal = ~np.eye(len(rows), dtype=np.bool_)
    disagreed = (1 - kappa) ** 2 * float((fractions * crossed**2)[off_diagonal].sum())
    chance = (kappa - expected * (1 - kappa)) ** 2
    error = math.sqrt(max(0.0, agreed + disagreed - chance) / total) / (1 - expected)
    return kappa, (max(-1.0, kappa - Z_95 * error), min(1.0, kappa + Z_95 * error))
