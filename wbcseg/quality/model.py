"""Assess whether a segmentation can be trusted, and say why not."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from wbcseg.errors import ErrorCode, ModelError
from wbcseg.eyepiece import find_black_surround
from wbcseg.io.atomic import write_json
from wbcseg.io.records import read_record
from wbcseg.labels import BACKGROUND, Labels
from wbcseg.models.card import ModelCard
from wbcseg.models.card_records import QualityMetrics
from wbcseg.quality.distribution import FeatureDistribution, parse_distribution
from wbcseg.quality.features import QUALITY_FEATURES, compute_quality_features, measure_surround_contact
from wbcseg.quality.reasons import (
    BLURRED_REASON,
    CUT_OFF_REASON,
    FEATURES_BY_REASON,
    NO_CELL_REASON,
    NO_COLOUR_REASON,
    NOISY_REASON,
    OTHER_CELLS_REASON,
    SECOND_CELL_REASON,
    SHARPNESS_REASON,
)
from wbcseg.quality.status import OK, OUT_OF_RANGE, REVIEW, UNFAMILIAR
from wbcseg.results import ImageEdges

QUALITY_MODELS_FOLDER: Final = Path(__file__).with_name("pretrained")
"""The shipped quality models, one per network; ``wbcseg cross-site --update-package`` fits them."""

CUT_OFF_EDGE_RATIO: Final = 0.25
"""Length along the image edge, over the square root of the area, from which a cell counts as cut off."""

SECOND_CELL_AREA_RATIO: Final = 0.3
"""Area of another object, over that of the cell, from which it counts as a second cell."""

MIN_CELL_PIXELS: Final = 600
"""Area of a cell in pixels below which measurements are unreliable (a diameter of about 28 pixels)."""

MIN_COLOUR_RANGE: Final = 4.0
"""Mean difference between a pixel's largest and smallest channel (0 to 255) below which an image has no colour."""

MAX_REASONS: Final = 3


@dataclass(frozen=True)
class QualityResult:
    """The assessment of one result.

    Attributes:
        status: One of :data:`STATUSES`.
        reasons: Short sentences, those for a review first; none if the status is ``ok``.
        failure_probability: Estimated probability that the whole cell's Dice is low, 0 to 1.
        out_of_range_probability: Estimated probability that the image is not a smear like those in training, 0 to 1.
    """

    status: str
    reasons: tuple[str, ...]
    failure_probability: float
    out_of_range_probability: float


