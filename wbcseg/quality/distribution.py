"""Whether a crop looks like those that results are known of, in one respect such as its stain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from wbcseg.quality.features import QUALITY_FEATURES

ASPECTS: Final[Mapping[str, tuple[str, ...]]] = {
    "stain": (
        *("nucleus_red", "nucleus_green", "nucleus_blue", "cytoplasm_red", "cytoplasm_green", "cytoplasm_blue"),
        *("plasma_light", "plasma_colour"),
    ),
    "detail": ("sharpness", "grain", "edge"),
}
"""In what respects crops are compared, and by which figures of :func:`wbcseg.quality.features.compute_quality_features`."""

OUTLIER_FRACTION: Final = 0.03
"""Share of the known crops that may lie beyond the limit."""


@dataclass(frozen=True)
class FeatureDistribution:
    """Where the known crops lie in one respect.

    Attributes:
        aspect: One of :data:`ASPECTS`.
        mean: Of every figure over the known crops.
        scale: Its standard deviation.
        precision: Inverse of the figures' correlations, row by row.
        limit: Distance from which on a crop is unfamiliar.
    """

    aspect: str
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    precision: tuple[float, ...]
    limit: float

    def _standardise(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        selected = features[[QUALITY_FEATURES.index(name) for name in ASPECTS[self.aspect]]].astype(np.float64)
        standard: NDArray[np.float64] = (selected - np.array(self.mean)) / np.array(self.scale)
        return standard

    def compute_distance(self, features: NDArray[np.float32]) -> float:
        """Return how far a crop is from the known ones: its Mahalanobis distance, in standard deviations."""
        standard = self._standardise(features)
        count = len(standard)
        return float(np.sqrt(max(0.0, standard @ np.array(self.precision).reshape(count, count) @ standard)))

    def explain(self, features: NDArray[np.float32]) -> str:
        """Return in words why a crop is unfamiliar; empty where it is not."""
        if self.compute_distance(features) <= self.limit:
            return ""
        if self.aspect == "stain":
            return "The stain or the light is unfamiliar."
        standard = dict(zip(ASPECTS["detail"], self._standardise(features), strict=True))
        # Noise drowns what is sharp, too, but its grain is what stands out.
        if standard["sharpness"] < min(0.0, -standard["grain"]):
            return "The picture is blurred."
        return "The picture is noisy or unusually sharp."


def fit_distributions(
    is_good: NDArray[np.bool_], features: NDArray[np.float32], folds: Sequence[NDArray[np.intp]]
) -> tuple[tuple[FeatureDistribution, ...], NDArray[np.bool_]]:
    """Learn where the known crops lie.

    Args:
        is_good: ``bool[N]``: those whose result is known to be good.
        features: ``float32[N, len(FEATURES)]``.
        folds: Indices in parts; none is compared with those of its own part.

    Returns:
        What is familiar, in every respect; and ``bool[N]``, which crops are not.
    """
    distributions, is_outlier = [], np.zeros(len(features), np.bool_)
    for aspect in ASPECTS:
        distances = np.zeros(len(features))
        for rows in folds:
            is_reference = is_good.copy()
            is_reference[rows] = False
            distribution = _fit_distribution(aspect, features[is_reference])
            distances[rows] = [distribution.compute_distance(features[row]) for row in rows]
        limit = round(float(np.quantile(distances[is_good], 1 - OUTLIER_FRACTION)), 4)
        distributions.append(replace(_fit_distribution(aspect, features[is_good]), limit=limit))
        is_outlier |= distances > limit
    return tuple(distributions), is_outlier


def _fit_distribution(aspect: str, features: NDArray[np.float32]) -> FeatureDistribution:
    selected = features[:, [QUALITY_FEATURES.index(name) for name in ASPECTS[aspect]]].astype(np.float64)
    mean, scale = selected.mean(axis=0), selected.std(axis=0) + 1e-6
    standard = (selected - mean) / scale
    # A little of independence, so that figures which nearly follow from each other do no harm.
    correlations = standard.T @ standard / len(standard) + 0.01 * np.eye(len(mean))
    rows = (mean, scale, np.linalg.inv(correlations).ravel())
    rounded_mean, rounded_scale, precision = (tuple(np.round(row, 6).tolist()) for row in rows)
    return FeatureDistribution(aspect, rounded_mean, rounded_scale, precision, limit=0.0)


def parse_distribution(values: Mapping[str, Any]) -> FeatureDistribution:
    """Return what was written with ``vars``.

    Raises:
        ValueError: If it is something else.
    """
    aspect = str(values["aspect"])
    if aspect not in ASPECTS:
        raise ValueError(f"it judges by {aspect}")
    parameters = {name: tuple(float(n) for n in values[name]) for name in ("mean", "scale", "precision")}
    count = len(ASPECTS[aspect])
    sizes = {name: len(row) for name, row in parameters.items()}
    if sizes != {"mean": count, "scale": count, "precision": count**2}:
        raise ValueError(f"it has {sizes} numbers for {aspect}")
    return FeatureDistribution(aspect, **parameters, limit=float(values["limit"]))
