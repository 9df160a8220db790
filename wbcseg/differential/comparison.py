"""Compare two samples, or two readers of the same cells."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from wbcseg.differential.counts import Differential
from wbcseg.differential.names import TYPE_NAMES
from wbcseg.metrics.proportions import Interval, compute_difference_interval, compute_kappa, compute_wilson_interval
from wbcseg.results import CellResult

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True)
class TypeDifference:
    """How the share of one type differs between two samples.

    Attributes:
        type: The type.
        difference: Percentage in the first sample minus that in the second, in percentage points; NaN if one of them
            is empty.
        low: Lower bound of its 95 % interval (Newcombe).
        high: Upper bound.
    """

    type: str
    difference: float
    low: float
    high: float

    @property
    def is_clear(self) -> bool:
        """Whether the interval excludes 0: chance alone hardly explains the difference."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True)
class SampleComparison:
    """Two samples side by side.

    Attributes:
        first: The first sample.
        second: The second one.
        differences: The difference of each type, in the order of the counts.
    """

    first: Differential
    second: Differential
    differences: tuple[TypeDifference, ...]


@dataclass(frozen=True)
class ReaderComparison:
    """How far two readers agree on the types of the same cells.

    Attributes:
        names: What the readers are called.
        types: The types that either of them chose, in the order of rows and columns.
        confusion: How often the first reader chose the row's type and the second one the column's.
        total: Cells to which both gave a type.
        agreed: Cells to which both gave the same type.
        agreement: Fraction of cells on which they agree; NaN without cells.
        agreement_interval: Its 95 % interval (Wilson).
        kappa: Cohen's kappa: agreement beyond chance, at most 1; NaN where it is not defined.
        kappa_interval: Its 95 % interval.
        left_out: Cells to which only one or neither of them gave a type.
    """

    names: tuple[str, str]
    types: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]
    total: int
    agreed: int
    agreement: float
    agreement_interval: Interval
    kappa: float
    kappa_interval: Interval
    left_out: int


def compare_samples(first: Differential, second: Differential) -> SampleComparison:
    """Return how the shares of the types differ between two samples.

    Args:
        first: The first sample.
        second: The second one, with other cells.
    """
    differences = []
    for one, other in zip(first.types, second.types, strict=True):
        low, high = compute_difference_interval((one.count, first.total), (other.count, second.total))
        differences.append(TypeDifference(one.type, one.percent - other.percent, 100 * low, 100 * high))
    return SampleComparison(first, second, tuple(differences))


def compare_readers(
    first: Mapping[Key, str], second: Mapping[Key, str], names: tuple[str, str] = ("Reader 1", "Reader 2")
) -> ReaderComparison:
    """Return how far two readers agree.

    Args:
        first: The first reader's types by cell. A cell that is unsure or has no type is left out.
        second: The second reader's.
        names: What the readers are called.
    """
    cells = dict.fromkeys((*first, *second))
    pairs = [(first.get(cell, ""), second.get(cell, "")) for cell in cells]
    typed = [pair for pair in pairs if pair[0] in TYPE_NAMES and pair[1] in TYPE_NAMES]
    types = tuple(name for name in TYPE_NAMES if any(name in pair for pair in typed))
    confusion = np.zeros((len(types), len(types)), np.int64)
    for one, other in typed:
        confusion[types.index(one), types.index(other)] += 1
    agreed = int(np.trace(confusion))
    kappa, kappa_interval = compute_kappa(confusion)
    return ReaderComparison(
        names,
        types,
        tuple(tuple(map(int, row)) for row in confusion),
        len(typed),
        agreed,
        agreed / len(typed) if typed else math.nan,
        compute_wilson_interval(agreed, len(typed)),
        kappa,
        kappa_interval,
        len(pairs) - len(typed),
    )


def compare_with_model(cells: Iterable[CellResult]) -> ReaderComparison:
    """Return how far a person agrees with the type model, on the cells that the person gave a type.

    Args:
        cells: The cells.
    """
    reviewed = {index: cell for index, cell in enumerate(cells) if cell.assigned_type}
    return compare_readers(
        {index: cell.predicted_type for index, cell in reviewed.items()},
        {index: cell.assigned_type for index, cell in reviewed.items()},
        ("Type model", "Person"),
    )
