"""Bland-Altman agreement of measurements from computed masks with those from experts' masks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

Z_95: Final = 1.96
"""Standard deviations on either side that hold 95% of normally distributed differences."""


@dataclass(frozen=True)
class BlandAltman:
    """Agreement of two methods of measurement (Bland and Altman 1986, Lancet 327:307–310).

    Attributes:
        n: Number of pairs.
        bias: Mean difference, computed minus expert.
        sd: Standard deviation of the differences (n − 1).
        mean_absolute_error: Mean absolute difference.
        fraction_equal: Fraction of equal pairs.
    """

    n: int
    bias: float
    sd: float
    mean_absolute_error: float
    fraction_equal: float

    @property
    def limits(self) -> tuple[float, float]:
        """Limits of agreement, which hold about 95% of the differences."""
        return self.bias - Z_95 * self.sd, self.bias + Z_95 * self.sd


def compute_bland_altman(expert: Sequence[float], computed: Sequence[float]) -> BlandAltman:
    """Compare measurements by two methods.

    Args:
        expert: Values from the experts' masks.
        computed: Values from the computed masks, of the same cells in the same order. Pairs with an undefined value
            (NaN) are excluded.

    Raises:
        ValueError: If the numbers of values differ, or fewer than two pairs are defined.
    """
    expert_values, computed_values = np.asarray(expert, float), np.asarray(computed, float)
    if expert_values.shape != computed_values.shape:
        raise ValueError(
            f"`expert` and `computed` must be equally long. Received: {expert_values.size} and {computed_values.size}"
        )
    is_defined = np.isfinite(expert_values) & np.isfinite(computed_values)
    difference = (computed_values - expert_values)[is_defined]
    if difference.size < 2:
        raise ValueError(f"At least two defined pairs are needed. Received: {difference.size}")
    return BlandAltman(
        n=int(difference.size),
        bias=float(difference.mean()),
        sd=float(difference.std(ddof=1)),
        mean_absolute_error=float(np.abs(difference).mean()),
        fraction_equal=float((difference == 0).mean()),
    )
