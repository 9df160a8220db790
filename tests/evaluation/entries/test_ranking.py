"""Rankings: who is best, ties, ranks and critical differences, by hand and against the comparison of pairs."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from comparison_results import ERRORS, make_entry, make_many, write_entries
from scipy.stats import rankdata

from wbcseg.evaluation import comparison
from wbcseg.evaluation.comparison import PairwiseComparison
from wbcseg.evaluation.entries.entry import Entry, build_groups, read_results, title_entries
from wbcseg.evaluation.entries.ranking import Ranking, collect_scores, compare_two, find_cliques, rank_entries
from wbcseg.evaluation.study_result import CrossValidationResult
from wbcseg.metrics import (
    Comparison,
    compute_average_ranks,
    compute_confidence_interval,
    compute_confidence_intervals,
)

MAX_SECONDS = 1.5
"""Processor time until the first chart of page Compare can be drawn."""


def make_entries(*architectures: str, **changes: Any) -> tuple[Entry, ...]:
    results = {name: CrossValidationResult.from_dict(make_entry(name, **changes)) for name in architectures}
    return title_entries(results)


def rank(entries: tuple[Entry, ...], metric: str = "dice") -> Ranking:
    scores = collect_scores(entries, metric, "cytoplasm", "single")
    return rank_entries(scores, {entry.key: entry.title for entry in entries}, metric)


def test_the_best_mean_comes_first_for_scores_and_for_distances() -> None:
    entries = make_entries("segnet", "linear_svm", "unet", "random_forest", n_images=100)
    expected = sorted((entry.key for entry in entries), key=ERRORS.__getitem__)
    for metric in ("dice", "hausdorff_95"):
        ranking = rank(entries, metric)
        assert list(ranking.keys) == expected
        assert [entry.average_rank for entry in ranking.entries] == sorted(e.average_rank for e in ranking.entries)
        assert not ranking.entries[-1].is_tied
        assert ranking.get_number(expected[1]) == 2


def test_pairs_are_those_of_the_comparison_of_two() -> None:
    entries = make_entries("unet", "segnet", "linear_svm", n_images=80)
    ranking = rank(entries)
    by_key = {entry.key: entry for entry in entries}
    ordered = [by_key[key].result for key in ranking.keys]
    scores = collect_scores(entries, "dice", "cytoplasm", "single")
    pairs = [compare_two(scores, ranking, first, second, "dice") for first, second in ranking.pairs]
    assert pairs == [compare_two(scores, ranking, second, first, "dice") for first, second in ranking.pairs]
    for pair, expected in zip(pairs, comparison.compare_pairs(ordered, "dice", "cytoplasm"), strict=True):
        assert pair.comparison.n_pairs == expected.comparison.n_pairs == 80
        assert pair.corrected_p == pytest.approx(expected.corrected_p, rel=1e-9)
        for name in ("difference", "ci_low", "ci_high", "n_larger"):
            assert getattr(pair.comparison, name) == pytest.approx(getattr(expected.comparison, name), abs=1e-12)


def test_an_entry_that_cannot_be_told_from_the_best_is_tied_with_it() -> None:
    first, second = make_entries("unet", "segnet", error=0.05, n_images=60)
    ranking = rank((first, second))
    assert ranking.entries[1].is_tied
    assert len(ranking.cliques) == 1
    assert set(ranking.cliques[0]) == {"unet", "segnet"}
    clear = rank(make_entries("unet", "linear_svm", n_images=60))
    assert not clear.tied
    assert not clear.cliques


def test_only_images_that_all_were_tested_on_are_compared() -> None:
    first, _ = make_entries("unet", "segnet", n_images=50)
    fold = first.result.select_training(2)
    ranking = rank((first, Entry("run:mine", "mine", fold, is_own=True)))
    assert (ranking.n_images, ranking.n_left_out) == (10, 40)
    # Compared with itself: no difference, and no p-value.
    (pair,) = ranking.pairs.values()
    assert (pair.comparison.difference, math.isnan(pair.corrected_p)) == (0.0, True)
    assert ranking.entries[1].is_tied


def make_pairs(keys: str, different: set[str]) -> dict[tuple[str, str], PairwiseComparison]:
    same = Comparison(0.0, -1.0, 1.0, 0.5, 9, 4, 4)
    return {
        (a, b): PairwiseComparison(a, b, same, 0.01 if a + b in different else 0.5)
        for i, a in enumerate(keys)
        for b in keys[i + 1 :]
    }


def test_bars_join_the_longest_runs_without_a_significant_difference() -> None:
    pairs = make_pairs("abcd", {"ad", "ac"})
    assert find_cliques("abcd", pairs) == (("a", "b"), ("b", "c", "d"))
    assert find_cliques("abcd", make_pairs("abcd", set())) == (("a", "b", "c", "d"),)
    # A pair that differs inside a run ends it, whatever its ends say.
    assert find_cliques("abc", make_pairs("abc", {"bc"})) == (("a", "b"),)
    assert find_cliques("abc", make_pairs("abc", {"ab", "bc", "ac"})) == ()


def test_average_ranks_share_ties_as_in_scipy() -> None:
    values = np.array([[0.9, 0.8, 0.9], [0.5, 0.7, 0.6]])
    assert compute_average_ranks(values).tolist() == [2.25, 2.0, 1.75]
    many = np.random.default_rng(3).integers(0, 5, (40, 6)).astype(float)
    assert np.allclose(compute_average_ranks(many), rankdata(-many, axis=1).mean(axis=0))
    assert np.allclose(compute_average_ranks(many, lower_is_better=True), rankdata(many, axis=1).mean(axis=0))


def test_many_intervals_are_those_of_one_column_at_a_time() -> None:
    columns = np.random.default_rng(8).normal(0.9, 0.03, (60, 4))
    columns[:5, 2] = np.nan
    columns[:, 3] = np.nan
    bounds = compute_confidence_intervals(columns)
    for column, pair in zip(columns.T, bounds, strict=True):
        assert np.allclose(pair, compute_confidence_interval(column), equal_nan=True)
    assert np.isnan(compute_confidence_intervals(columns[:1])).all()


@pytest.mark.timing
def test_a_ranking_of_many_entries_does_not_keep_a_reader_waiting(tmp_path: Path) -> None:
    write_entries(tmp_path, make_many())
    start = time.process_time()
    (group,) = build_groups(read_results(sorted(tmp_path.iterdir()))).values()
    ranking = rank(group.entries)
    assert time.process_time() - start < MAX_SECONDS
    assert len(ranking.pairs) == len(group.entries) * (len(group.entries) - 1) / 2
