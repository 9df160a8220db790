"""Which entry is best, by how much, and how sure that is: means, intervals, ranks and tests on the same images."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray

from wbcseg.evaluation.comparison import (
    MIN_IMAGES_FOR_INTERVAL,
    MetricSummary,
    PairwiseComparison,
    collect_metric,
    get_cell_types,
)
from wbcseg.evaluation.entries.entry import Entry
from wbcseg.evaluation.metric_specs import METRICS
from wbcseg.evaluation.study_result import PredictionMode
from wbcseg.metrics import (
    apply_holm_correction,
    compare_many,
    compute_average_ranks,
    compute_confidence_intervals,
)

SIGNIFICANCE: Final = 0.05

Pair = tuple[str, str]


@dataclass(frozen=True)
class Scores:
    """A metric of the images that all entries were tested on.

    Attributes:
        keys: Keys of the entries.
        image_ids: The images.
        cell_types: Their cell types, ``unknown`` without one.
        values: ``float64[images, entries]``, NaN where undefined.
        n_left_out: Number of images that only some of the entries were tested on.
    """

    keys: tuple[str, ...]
    image_ids: tuple[str, ...]
    cell_types: tuple[str, ...]
    values: NDArray[np.float64]
    n_left_out: int

    def select_type(self, cell_type: str) -> Scores:
        """Return the scores of the images of one cell type."""
        rows = [index for index, name in enumerate(self.cell_types) if name == cell_type]
        ids = tuple(self.image_ids[row] for row in rows)
        return Scores(self.keys, ids, (cell_type,) * len(rows), self.values[rows], 0)


@dataclass(frozen=True)
class RankedEntry:
    """An entry in the ranking.

    Attributes:
        key: Its key.
        title: Its title.
        summary: Mean of the metric with its interval.
        average_rank: Mean rank over the images, 1 for the best.
        is_tied: Whether it is the best, or no clear difference from the best was found.
    """

    key: str
    title: str
    summary: MetricSummary
    average_rank: float
    is_tied: bool


@dataclass(frozen=True)
class Ranking:
    """Entries from the best mean to the worst, and how they differ.

    Attributes:
        entries: The entries, best first.
        pairs: Comparison of each pair, by the keys of first and second; the better mean comes first. Only those with
            the best have an interval; :func:`compare_two` has those of others.
        n_images: Number of images.
        n_left_out: Number of images that only some of the entries were tested on.
        cliques: Entries that do not differ significantly, best average rank first; each has at least two.
    """

    entries: tuple[RankedEntry, ...]
    pairs: Mapping[Pair, PairwiseComparison]
    n_images: int
    n_left_out: int
    cliques: tuple[tuple[str, ...], ...]

    @property
    def best(self) -> RankedEntry:
        """The entry with the best mean."""
        return self.entries[0]

    @property
    def tied(self) -> tuple[RankedEntry, ...]:
        """Those that are tied with the best, without the best."""
        return tuple(entry for entry in self.entries[1:] if entry.is_tied)

    @property
    def keys(self) -> tuple[str, ...]:
        """Keys of the entries, best first."""
        return tuple(entry.key for entry in self.entries)

    def get_number(self, key: str) -> int:
        """Return an entry's place, from 1."""
        return self.keys.index(key) + 1

    def sort_by_rank(self) -> tuple[RankedEntry, ...]:
        """Return the entries by their average rank, best first."""
        return tuple(sorted(self.entries, key=lambda entry: entry.average_rank))


def collect_scores(entries: Sequence[Entry], metric: str, region: str, mode: PredictionMode) -> Scores:
    """Return a metric of the images that all entries were tested on.

    Args:
        entries: The entries.
        metric: Name of the metric.
        region: The region it is of.
        mode: Single pass or test-time averaging.
    """
    by_entry = [collect_metric(entry.result, metric, region, mode) for entry in entries]
    everywhere = {image_id for values in by_entry for image_id in values}
    shared = [image_id for image_id in by_entry[0] if all(image_id in values for values in by_entry)]
    types = get_cell_types(entries[0].result)
    table = np.array([[values[image_id] for values in by_entry] for image_id in shared], np.float64)
    return Scores(
        tuple(entry.key for entry in entries),
        tuple(shared),
        tuple(types[image_id] for image_id in shared),
        table.reshape(len(shared), len(entries)),
        len(everywhere) - len(shared),
    )


