"""Which network is better, by how much, and how certain is it? Statistics on the results of cross-validations.

Everything is computed from the scores of single images. An image that several runs of a network were tested on counts
once, with the mean of its scores.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray

from wbcseg.evaluation.metric_specs import METRICS, MetricSpec, get_metric
from wbcseg.evaluation.study_result import PredictionMode, ScoredImages, StudyResult
from wbcseg.metrics import (
    Comparison,
    apply_holm_correction,
    compare_many,
    compute_confidence_interval,
    compute_mean_and_standard_error,
    pair_defined_values,
)
from wbcseg.models.card_records import Environment

MODE_LABELS: Final[dict[PredictionMode, str]] = {"single": "single pass", "tta": "test-time averaging"}

MIN_IMAGES_FOR_INTERVAL: Final = 10
"""No confidence interval is given for fewer images."""


@dataclass(frozen=True)
class MetricSummary:
    """A metric of one network, averaged over images.

    Attributes:
        mean: Mean over the images where the metric is defined.
        standard_error: Standard error of the mean.
        ci_low: Lower bound of the 95% confidence interval (bootstrap); NaN with fewer than 10 images.
        ci_high: Upper bound.
        n_images: Number of images where the metric is defined.
        n_undefined: Number of images where it is not, because the class is in neither mask.
    """

    mean: float
    standard_error: float
    ci_low: float
    ci_high: float
    n_images: int
    n_undefined: int


@dataclass(frozen=True)
class PairwiseComparison:
    """Two networks compared on the same images.

    Attributes:
        first: Title of the first network.
        second: Title of the second network.
        comparison: First minus second. Where lower is better, a negative difference favours the first.
        corrected_p: P-value of Wilcoxon's signed-rank test, corrected for the number of pairs (Holm).
    """

    first: str
    second: str
    comparison: Comparison
    corrected_p: float

    def get_winner(self, lower_is_better: bool) -> str | None:
        """Return the title of the significantly better network: corrected p < 0.05 and 0 outside the interval."""
        comparison = self.comparison
        if not (self.corrected_p < 0.05 and (comparison.ci_low > 0 or comparison.ci_high < 0)):
            return None
        return self.first if (comparison.difference > 0) != lower_is_better else self.second


def list_available_metrics(results: Sequence[ScoredImages]) -> list[MetricSpec]:
    """Return the metrics that all results have: results from before a metric was added do not have it."""
    stored = [set(image.single) for result in results for image in result.images[:1]]
    return [metric for metric in METRICS.values() if metric.derive or all(metric.name in names for names in stored)]


def collect_metric(result: ScoredImages, metric: str, region: str, mode: PredictionMode = "single") -> dict[str, float]:
    """Return a metric of every image of a result by image id; NaN where undefined."""
    values_by_image: dict[str, list[float]] = {}
    for image in result.images:
        values_by_image.setdefault(image.id, []).append(get_metric(image.get_metrics(mode), metric, region))
    return {image_id: float(np.mean(image_values)) for image_id, image_values in values_by_image.items()}


def get_cell_types(result: ScoredImages) -> dict[str, str]:
    """Return the cell type of every image by image id."""
    return {image.id: image.cell_type or "unknown" for image in result.images}


def summarise_values(numbers: Sequence[float]) -> MetricSummary:
    """Return mean, standard error and confidence interval of values, one per image."""
    mean, standard_error, n_images = compute_mean_and_standard_error(numbers)
    low, high = compute_confidence_interval(numbers) if n_images >= MIN_IMAGES_FOR_INTERVAL else (math.nan, math.nan)
    return MetricSummary(mean, standard_error, low, high, n_images, len(numbers) - n_images)


def summarise_by_cell_type(
    result: ScoredImages, metric: str, region: str, mode: PredictionMode = "single"
) -> dict[str, MetricSummary]:
    """Return the summary of every cell type, the most common first."""
    types = get_cell_types(result)
    groups: dict[str, list[float]] = {}
    for image_id, number in collect_metric(result, metric, region, mode).items():
        groups.setdefault(types[image_id], []).append(number)
    return {
        cell_type: summarise_values(groups[cell_type])
        for cell_type in sorted(groups, key=lambda cell_type: -len(groups[cell_type]))
    }


def compare_pairs(
    results: Sequence[StudyResult], metric: str, region: str, mode: PredictionMode = "single"
) -> list[PairwiseComparison]:
    """Compare every pair of networks on the images that both were tested on."""
    titled_values = [(result.title, collect_metric(result, metric, region, mode)) for result in results]
    pairs = list(combinations(titled_values, 2))
    comparisons = compare_many([_pair_shared(first, second, metric) for (_, first), (_, second) in pairs])
    corrected = apply_holm_correction([comparison.p_value for comparison in comparisons])
    return [
        PairwiseComparison(first, second, comparison, corrected_p)
        for ((first, _), (second, _)), comparison, corrected_p in zip(pairs, comparisons, corrected, strict=True)
    ]


def compare_results(
    first: ScoredImages, second: ScoredImages, metric: str, region: str, mode: PredictionMode = "single"
) -> Comparison:
    """Compare two results on the images that both were tested on: first minus second."""
    first_values, second_values = (collect_metric(result, metric, region, mode) for result in (first, second))
    return compare_many([_pair_shared(first_values, second_values, metric)])[0]


def format_hardware_label(environment: Environment) -> str:
    """Describe hardware and precision of a training. Times are comparable only where these are the same.

    Args:
        environment: Of a result or a run.
    """
    simd = "AVX-512" if "avx512f" in environment.features else "AVX2" if "avx2" in environment.features else ""
    return ", ".join(filter(None, (environment.processor, simd, f"{environment.cores} cores", environment.precision)))


@dataclass(frozen=True)
class HardImage:
    """An image and how the networks score on it.

    Attributes:
        id: Id of the image.
        cell_type: Its cell type.
        scores: The metric by key of the result; NaN where undefined.
    """

    id: str
    cell_type: str
    scores: dict[str, float]


def rank_hardest(
    results: Mapping[str, ScoredImages], metric: str, region: str, mode: PredictionMode = "single"
) -> list[HardImage]:
    """Return all images by the score of the worst result on each, lowest first; undefined ones come last.

    Args:
        results: The results by a key of each.
        metric: Name of the metric.
        region: The region it is of.
        mode: Single pass or test-time averaging.
    """
    types = {
        image_id: cell_type for result in results.values() for image_id, cell_type in get_cell_types(result).items()
    }
    values_by_key = {key: collect_metric(result, metric, region, mode) for key, result in results.items()}
    rows = [
        HardImage(
            image_id,
            cell_type,
            {name: values.get(image_id, math.nan) for name, values in values_by_key.items()},
        )
        for image_id, cell_type in types.items()
    ]
    sign = -1.0 if METRICS[metric].lower_is_better else 1.0

    def worst_value(row: HardImage) -> float:
        defined = [sign * number for number in row.scores.values() if not math.isnan(number)]
        return min(defined, default=math.inf)

    return sorted(rows, key=lambda row: (worst_value(row), row.id))


def build_score_rows(results: Sequence[StudyResult]) -> Iterator[list[str]]:
    """Yield every metric of every image as the rows of a table, header first; empty where undefined."""
    metric_regions = [(metric.name, region) for metric in METRICS.values() for region in metric.regions]
    metric_columns = [f"{name}_{region.replace(' ', '_')}" for name, region in metric_regions]
    yield ["network", "image", "cell_type", "training", "mode", *metric_columns]
    for result in results:
        for image in result.images:
            for mode in MODE_LABELS:
                metrics = image.get_metrics(mode)
                texts = [_format_number(get_metric(metrics, *metric_region)) for metric_region in metric_regions]
                yield [result.title, image.id, image.cell_type or "unknown", str(image.training), mode, *texts]


def build_comparison_rows(results: Sequence[StudyResult]) -> Iterator[list[str]]:
    """Yield every comparison of two networks as the rows of a table, header first."""
    yield [
        *("metric", "region", "mode", "first", "second", "difference", "ci_low", "ci_high", "p_wilcoxon", "p_holm"),
        *("n_images", "n_first_higher", "n_first_lower"),
    ]
    for metric in list_available_metrics(results):
        for region in metric.regions:
            for mode in MODE_LABELS:
                for pair in compare_pairs(results, metric.name, region, mode):
                    comparison = pair.comparison
                    difference_texts = [
                        _format_number(number)
                        for number in (comparison.difference, comparison.ci_low, comparison.ci_high)
                    ]
                    p_value_texts = [
                        "" if math.isnan(p_value) else f"{p_value:.3g}"
                        for p_value in (comparison.p_value, pair.corrected_p)
                    ]
                    count_texts = [
                        str(number) for number in (comparison.n_pairs, comparison.n_larger, comparison.n_smaller)
                    ]
                    yield [
                        metric.name,
                        region,
                        mode,
                        pair.first,
                        pair.second,
                        *difference_texts,
                        *p_value_texts,
                        *count_texts,
                    ]


def _format_number(number: float) -> str:
    return "" if math.isnan(number) else f"{number:.5f}"


def _pair_shared(first: Mapping[str, float], second: Mapping[str, float], metric: str) -> NDArray[np.float64]:
    """Return the differences on the images that both were tested on, first minus second."""
    shared_ids = [image_id for image_id in first if image_id in second]
    first_values, second_values = pair_defined_values(
        [first[image_id] for image_id in shared_ids],
        [second[image_id] for image_id in shared_ids],
        absent_value=METRICS[metric].absent_value,
    )
    return first_values - second_values
