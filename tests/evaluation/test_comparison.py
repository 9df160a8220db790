"""Which is better, by how much and how sure: by hand on few pictures, and against SciPy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy.stats import wilcoxon

from wbcseg.evaluation import comparison
from wbcseg.evaluation.metric_specs import METRICS


def scores(nucleus: float | None, distance: float | None = 1.0) -> dict[str, Any]:
    regions = ("background", "cytoplasm", "cell")
    shares = {**dict.fromkeys(regions, 0.9), "nucleus": nucleus}
    distances = {"cytoplasm": 1.0, "cell": 1.0, "nucleus": distance}
    surface = {"cytoplasm": 0.9, "cell": 0.9, "nucleus": nucleus}
    return {"accuracy": 0.95, "dice": shares, "surface_dice": surface, "hausdorff_95": distances}


def result(title: str, numbers: list[float | None], **more: Any) -> dict[str, Any]:
    types = ["neutrophil", "lymphocyte", None]
    return {
        "title": title,
        "images": [
            {
                "id": f"made/{i:03}",
                "cell_type": types[i % 3],
                "training": i % 2,
                "single": scores(number),
                "careful": scores(None if number is None else min(1.0, number + 0.01)),
            }
            for i, number in enumerate(numbers)
        ],
        **more,
    }


RNG = np.random.default_rng(5)
GOOD = [float(v) for v in RNG.uniform(0.9, 1.0, 40)]
WORSE = [v - 0.02 - float(d) for v, d in zip(GOOD, RNG.uniform(0, 0.02, 40), strict=True)]
SAME = [v + float(d) for v, d in zip(GOOD, RNG.normal(0, 0.01, 40), strict=True)]


def test_pairs_are_paired_by_picture_and_corrected_for_their_number() -> None:
    found = comparison.compare_pairs([result("A", GOOD), result("B", WORSE), result("C", SAME)], "dice", "nucleus")
    assert [(one.first, one.second) for one in found] == [("A", "B"), ("A", "C"), ("B", "C")]
    by_hand = [wilcoxon(np.subtract(a, b)).pvalue for a, b in ((GOOD, WORSE), (GOOD, SAME), (WORSE, SAME))]
    assert [one.comparison.p_value for one in found] == pytest.approx(by_hand)
    assert found[0].corrected_p == pytest.approx(min(1.0, by_hand[0] * 3)) or found[2].corrected_p == pytest.approx(
        by_hand[2] * 3
    )
    assert found[1].corrected_p == pytest.approx(by_hand[1])
    assert found[0].comparison.difference == pytest.approx(np.mean(np.subtract(GOOD, WORSE)))
    assert found[0].get_winner(lower_is_better=False) == "A"
    assert found[0].get_winner(lower_is_better=True) == "B"
    assert found[1].get_winner(lower_is_better=False) is None


def test_only_pictures_that_both_have_are_compared() -> None:
    other = result("B", WORSE)
    other["images"] = other["images"][5:30]
    (pair,) = comparison.compare_pairs([result("A", GOOD), other], "dice", "nucleus")
    assert pair.comparison.n_pairs == 25
    assert pair.comparison.difference == pytest.approx(np.mean(np.subtract(GOOD, WORSE)[5:30]))


def test_a_network_that_rightly_finds_nothing_is_not_left_out() -> None:
    """The expert drew no nucleus in the last picture; one network found one, the other did not."""
    (pair,) = comparison.compare_pairs([result("A", [0.9, 0.9, None]), result("B", [0.9, 0.9, 0.0])], "dice", "nucleus")
    assert pair.comparison.n_pairs == 3
    assert pair.comparison.difference == pytest.approx(1 / 3)


def test_a_summary_says_how_many_pictures_count() -> None:
    one = comparison.summarise_values([*GOOD, math.nan])
    assert (one.n_images, one.n_undefined) == (40, 1)
    assert one.mean == pytest.approx(np.mean(GOOD))
    assert one.standard_error == pytest.approx(np.std(GOOD, ddof=1) / np.sqrt(40))
    assert one.ci_low < one.mean < one.ci_high
    few = comparison.summarise_values(GOOD[:9])
    assert math.isnan(few.ci_low)


def test_cell_types_the_commonest_first() -> None:
    groups = comparison.summarise_by_cell_type(result("A", [*GOOD[:7]]), "dice", "nucleus")
    assert {name: one.n_images for name, one in groups.items()} == {"neutrophil": 3, "lymphocyte": 2, "unknown": 2}
    assert next(iter(groups)) == "neutrophil"
    assert groups["neutrophil"].mean == pytest.approx(np.mean([GOOD[0], GOOD[3], GOOD[6]]))


def test_a_picture_tested_twice_counts_once() -> None:
    twice = result("A", [0.8, 0.9])
    twice["images"].append({**twice["images"][0], "single": scores(1.0)})
    assert comparison.collect_metric(twice, "dice", "nucleus") == {"made/000": pytest.approx(0.9), "made/001": 0.9}


def test_the_worst_pictures_come_first_and_undefined_ones_last() -> None:
    both = [result("A", [0.9, None, 0.7, 0.95]), result("B", [0.5, None, 0.99, 0.96])]
    rows = comparison.rank_hardest(both, "dice", "nucleus")
    assert [row.id for row in rows] == ["made/000", "made/002", "made/003", "made/001"]
    assert rows[0].metric_by_model == {"A": 0.9, "B": 0.5}
    far = result("A", [0.9, 0.9])
    far["images"][1]["single"] = scores(0.9, distance=12.0)
    assert comparison.rank_hardest([far], "hausdorff_95", "nucleus")[0].id == "made/001"


def test_what_a_leak_adds_is_with_minus_without() -> None:
    worth = comparison.compare_results(result("A", GOOD), result("A", WORSE), "dice", "nucleus")
    assert worth.difference > 0.02
    assert worth.ci_low > 0.0


def test_the_table_has_every_figure_of_every_picture() -> None:
    rows = list(comparison.build_score_rows([result("A", [0.9, None])]))
    header, first, second, third, _ = rows
    assert len(rows) == 5
    assert len(header) == 5 + sum(len(figure.regions) for figure in METRICS.values())
    assert first[:5] == ["A", "made/000", "neutrophil", "0", "one look"]
    assert second[4] == "careful"
    assert first[header.index("dice, nucleus")] == "0.90000"
    assert second[header.index("dice, nucleus")] == "0.91000"
    assert third[header.index("dice, nucleus")] == ""


def test_the_table_of_pairs_has_every_figure_and_look() -> None:
    rows = list(comparison.build_comparison_rows([result("A", GOOD), result("B", WORSE), result("C", SAME)]))
    kinds = sum(len(figure.regions) for figure in METRICS.values())
    assert len(rows) == 1 + kinds * 2 * 3
    assert all(len(row) == len(rows[0]) for row in rows)
    assert rows[1][:5] == ["dice", "nucleus", "one look", "A", "B"]
    assert float(rows[1][5]) == pytest.approx(np.mean(np.subtract(GOOD, WORSE)), abs=1e-5)