def rank_entries(scores: Scores, titles: Mapping[str, str], metric: str) -> Ranking:
    """Rank entries by the mean of a metric.

    Pairs are compared as in :func:`wbcseg.metrics.compare`, with Holm's correction for all pairs. An entry is tied with
    the best one unless the corrected p-value is below 0.05 and the interval of the difference excludes 0.

    Args:
        scores: The metric of every image.
        titles: Titles of the entries by key.
        metric: Name of the metric.
    """
    spec = METRICS[metric]
    summaries = summarise_columns(scores.values)
    sign = 1.0 if spec.lower_is_better else -1.0
    means = [sign * summary.mean for summary in summaries]
    order = sorted(range(len(scores.keys)), key=lambda index: (math.isnan(means[index]), means[index]))
    keys = [scores.keys[index] for index in order]
    values = scores.values[:, order]
    paired = _fill_absent(values, spec.absent_value)
    pairs = _compare_columns(keys, titles, paired)
    ranks = compute_average_ranks(paired[~np.isnan(paired).any(axis=1)], lower_is_better=spec.lower_is_better)
    entries = tuple(
        RankedEntry(
            key,
            titles[key],
            summaries[index],
            float(rank),
            place == 0 or pairs[keys[0], key].get_winner(spec.lower_is_better) is None,
        )
        for place, (key, index, rank) in enumerate(zip(keys, order, ranks, strict=True))
    )
    by_rank = [entry.key for entry in sorted(entries, key=lambda entry: entry.average_rank)]
    return Ranking(entries, pairs, len(scores.image_ids), scores.n_left_out, find_cliques(by_rank, pairs))


def compare_two(scores: Scores, ranking: Ranking, first: str, second: str, metric: str) -> PairwiseComparison:
    """Return the comparison of any two entries, with its interval; the better mean comes first.

    Args:
        scores: The metric of every image.
        ranking: The ranking by this metric.
        first: Key of an entry.
        second: Key of another one.
        metric: Name of the metric.
    """
    if (first, second) not in ranking.pairs:
        first, second = second, first
    pair = ranking.pairs[first, second]
    if not math.isnan(pair.comparison.ci_low):
        return pair
    values = _fill_absent(scores.values, METRICS[metric].absent_value)
    values = values[~np.isnan(values).any(axis=1)]
    difference = values[:, scores.keys.index(first)] - values[:, scores.keys.index(second)]
    ((low, high),) = compute_confidence_intervals(difference[:, None]).tolist()
    return replace(pair, comparison=replace(pair.comparison, ci_low=low, ci_high=high))


def summarise_columns(values: NDArray[np.float64]) -> list[MetricSummary]:
    """Return the summary of each column; NaN are left out, and few images have no interval.

    Args:
        values: ``float64[images, entries]``.
    """
    counts = (~np.isnan(values)).sum(axis=0)
    bounds = compute_confidence_intervals(np.where(counts >= MIN_IMAGES_FOR_INTERVAL, values, np.nan))
    summaries = []
    for column, count, (low, high) in zip(values.T, counts.tolist(), bounds.tolist(), strict=True):
        defined = column[~np.isnan(column)]
        mean = float(defined.mean()) if count else math.nan
        error = float(defined.std(ddof=1) / math.sqrt(count)) if count > 1 else math.nan
        summaries.append(MetricSummary(mean, error, low, high, count, len(column) - count))
    return summaries


def find_cliques(by_rank: Sequence[str], pairs: Mapping[Pair, PairwiseComparison]) -> tuple[tuple[str, ...], ...]:
    """Return the longest runs of neighbours in rank of which no two differ significantly (Demšar, 2006).

    Args:
        by_rank: Keys by average rank, best first.
        pairs: Comparison of each pair.
    """

    def differ(first: str, second: str) -> bool:
        pair = pairs.get((first, second)) or pairs[second, first]
        return pair.corrected_p < SIGNIFICANCE

    cliques: list[tuple[str, ...]] = []
    last_end = 0
    for start in range(len(by_rank)):
        end = start + 1
        while end < len(by_rank) and not any(differ(by_rank[index], by_rank[end]) for index in range(start, end)):
            end += 1
        if end - start > 1 and end > last_end:
            cliques.append(tuple(by_rank[start:end]))
            last_end = end
    return tuple(cliques)


def _fill_absent(values: NDArray[np.float64], absent_value: float) -> NDArray[np.float64]:
    """Give those that rightly find nothing their value, where others find something that is not there."""
    has_value = ~np.isnan(values).all(axis=1, keepdims=True)
    return np.where(np.isnan(values) & has_value, absent_value, values)


def _compare_columns(
    keys: Sequence[str], titles: Mapping[str, str], values: NDArray[np.float64]
) -> dict[Pair, PairwiseComparison]:
    values = values[~np.isnan(values).any(axis=1)]
    index_pairs = list(combinations(range(len(keys)), 2))
    if not index_pairs:
        return {}
    # The pairs with the best come first. All intervals would take most of the time that a reader waits for.
    comparisons = compare_many(
        [values[:, first] - values[:, second] for first, second in index_pairs], intervals=len(keys) - 1
    )
    corrected = apply_holm_correction([comparison.p_value for comparison in comparisons])
    return {
        (keys[first], keys[second]): PairwiseComparison(titles[keys[first]], titles[keys[second]], comparison, p)
        for (first, second), comparison, p in zip(index_pairs, comparisons, corrected, strict=True)
    }