@dataclass(frozen=True)
class LogisticModel:
    """A logistic regression on the features of :func:`wbcseg.quality.features.compute_quality_features`.

    Attributes:
        mean: Mean of each feature in training.
        scale: Standard deviation of each feature in training.
        weights: Weights of the standardised features, followed by those of their squares.
        intercept: Intercept.
        threshold: Probability from which the outcome is positive.
    """

    mean: tuple[float, ...]
    scale: tuple[float, ...]
    weights: tuple[float, ...]
    intercept: float
    threshold: float

    def compute_contributions(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the contribution of each feature to the logit, ``float64[len(QUALITY_FEATURES)]``."""
        weights = np.array(self.weights).reshape(2, len(QUALITY_FEATURES))
        expanded = expand_features(features[None].astype(np.float64), np.array(self.mean), np.array(self.scale))
        contributions: NDArray[np.float64] = (weights * expanded.reshape(2, len(QUALITY_FEATURES))).sum(axis=0)
        return contributions

    def predict_probability(self, features: NDArray[np.float32]) -> float:
        """Return the probability, 0 to 1."""
        return float(
            1.0 / (1.0 + np.exp(-np.clip(self.compute_contributions(features).sum() + self.intercept, -50.0, 50.0)))
        )


def expand_features(
    features: NDArray[np.float64], mean: NDArray[np.float64], scale: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return standardised features, clipped at five standard deviations, and their squares: ``float64[N, 2 F]``."""
    standardised = np.clip((features - mean) / scale, -5.0, 5.0)
    return np.concatenate([standardised, standardised**2], axis=1)


def list_rule_reasons(features: NDArray[np.float32]) -> list[str]:
    """Return the reasons for review that need no model: the cell is cut off, or there is a second one."""
    values = dict(zip(QUALITY_FEATURES, features.tolist(), strict=True))
    reasons = []
    if values["edge_contact"] > CUT_OFF_EDGE_RATIO:
        reasons.append(CUT_OFF_REASON)
    if values["largest_other_object"] > SECOND_CELL_AREA_RATIO:
        reasons.append(SECOND_CELL_REASON)
    return reasons


def is_cut_off(cell_labels: Labels, image_edges: ImageEdges, surround: NDArray[np.bool_] | None = None) -> bool:
    """Return whether a cell is cut off by the edge of the image, or by an eyepiece.

    Args:
        cell_labels: ``uint8[H, W]`` of class ids: the main cell only.
        image_edges: Which sides of the crop are edges of the image: top, bottom, left, right.
        surround: The black surround of an eyepiece, ``bool[H, W]``, or ``None``.
    """
    inside = cell_labels != BACKGROUND.id
    edges = (inside[0], inside[-1], inside[:, 0], inside[:, -1])
    length = sum(float(edge.sum()) for edge, is_image_edge in zip(edges, image_edges, strict=True) if is_image_edge)
    contact = 0.0 if surround is None else measure_surround_contact(inside, surround)
    return length / math.sqrt(max(float(inside.sum()), 1.0)) + contact > CUT_OFF_EDGE_RATIO


def _list_input_reasons(image: NDArray[np.uint8], cell_labels: Labels, surround: NDArray[np.bool_] | None) -> list[str]:
    """Return the reasons that lie in the image itself: too few pixels, or no colour."""
    reasons = []
    n_pixels = int((cell_labels != BACKGROUND.id).sum())
    if n_pixels < MIN_CELL_PIXELS:
        reasons.append(f"Cell of only {n_pixels} pixels; measurements unreliable at this size.")
    lit = image if surround is None else image[~surround]
    if float(np.ptp(lit, axis=-1).mean()) < MIN_COLOUR_RANGE:
        reasons.append(NO_COLOUR_REASON)
    return reasons


@dataclass(frozen=True)
class QualityModel:
    """Assesses the results of one network.

    Attributes:
        failure_model: Predicts a low Dice.
        out_of_range_model: Predicts that an image is not a smear like those in training.
        distributions: Staining and detail of the reference crops.
        metrics: How accurate the assessment is.
    """

    failure_model: LogisticModel
    out_of_range_model: LogisticModel
    distributions: tuple[FeatureDistribution, ...]
    metrics: QualityMetrics

    def assess(
        self,
        image: NDArray[np.uint8],
        probabilities: NDArray[np.float32],
        cell_labels: Labels,
        *,
        image_edges: ImageEdges | None = None,
    ) -> QualityResult:
        """Assess the segmentation of one crop.

        Args:
            image: ``uint8[H, W, 3]``, RGB.
            probabilities: ``float32[H, W, 3]`` of the classes.
            cell_labels: ``uint8[H, W]`` of class ids: the main cell only.
            image_edges: For a cell in a field of view, which sides of the crop are edges of the image: top, bottom,
                left, right. Other cells are then expected. ``None`` if the crop is the whole image.
        """
        features = compute_quality_features(image, probabilities, cell_labels)
        surround = find_black_surround(image)
        failure_probability, out_of_range_probability = (
            self.failure_model.predict_probability(features),
            self.out_of_range_model.predict_probability(features),
        )
        if not cell_labels.any():
            return QualityResult(
                OUT_OF_RANGE if out_of_range_probability >= self.out_of_range_model.threshold else REVIEW,
                (NO_CELL_REASON,),
                1.0,
                out_of_range_probability,
            )
        reasons = (
            list_rule_reasons(features)
            if image_edges is None
            else [CUT_OFF_REASON] * is_cut_off(cell_labels, image_edges, surround)
        )
        reasons += _list_input_reasons(image, cell_labels, surround)
        if failure_probability >= self.failure_model.threshold:
            reasons += self._explain(self.failure_model, features)
        hints = [hint for distribution in self.distributions if (hint := distribution.explain(features))]
        is_out_of_range = out_of_range_probability >= self.out_of_range_model.threshold
        if is_out_of_range and not hints:
            hints = [*self._explain(self.out_of_range_model, features)]
        alarm, calm = (OUT_OF_RANGE if is_out_of_range else REVIEW), (UNFAMILIAR if hints else OK)
        status = alarm if reasons else calm
        return QualityResult(status, _limit_reasons([*reasons, *hints]), failure_probability, out_of_range_probability)

    def _explain(self, model: LogisticModel, features: NDArray[np.float32]) -> Sequence[str]:
        """Return the reasons that contribute most to a prediction."""
        contributions = model.compute_contributions(features)
        contribution_by_feature = dict(zip(QUALITY_FEATURES, contributions.tolist(), strict=True))
        groups = sorted(
            (
                (sum(contribution_by_feature[name] for name in names), text)
                for text, names in FEATURES_BY_REASON.items()
            ),
            reverse=True,
        )
        return [text for contribution, text in groups if contribution > 0][:2] or [groups[0][1]]

    def to_dict(self) -> dict[str, Any]:
        """Return the model as JSON values."""
        return {
            "features": list(QUALITY_FEATURES),
            "failure_model": vars(self.failure_model),
            "out_of_range_model": vars(self.out_of_range_model),
            "distributions": [vars(distribution) for distribution in self.distributions],
            "metrics": asdict(self.metrics),
        }

    def write(self, architecture: str, folder: Path | None = None) -> None:
        """Write the quality model of a network.

        Args:
            architecture: The network.
            folder: Where to write it, by default where :func:`load_quality_model` looks.
        """
        folder = folder or QUALITY_MODELS_FOLDER
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / f"{architecture}.json", self.to_dict())


