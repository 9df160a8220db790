"""Which network is better, by how much, and how sure one can be of it: from the results of cross-validations.

Everything is computed from the scores of single pictures. A picture that several trainings of a network tested counts
once, with the mean of its scores.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Final, Literal

import numpy as np

from wbcseg.evaluation.metric_specs import METRICS, get_metric
from wbcseg.metrics import (
    Comparison,
    apply_holm_correction,
    compare,
    compute_confidence_interval,
    compute_mean_and_standard_error,
)

PredictionMode = Literal["one_look", "careful"]
"""How the networks predict: as they are, or carefully (:meth:`wbcseg.inference.Segmenter.predict`)."""

StudyResult = Mapping[str, Any]

MODE_LABELS: Final[dict[PredictionMode, str]] = {"one_look": "one look", "careful": "careful"}

MIN_IMAGES_FOR_INTERVAL: Final = 10
"""With fewer pictures an interval says little, and none is given."""


@dataclass(frozen=True)
class MetricSummary:
    """What many pictures say of one network.

    Attributes:
        mean: Mean of the pictures in which the figure is defined.
        standard_error: Its standard error.
        ci_low: Lower end of its 95 % confidence interval (bootstrap); NaN with fewer than 10 pictures.
        ci_high: Upper end.
        n_images: How many count.
        n_undefined: How many do not, because the class is in neither mask.
    """

    mean: float
    standard_error: float
    ci_low: float
    ci_high: float
    n_images: int
    n_undefined: int


@dataclass(frozen=True)
class PairwiseComparison:
    """Two networks on the same pictures.

    Attributes:
        first: Title of the first.
        second: Title of the second.
        comparison: First minus second. Where less is better, a negative difference speaks for the first.
        corrected_p: Of Wilcoxon's signed-rank test, corrected for the number of pairs looked at (Holm).
    """

    first: str
    second: str
    comparison: Comparison
    corrected_p: float

    def get_winner(self, lowest_is_best: bool) -> str | None:
        """Return the title of the one that is better beyond chance: corrected p below .05, 0 outside the interval."""
        one = self.comparison
        if not (self.corrected_p < 0.05 and (one.ci_low > 0 or one.ci_high < 0)):
            return None
        return self.first if (one.difference > 0) != lowest_is_best else self.second


def collect_metric(
    result: StudyResult, figure: str, region: str, look: PredictionMode = "one_look"
) -> dict[str, float]:
    """Return a figure of every picture of a result by its id; NaN where undefined."""
    found: dict[str, list[float]] = {}
    for row in result["pictures"]:
        found.setdefault(row["id"], []).append(get_metric(row[look], figure, region))
    return {one: float(np.mean(several)) for one, several in found.items()}


def get_cell_types(result: StudyResult) -> dict[str, str]:
    """Return the cell type of every picture by its id."""
    return {row["id"]: row["cell_type"] or "unknown" for row in result["pictures"]}


def summarise_values(numbers: Sequence[float]) -> MetricSummary:
    """Return what many pictures' figures say together."""
    mean, error, n = compute_mean_and_standard_error(numbers)
    low, high = compute_confidence_interval(numbers) if n >= MIN_IMAGES_FOR_INTERVAL else (math.nan, math.nan)
    return MetricSummary(mean, error, low, high, n, len(numbers) - n)


def summarise_by_cell_type(
    result: StudyResult, figure: str, region: str, look: PredictionMode = "one_look"
) -> dict[str, MetricSummary]:
    """Return the summary of every cell type, the commonest first."""
    types = get_cell_types(result)
    groups: dict[str, list[float]] = {}
    for one, number in collect_metric(result, figure, region, look).items():
        groups.setdefault(types[one], []).append(number)
    return {kind: summarise_values(groups[kind]) for kind in sorted(groups, key=lambda kind: -len(groups[kind]))}


def compare_pairs(
    results: Sequence[StudyResult], figure: str, region: str, look: PredictionMode = "one_look"
) -> list[PairwiseComparison]:
    """Compare every two networks on the pictures that both have tested."""
    found = [(result["title"], collect_metric(result, figure, region, look)) for result in results]
    names, comparisons = [], []
    for (first, one), (second, other) in combinations(found, 2):
        names.append((first, second))
        comparisons.append(_compare_shared(one, other, figure))
    corrected = apply_holm_correction([comparison.p_value for comparison in comparisons])
    return [PairwiseComparison(*name, one, p) for name, one, p in zip(names, comparisons, corrected, strict=True)]


