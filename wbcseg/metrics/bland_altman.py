"""How well figures from computed masks agree with those from experts' masks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

Z_95: Final = 1.96
"""Standard deviations to either side in which 95 of 100 differences lie, if they are normally distributed."""


@dataclass(frozen=True)
class BlandAltman:
    """Agreement of two ways to measure (Bland and Altman 1986, Lancet 327:307–310).

    Attributes:
        n: Pairs of figures.
        bias: Mean difference, computed minus expert's.
        sd: Standard deviation of the differences (with n − 1).
        mean_absolute_error: Mean size of the difference.
        fraction_equal: Share of pairs that are equal.
    """

    n: int
    bias: float
    sd: float
    mean_absolute_error: float
    fraction_equal: float

    @property
    def limits(self) -> tuple[float, float]:
        """Limits of agreement: about 95 of 100 differences lie between them."""
        return self.bias - Z_95 * self.sd, self.bias + Z_95 * self.sd


def compute_bland_altman(expert: Sequence[float], computed: Sequence[float]) -> BlandAltman:
    """Compare two ways to measure.

    Args:
        expert: Figures from the experts' masks.
        computed: Figures from the computed masks, of the same cells in the same order. A pair in which either is not
            defined (NaN) does not count.

    Raises:
        ValueError: If they differ in number, or fewer than two pairs count.
    """
    expert_values, computed_values = np.asarray(expert, float), np.asarray(computed, float)
    if expert_values.shape != computed_values.shape:
        raise ValueError(f"Both must have as many figures. Received: {expert_values.size} and {computed_values.size}")
    is_defined = np.isfinite(expert_values) & np.isfinite(computed_values)
    difference = (computed_values - expert_values)[is_defined]
    if difference.size < 2:
        raise ValueError(f"At least two pairs of figures are needed. Received: {difference.size}")
    return BlandAltman(
        n=int(difference.size),
        bias=float(difference.mean()),
        sd=float(difference.std(ddof=1)),
        mean_absolute_error=float(np.abs(difference).mean()),
        fraction_equal=float((difference == 0).mean()),
    )