def _limit_reasons(reasons: Sequence[str]) -> tuple[str, ...]:
    """Return the first reasons, without duplicates and without those that another states more exactly."""
    vague = {OTHER_CELLS_REASON} if SECOND_CELL_REASON in reasons else set()
    if BLURRED_REASON in reasons or NOISY_REASON in reasons:
        vague.add(SHARPNESS_REASON)
    return tuple(dict.fromkeys(reason for reason in reasons if reason not in vague))[:MAX_REASONS]


def load_quality_model(card: ModelCard, folder: Path | None = None) -> QualityModel | None:
    """Return the quality model for a segmentation model, or ``None`` if there is none.

    Only general (multi-site) models have one: how the others fail on images of other sites is not known.

    Args:
        card: The segmentation model's card.
        folder: Folder of the quality models, by default the shipped ones.

    Raises:
        ModelError: If the quality model's file cannot be read.
    """
    path = (folder or QUALITY_MODELS_FOLDER) / f"{card.architecture}.json"
    if not card.two_stage or not path.exists():
        return None
    return _load_cached(path, path.stat().st_mtime_ns)


# Needed for every image, so it is cached until the file changes.
@lru_cache(maxsize=8)
def _load_cached(path: Path, _changed: int) -> QualityModel:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        if values["features"] != list(QUALITY_FEATURES):
            raise ValueError("it was fitted on other features; fit it again")
        distributions = tuple(parse_distribution(entry) for entry in values["distributions"])
        return QualityModel(
            _parse_logistic_model(values["failure_model"]),
            _parse_logistic_model(values["out_of_range_model"]),
            distributions,
            read_record(QualityMetrics, values["metrics"], "metrics"),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"Quality model {path.name} could not be read: {error}.",
            file=path.name,
            code=ErrorCode.INCOMPATIBLE if isinstance(error, ValueError) else ErrorCode.UNREADABLE,
        ) from None


def _parse_logistic_model(values: Mapping[str, Any]) -> LogisticModel:
    parameters = {name: tuple(float(n) for n in values[name]) for name in ("mean", "scale", "weights")}
    sizes = {name: len(row) for name, row in parameters.items()}
    if sizes != {"mean": len(QUALITY_FEATURES), "scale": len(QUALITY_FEATURES), "weights": 2 * len(QUALITY_FEATURES)}:
        raise ValueError(f"wrong number of values: {sizes}")
    return LogisticModel(**parameters, intercept=float(values["intercept"]), threshold=float(values["threshold"]))