def compare_results(
    first: StudyResult, second: StudyResult, figure: str, region: str, look: PredictionMode = "one_look"
) -> Comparison:
    """Compare two results on the pictures that both have tested, such as with and without a leak: first − second."""
    return _compare_shared(
        collect_metric(first, figure, region, look), collect_metric(second, figure, region, look), figure
    )


def format_hardware_label(result: StudyResult) -> str:
    """Say on what a network was trained, and in which precision: only times of the same compare."""
    where = result["environment"]
    vectors = "AVX-512" if "avx512f" in where["features"] else "AVX2" if "avx2" in where["features"] else ""
    return ", ".join(filter(None, (where["processor"], vectors, f"{where['cores']} cores", where["precision"])))


@dataclass(frozen=True)
class HardImage:
    """A picture and what the networks make of it.

    Attributes:
        id: The picture.
        cell_type: Its cell type.
        metric_by_model: The figure by network title, NaN where undefined.
    """

    id: str
    cell_type: str
    metric_by_model: dict[str, float]


def rank_hardest(
    results: Sequence[StudyResult], figure: str, region: str, look: PredictionMode = "one_look"
) -> list[HardImage]:
    """Return all pictures, those first on which the worst network is worst; undefined ones come last."""
    types = {one: kind for result in results for one, kind in get_cell_types(result).items()}
    columns = {result["title"]: collect_metric(result, figure, region, look) for result in results}
    rows = [
        HardImage(one, kind, {name: c.get(one, math.nan) for name, c in columns.items()}) for one, kind in types.items()
    ]
    sign = -1.0 if METRICS[figure].lower_is_better else 1.0

    def badness(row: HardImage) -> float:
        defined = [sign * number for number in row.metric_by_model.values() if not math.isnan(number)]
        return min(defined, default=math.inf)

    return sorted(rows, key=lambda row: (badness(row), row.id))


def build_score_rows(results: Sequence[StudyResult]) -> Iterator[list[str]]:
    """Yield every figure of every picture as the rows of a table, the header first; empty where undefined."""
    kinds = [(figure.name, region) for figure in METRICS.values() for region in figure.regions]
    yield ["network", "picture", "cell type", "training", "look", *(f"{name}, {region}" for name, region in kinds)]
    for result in results:
        for row in result["pictures"]:
            for look in MODE_LABELS:
                texts = [_format_number(get_metric(row[look], *kind)) for kind in kinds]
                yield [
                    result["title"],
                    row["id"],
                    row["cell_type"] or "unknown",
                    str(row["training"]),
                    MODE_LABELS[look],
                    *texts,
                ]


def build_comparison_rows(results: Sequence[StudyResult]) -> Iterator[list[str]]:
    """Yield every comparison of two networks as the rows of a table, the header first."""
    yield [
        *("figure", "region", "look", "first", "second", "first minus second", "95 % from", "to"),
        *("Wilcoxon p", "corrected p (Holm)", "pictures", "first larger", "first smaller"),
    ]
    for figure in METRICS.values():
        for region in figure.regions:
            for look in MODE_LABELS:
                for pair in compare_pairs(results, figure.name, region, look):
                    one = pair.comparison
                    shares = [_format_number(number) for number in (one.difference, one.ci_low, one.ci_high)]
                    chances = ["" if math.isnan(p) else f"{p:.3g}" for p in (one.p_value, pair.corrected_p)]
                    counts = [str(number) for number in (one.n_pairs, one.n_larger, one.n_smaller)]
                    yield [figure.name, region, MODE_LABELS[look], pair.first, pair.second, *shares, *chances, *counts]


def _format_number(number: float) -> str:
    return "" if math.isnan(number) else f"{number:.5f}"


def _compare_shared(one: Mapping[str, float], other: Mapping[str, float], figure: str) -> Comparison:
    both = [name for name in one if name in other]
    return compare([one[name] for name in both], [other[name] for name in both], absent=METRICS[figure].absent_value)
