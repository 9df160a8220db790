"""Comparing networks: a few images by hand, and against SciPy."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sample_runs import ENVIRONMENT
from scipy.stats import wilcoxon

from wbcseg.evaluation import comparison
from wbcseg.evaluation.metric_specs import METRICS
from wbcseg.evaluation.study_result import StudyResult, TestedImage


def scores(nucleus: float | None, distance: float | None = 1.0) -> dict[str, Any]:
    regions = ("background", "cytoplasm", "cell")
    shares = {**dict.fromkeys(regions, 0.9), "nucleus": nucleus}
    distances = {"cytoplasm": 1.0, "cell": 1.0, "nucleus": distance}
    surface = {"cytoplasm": 0.9, "cell": 0.9, "nucleus": nucleus}
    return {"accuracy": 0.95, "dice": shares, "surface_dice": surface, "hausdorff_95": distances}


def make_result(title: str, numbers: list[float | None]) -> StudyResult:
    types = ["neutrophil", "lymphocyte", None]
    images = tuple(
        TestedImage(
            f"made/{i:03}",
            types[i % 3],
            i % 2,
            single=scores(number),
            tta=scores(None if number is None else min(1.0, number + 0.01)),
        )
        for i, number in enumerate(numbers)
    )
    return StudyResult(
        study="made",
        architecture=title.lower(),
        title=title,
        parameters=1,
        config={},
        environment=ENVIRONMENT,
        images=images,
    )


RNG = np.random.default_rng(5)
GOOD = [float(v) for v in RNG.uniform(0.9, 1.0, 40)]
WORSE = [v - 0.02 - float(d) for v, d in zip(GOOD, RNG.uniform(0, 0.02, 40), strict=True)]
SAME = [v + float(d) for v, d in zip(GOOD, RNG.normal(0, 0.01, 40), strict=True)]


def test_pairs_are_compared_image_by_image_and_corrected_for_their_number() -> None:
    pairs = comparison.compare_pairs(
        [make_result("A", GOOD), make_result("B", WORSE), make_result("C", SAME)], "dice", "nucleus"
    )
    assert [(pair.first, pair.second) for pair in pairs] == [("A", "B"), ("A", "C"), ("B", "C")]
    by_hand = [wilcoxon(np.subtract(a, b)).pvalue for a, b in ((GOOD, WORSE), (GOOD, SAME), (WORSE, SAME))]
    assert [pair.comparison.p_value for pair in pairs] == pytest.approx(by_hand)
    assert pairs[0].corrected_p == pytest.approx(min(1.0, by_hand[0] * 3)) or pairs[2].corrected_p == pytest.approx(
        by_hand[2] * 3
    )
    assert pairs[1].corrected_p == pytest.approx(by_hand[1])
    assert pairs[0].comparison.difference == pytest.approx(np.mean(np.subtract(GOOD, WORSE)))
    assert pairs[0].get_winner(lower_is_better=False) == "A"
    assert pairs[0].get_winner(lower_is_better=True) == "B"
    assert pairs[1].get_winner(lower_is_better=False) is None


def test_only_images_that_both_networks_have_are_compared() -> None:
    other = make_result("B", WORSE)
    other = replace(other, images=other.images[5:30])
    (pair,) = comparison.compare_pairs([make_result("A", GOOD), other], "dice", "nucleus")
    assert pair.comparison.n_pairs == 25
    assert pair.comparison.difference == pytest.approx(np.mean(np.subtract(GOOD, WORSE)[5:30]))


def test_an_image_where_only_one_network_has_a_false_positive_counts() -> None:
    """The expert drew no nucleus in the last image; one network found one, the other did not."""
    (pair,) = comparison.compare_pairs(
        [make_result("A", [0.9, 0.9, None]), make_result("B", [0.9, 0.9, 0.0])], "dice", "nucleus"
    )
    assert pair.comparison.n_pairs == 3
    assert pair.comparison.difference == pytest.approx(1 / 3)


def test_a_summary_has_the_number_of_images_that_count() -> None:
    summary = comparison.summarise_values([*GOOD, math.nan])
    assert (summary.n_images, summary.n_undefined) == (40, 1)
    assert summary.mean == pytest.approx(np.mean(GOOD))
    assert summary.standard_error == pytest.approx(np.std(GOOD, ddof=1) / np.sqrt(40))
    assert summary.ci_low < summary.mean < summary.ci_high
    few = comparison.summarise_values(GOOD[:9])
    assert math.isnan(few.ci_low)


def test_cell_types_are_sorted_by_number_of_images() -> None:
    groups = comparison.summarise_by_cell_type(make_result("A", [*GOOD[:7]]), "dice", "nucleus")
    assert {name: summary.n_images for name, summary in groups.items()} == {
        "neutrophil": 3,
        "lymphocyte": 2,
        "unknown": 2,
    }
    assert next(iter(groups)) == "neutrophil"
    assert groups["neutrophil"].mean == pytest.approx(np.mean([GOOD[0], GOOD[3], GOOD[6]]))


def test_an_image_tested_twice_counts_once() -> None:
    twice = make_result("A", [0.8, 0.9])
    twice = replace(twice, images=(*twice.images, replace(twice.images[0], single=scores(1.0))))
    assert comparison.collect_metric(twice, "dice", "nucleus") == {"made/000": pytest.approx(0.9), "made/001": 0.9}


def test_the_hardest_images_come_first_and_undefined_ones_last() -> None:
    both = {"a": make_result("A", [0.9, None, 0.7, 0.95]), "b": make_result("B", [0.5, None, 0.99, 0.96])}
    rows = comparison.rank_hardest(both, "dice", "nucleus")
    assert [row.id for row in rows] == ["made/000", "made/002", "made/003", "made/001"]
    assert rows[0].scores == {"a": 0.9, "b": 0.5}
    far = make_result("A", [0.9, 0.9])
    far = replace(far, images=(far.images[0], replace(far.images[1], single=scores(0.9, distance=12.0))))
    assert comparison.rank_hardest({"a": far}, "hausdorff_95", "nucleus")[0].id == "made/001"


def test_a_metric_that_a_result_does_not_have_is_not_available() -> None:
    old = make_result("A", GOOD)
    images = tuple(replace(image, single={"accuracy": 0.9, "dice": image.single["dice"]}) for image in old.images)
    names = [metric.name for metric in comparison.list_available_metrics([old, replace(old, images=images)])]
    assert names == ["dice", "jaccard", "macro_dice", "accuracy"]


def test_two_results_are_compared_first_minus_second() -> None:
    effect = comparison.compare_results(make_result("A", GOOD), make_result("A", WORSE), "dice", "nucleus")
    assert effect.difference > 0.02
    assert effect.ci_low > 0.0


def test_the_score_table_has_every_metric_of_every_image() -> None:
    rows = list(comparison.build_score_rows([make_result("A", [0.9, None])]))
    header, first, second, third, _ = rows
    assert len(rows) == 5
    assert len(header) == 5 + sum(len(metric.regions) for metric in METRICS.values())
    assert first[:5] == ["A", "made/000", "neutrophil", "0", "single"]
    assert second[4] == "tta"
    assert first[header.index("dice_nucleus")] == "0.90000"
    assert second[header.index("dice_nucleus")] == "0.91000"
    assert third[header.index("dice_nucleus")] == ""


def test_the_comparison_table_has_every_metric_mode_and_pair() -> None:
    results = [make_result("A", GOOD), make_result("B", WORSE), make_result("C", SAME)]
    rows = list(comparison.build_comparison_rows(results))
    n_metrics = sum(len(metric.regions) for metric in comparison.list_available_metrics(results))
    assert len(rows) == 1 + n_metrics * 2 * 3
    assert all(len(row) == len(rows[0]) for row in rows)
    assert rows[1][:5] == ["dice", "nucleus", "single", "A", "B"]
    assert float(rows[1][5]) == pytest.approx(np.mean(np.subtract(GOOD, WORSE)), abs=1e-5)
