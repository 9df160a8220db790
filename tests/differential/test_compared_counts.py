"""Two samples, or two readers."""

from __future__ import annotations

import math

import pytest
from cells_with_types import make_cell, make_cells

from wbcseg.differential import compare_readers, compare_samples, compare_with_model, count_types


def test_two_samples() -> None:
    # The shares are those of Newcombe's example: 56 of 70 and 48 of 80.
    first = count_types(make_cells(neutrophil=56, lymphocyte=14), sample="A")
    second = count_types(make_cells(neutrophil=48, lymphocyte=32), sample="B")
    comparison = compare_samples(first, second)
    neutrophils, *_ = comparison.differences
    assert neutrophils.difference == pytest.approx(20.0)
    assert (neutrophils.low, neutrophils.high) == pytest.approx((5.24, 33.39), abs=5e-3)
    assert neutrophils.is_clear
    basophils = comparison.differences[2]
    assert (basophils.difference, basophils.is_clear) == (0.0, False)


def test_an_empty_sample_differs_in_nothing() -> None:
    comparison = compare_samples(count_types(make_cells(neutrophil=5)), count_types([]))
    assert all(math.isnan(item.difference) and not item.is_clear for item in comparison.differences)


def test_two_readers() -> None:
    first = {1: "neutrophil", 2: "neutrophil", 3: "lymphocyte", 4: "lymphocyte", 5: "unsure", 6: "monocyte"}
    second = {1: "neutrophil", 2: "lymphocyte", 3: "lymphocyte", 4: "lymphocyte", 5: "basophil", 7: "monocyte"}
    result = compare_readers(first, second, ("A", "B"))
    assert result.names == ("A", "B")
    assert result.types == ("neutrophil", "lymphocyte")
    assert result.confusion == ((1, 1), (0, 2))
    # Cell 5 is unsure, cell 6 and cell 7 were seen by one of them.
    assert (result.total, result.agreed, result.agreement, result.left_out) == (4, 3, 0.75, 3)
    # Expected by chance: 0.5 × 0.25 + 0.5 × 0.75.
    assert result.kappa == pytest.approx((0.75 - 0.5) / 0.5)
    assert result.agreement_interval == pytest.approx((0.3006, 0.9544), abs=5e-5)


def test_readers_without_a_cell_in_common() -> None:
    result = compare_readers({1: "neutrophil"}, {2: "neutrophil"})
    assert (result.total, result.types, result.left_out) == (0, (), 2)
    assert math.isnan(result.agreement)
    assert math.isnan(result.kappa)


def test_the_person_is_compared_with_the_model_on_reviewed_cells() -> None:
    cells = [
        *make_cells(neutrophil=5),
        make_cell("neutrophil", "eosinophil"),
        make_cell("eosinophil", "eosinophil"),
        make_cell("unsure", "monocyte"),
    ]
    result = compare_with_model(cells)
    assert (result.total, result.agreed, result.left_out) == (2, 1, 1)
    assert result.types == ("neutrophil", "eosinophil")
    assert result.confusion == ((0, 1), (0, 1))
