"""Check whether a crop resembles the reference crops, in staining and in detail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from wbcseg.quality.features import QUALITY_FEATURES
from wbcseg.quality.reasons import BLURRED_REASON, NOISY_REASON, STAIN_REASON

ASPECTS: Final[Mapping[str, tuple[str, ...]]] = {
    "stain": (
        *(
            "nucleus_density_red",
            "nucleus_density_green",
            "nucleus_density_blue",
            "cytoplasm_density_red",
            "cytoplasm_density_green",
            "cytoplasm_density_blue",
        ),
        *("background_brightness", "background_saturation"),
    ),
    "detail": ("sharpness", "noise", "boundary_contrast"),
}
"""The aspects in which crops are compared, each with its features (see :data:`.features.QUALITY_FEATURES`)."""

OUTLIER_FRACTION: Final = 0.03
"""Fraction of the reference crops that may lie beyond the limit."""


@dataclass(frozen=True)
class FeatureDistribution:
    """The distribution of the reference crops in one aspect.

    Attributes:
        aspect: One of :data:`ASPECTS`.
        mean: Mean of each feature over the reference crops.
        scale: Standard deviation of each feature.
        precision: Inverse of the features' correlation matrix, row by row.
        limit: Mahalanobis distance beyond which a crop is unfamiliar.
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
        """Return the Mahalanobis distance of a crop from the reference crops, in standard deviations."""
        standard = self._standardise(features)
        count = len(standard)
        return float(np.sqrt(max(0.0, standard @ np.array(self.precision).reshape(count, count) @ standard)))

    def explain(self, features: NDArray[np.float32]) -> str:
        """Return why a crop is unfamiliar; empty if it is not."""
        if self.compute_distance(features) <= self.limit:
            return ""
        if self.aspect == "stain":
            return STAIN_REASON
        standard = dict(zip(ASPECTS["detail"], self._standardise(features), strict=True))
        # Noise hides sharp detail, too, but then the noise itself stands out.
        if standard["sharpness"] < min(0.0, -standard["noise"]):
            return BLURRED_REASON
        return NOISY_REASON


def fit_distributions(
    is_good: NDArray[np.bool_], features: NDArray[np.float32], folds: Sequence[NDArray[np.intp]]
) -> tuple[FeatureDistribution, ...]:
    """Return the distributions of the reference crops, one for each aspect.

    Args:
        is_good: ``bool[N]``: crops whose segmentation is known to be good; they are the reference.
        features: ``float32[N, len(QUALITY_FEATURES)]``.
        folds: Indices in folds; a crop is not compared with others of its fold.
    """
    distributions = []
    for aspect in ASPECTS:
        distances = np.zeros(len(features))
        for rows in folds:
            is_reference = is_good.copy()
            is_reference[rows] = False
            distribution = _fit_distribution(aspect, features[is_reference])
            distances[rows] = [distribution.compute_distance(features[row]) for row in rows]
        limit = round(float(np.quantile(distances[is_good], 1 - OUTLIER_FRACTION)), 4)
        distributions.append(replace(_fit_distribution(aspect, features[is_good]), limit=limit))
    return tuple(distributions)


def _fit_distribution(aspect: str, features: NDArray[np.float32]) -> FeatureDistribution:
    selected = features[:, [QUALITY_FEATURES.index(name) for name in ASPECTS[aspect]]].astype(np.float64)
    mean, scale = selected.mean(axis=0), selected.std(axis=0) + 1e-6
    standard = (selected - mean) / scale
    # Regularised, so that features which are nearly collinear do no harm.
    correlations = standard.T @ standard / len(standard) + 0.01 * np.eye(len(mean))
    rows = (mean, scale, np.linalg.inv(correlations).ravel())
    rounded_mean, rounded_scale, precision = (tuple(np.round(row, 6).tolist()) for row in rows)
    return FeatureDistribution(aspect, rounded_mean, rounded_scale, precision, limit=0.0)


def parse_distribution(values: Mapping[str, Any]) -> FeatureDistribution:
    """Return a distribution from JSON values.

    Raises:
        ValueError: If they do not describe one.
    """
    aspect = str(values["aspect"])
    if aspect not in ASPECTS:
        raise ValueError(f"unknown aspect {aspect!r}")
    parameters = {name: tuple(float(n) for n in values[name]) for name in ("mean", "scale", "precision")}
    count = len(ASPECTS[aspect])
    sizes = {name: len(row) for name, row in parameters.items()}
    if sizes != {"mean": count, "scale": count, "precision": count**2}:
        raise ValueError(f"wrong number of values for {aspect}: {sizes}")
    return FeatureDistribution(aspect, **parameters, limit=float(values["limit"]))
