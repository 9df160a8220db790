"""Whether a result can be trusted, in plain words."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from wbcseg.errors import ModelError
from wbcseg.io.atomic import write_json
from wbcseg.labels import BACKGROUND, Labels
from wbcseg.models.card import ModelCard
from wbcseg.quality.distribution import FeatureDistribution, parse_distribution
from wbcseg.quality.features import QUALITY_FEATURES, compute_quality_features

ImageEdges = tuple[bool, bool, bool, bool]
"""Top, bottom, left and right."""

QUALITY_MODELS_FOLDER: Final = Path(__file__).with_name("pretrained")
"""How results are judged, a file a network; written by ``python -m wbcseg evaluate --cross-site``."""

OK: Final = "looks fine"
REVIEW: Final = "check"
OUT_OF_RANGE: Final = "unlike the training data"
STATUS_DESCRIPTIONS: Final = {
    OK: "Nothing speaks against the result: it and its picture resemble those that turned out well. It can still be "
    "wrong.",
    REVIEW: "Look at the result before you use it; the reasons stand beside it. Either it resembles results that turned "
    "out badly, or the picture is blurred, noisy, small, without colours or of an unfamiliar stain or light, or the "
    "cell is cut off by the border, is not alone or was not found, or the models disagree about it.",
    OUT_OF_RANGE: "The picture does not resemble the blood smears that the program knows: another stain or light, another "
    "kind of picture, or no smear at all. A model can be wrong there and sure of it.",
}
"""What the statuses mean, in plain words."""

STATUSES: Final = tuple(STATUS_DESCRIPTIONS)

_STATUS_PHRASES: Final = {
    OK: ("looks fine", "look fine"),
    REVIEW: ("should be checked", "should be checked"),
    OUT_OF_RANGE: ("is unlike the training data", "are unlike the training data"),
}
"""How one result and several are said to have a status."""

CUT_OFF_EDGE_RATIO: Final = 0.25
"""Length of border that a cell takes, over the root of its area, from which it is taken for cut off."""

SECOND_CELL_AREA_RATIO: Final = 0.3
"""Area of another piece that was found, over the cell's, from which it is taken for a second cell."""

MIN_CELL_PIXELS: Final = 600
"""Pixels of a cell below which its figures are coarse: some 28 pixels across."""

MIN_COLOUR_RANGE: Final = 4.0
"""Mean difference of a pixel's greatest and least colour, in grey levels of 255, below which a picture has none."""

MAX_REASONS: Final = 3

CUT_OFF_REASON: Final = "The cell is cut off by the border of the picture."
SECOND_CELL_REASON: Final = "There is more than one white cell; the one nearest to the middle counts."
OTHER_CELLS_REASON: Final = "There is more in the picture that looks like a cell."
SHARPNESS_REASON: Final = "The picture is blurred, or unusually sharp or noisy."

_FEATURES_BY_REASON: Final = {
    "The model is unsure about the outline.": ("sure_cell", "sure_cytoplasm", "doubt_around"),
    "Part of the outline can hardly be seen in the picture.": ("faint",),
    "The model is unsure about the nucleus.": ("sure_nucleus", "doubt_inside"),
    "The cell or its nucleus has an unusual form.": (
        *("solidity", "roundness", "nucleus_solidity", "enclosed", "rim", "nucleus_share"),
    ),
    "The cell is unusually small or large in the picture.": ("cell_share",),
    OTHER_CELLS_REASON: ("other_cells", "scattered"),
    "The stain or the light is unfamiliar.": (
        *("nucleus_red", "nucleus_green", "nucleus_blue", "cytoplasm_red", "cytoplasm_green", "cytoplasm_blue"),
        *("plasma_light", "plasma_colour", "edge"),
    ),
    "What lies around the cell is unfamiliar.": ("plasma_spread", "border"),
    SHARPNESS_REASON: ("sharpness", "grain"),
}


def format_counts(statuses: Sequence[str]) -> str:
    """Say how many results have which status: ``5 look fine, 1 should be checked``.

    Args:
        statuses: One for each result; empty ones do not count.
    """
    counts = Counter(statuses)
    return ", ".join(
        f"{counts[status]} {_STATUS_PHRASES[status][counts[status] > 1]}" for status in STATUSES if counts[status]
    )


@dataclass(frozen=True)
class QualityResult:
    """What to think of a result.

    Attributes:
        status: One of :data:`STATUSES`.
        reasons: Plain sentences; none for what looks fine.
        failure_probability: From 0 (as results that turned out well) to 1 (as those of which the whole cell's Dice was low).
        out_of_range_probability: From 0 (a smear) to 1 (something else).
    """

    status: str
    reasons: tuple[str, ...]
    failure_probability: float
    out_of_range_probability: float


@dataclass(frozen=True)
class LogisticModel:
    """A logistic regression on the figures of :func:`wbcseg.quality.features.compute_quality_features`.

    Attributes:
        mean: Of every figure; subtracted first.
        scale: Its standard deviation; then divided by.
        weights: Of every figure and, behind them, of its square.
        intercept: Added.
        threshold: From which chance on it counts.
    """

    mean: tuple[float, ...]
    scale: tuple[float, ...]
    weights: tuple[float, ...]
    intercept: float
    threshold: float

    def compute_contributions(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return what each figure adds, ``float64[len(FEATURES)]``."""
        weights = np.array(self.weights).reshape(2, len(QUALITY_FEATURES))
        expanded = expand_features(features[None].astype(np.float64), np.array(self.mean), np.array(self.scale))
        contributions: NDArray[np.float64] = (weights * expanded.reshape(2, len(QUALITY_FEATURES))).sum(axis=0)
        return contributions

    def predict_probability(self, features: NDArray[np.float32]) -> float:
        """Return the chance in 0 to 1."""
        return float(
            1.0 / (1.0 + np.exp(-np.clip(self.compute_contributions(features).sum() + self.intercept, -50.0, 50.0)))
        )


def expand_features(
    features: NDArray[np.float64], mean: NDArray[np.float64], scale: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return standardised figures and their squares, ``float64[N, 2 F]``; none counts for more than five deviations."""
    standardised = np.clip((features - mean) / scale, -5.0, 5.0)
    return np.concatenate([standardised, standardised**2], axis=1)


def list_rule_reasons(features: NDArray[np.float32]) -> list[str]:
    """Return why a crop is to be checked, whatever its model: its cell is cut off, or there is another one."""
    values = dict(zip(QUALITY_FEATURES, features.tolist(), strict=True))
    reasons = []
    if values["border"] > CUT_OFF_EDGE_RATIO:
        reasons.append(CUT_OFF_REASON)
    if values["other_cells"] > SECOND_CELL_AREA_RATIO:
        reasons.append(SECOND_CELL_REASON)
    return reasons


def is_cut_off(cell_labels: Labels, image_edges: ImageEdges) -> bool:
    """Whether a cell is cut off by a border of the picture.

    Args:
        cell_labels: ``uint8[H, W]`` of class ids: the main cell only.
        image_edges: Which sides of the crop are the picture's border: top, bottom, left and right.
    """
    inside = cell_labels != BACKGROUND.id
    edges = (inside[0], inside[-1], inside[:, 0], inside[:, -1])
    length = sum(float(edge.sum()) for edge, is_image_edge in zip(edges, image_edges, strict=True) if is_image_edge)
    return length > CUT_OFF_EDGE_RATIO * math.sqrt(max(float(inside.sum()), 1.0))


def _list_input_reasons(image: NDArray[np.uint8], cell_labels: Labels) -> list[str]:
    """Return what no model can make up for: a picture of few pixels, or without colours."""
    reasons = []
    n_pixels = int((cell_labels != BACKGROUND.id).sum())
    if n_pixels < MIN_CELL_PIXELS:
        reasons.append(f"The cell has only {n_pixels} pixels; its figures are coarse.")
    if float(np.ptp(image, axis=-1).mean()) < MIN_COLOUR_RANGE:
        reasons.append("The picture has no colours; the models learned from stained cells.")
    return reasons


@dataclass(frozen=True)
class QualityModel:
    """Judges the results of one model.

    Attributes:
        failure_model: Of a bad result.
        out_of_range_model: Of a picture that is no smear, or of another kind.
        distributions: What the stain and the detail of known pictures are like.
        metrics: How well it judges: see :func:`wbcseg.quality.fit.fit_quality_model`.
    """

    failure_model: LogisticModel
    out_of_range_model: LogisticModel
    distributions: tuple[FeatureDistribution, ...]
    metrics: Mapping[str, Any]

    def assess(
        self,
        image: NDArray[np.uint8],
        probabilities: NDArray[np.float32],
        cell_labels: Labels,
        *,
        image_edges: ImageEdges | None = None,
    ) -> QualityResult:
        """Judge one crop.

        Args:
            image: ``uint8[H, W, 3]``, RGB.
            probabilities: ``float32[H, W, 3]`` of the classes.
            cell_labels: ``uint8[H, W]`` of class ids: the main cell only.
            image_edges: Of a cell in a field of view, which sides of the crop are the field's border too: top, bottom, left
                and right. Its other sides, and other cells, are nothing to wonder at. ``None`` where the crop is all
                there is.
        """
        features = compute_quality_features(image, probabilities, cell_labels)
        failure_probability, out_of_range_probability = (
            self.failure_model.predict_probability(features),
            self.out_of_range_model.predict_probability(features),
        )
        if not cell_labels.any():
            return QualityResult(
                OUT_OF_RANGE if out_of_range_probability >= self.out_of_range_model.threshold else REVIEW,
                ("No cell was found.",),
                1.0,
                out_of_range_probability,
            )
        reasons = (
            list_rule_reasons(features)
            if image_edges is None
            else [CUT_OFF_REASON] * is_cut_off(cell_labels, image_edges)
        )
        reasons += _list_input_reasons(image, cell_labels)
        reasons += [reason for distribution in self.distributions if (reason := distribution.explain(features))]
        if out_of_range_probability >= self.out_of_range_model.threshold:
            return QualityResult(
                OUT_OF_RANGE,
                _limit_reasons([*reasons, *self._explain(self.out_of_range_model, features)]),
                failure_probability,
                out_of_range_probability,
            )
        if failure_probability >= self.failure_model.threshold:
            reasons += self._explain(self.failure_model, features)
        return QualityResult(
            REVIEW if reasons else OK, _limit_reasons(reasons), failure_probability, out_of_range_probability
        )

    def _explain(self, model: LogisticModel, features: NDArray[np.float32]) -> Sequence[str]:
        """Return what adds most to a score, in words."""
        contributions = model.compute_contributions(features)
        contribution_by_feature = dict(zip(QUALITY_FEATURES, contributions.tolist(), strict=True))
        groups = sorted(
            (
                (sum(contribution_by_feature[name] for name in names), text)
                for text, names in _FEATURES_BY_REASON.items()
            ),
            reverse=True,
        )
        return [text for contribution, text in groups if contribution > 0][:2] or [groups[0][1]]

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return {
            "features": list(QUALITY_FEATURES),
            "failure_model": vars(self.failure_model),
            "out_of_range_model": vars(self.out_of_range_model),
            "distributions": [vars(distribution) for distribution in self.distributions],
            "metrics": dict(self.metrics),
        }

    def write(self, architecture: str, folder: Path | None = None) -> None:
        """Write how a network's results are judged.

        Args:
            architecture: The network.
            folder: Where to, by default where :func:`load_quality_model` looks.
        """
        folder = folder or QUALITY_MODELS_FOLDER
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / f"{architecture}.json", self.to_dict())


def _limit_reasons(reasons: Sequence[str]) -> tuple[str, ...]:
    """Return the first reasons, none twice, nor one that another one says more exactly."""
    vague = {OTHER_CELLS_REASON} if SECOND_CELL_REASON in reasons else set()
    if any(reason.startswith("The picture is ") for reason in reasons if reason != SHARPNESS_REASON):
        vague.add(SHARPNESS_REASON)
    return tuple(dict.fromkeys(reason for reason in reasons if reason not in vague))[:MAX_REASONS]


def load_quality_model(card: ModelCard, folder: Path | None = None) -> QualityModel | None:
    """Return who judges a model's results, or ``None`` where nobody can.

    Only models for any laboratory are judged: of the others nobody knows when they fail elsewhere.

    Args:
        card: The model's card.
        folder: Where the judges are, by default those that came with the program.

    Raises:
        ModelError: If the judge's file cannot be used.
    """
    path = (folder or QUALITY_MODELS_FOLDER) / f"{card.architecture}.json"
    if not card.two_stage or not path.exists():
        return None
    return _load_cached(path, path.stat().st_mtime_ns)


# Asked for with every picture, so that it is kept until the file is another one.
@lru_cache(maxsize=8)
def _load_cached(path: Path, _changed: int) -> QualityModel:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        if values["features"] != list(QUALITY_FEATURES):
            raise ValueError("it was made for other figures; make it again")
        distributions = tuple(parse_distribution(entry) for entry in values["distributions"])
        return QualityModel(
            _parse_logistic_model(values["failure_model"]),
            _parse_logistic_model(values["out_of_range_model"]),
            distributions,
            dict(values["metrics"]),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"The judge {path.name} cannot be used: {error}.") from None


def _parse_logistic_model(values: Mapping[str, Any]) -> LogisticModel:
    parameters = {name: tuple(float(n) for n in values[name]) for name in ("mean", "scale", "weights")}
    sizes = {name: len(row) for name, row in parameters.items()}
    if sizes != {"mean": len(QUALITY_FEATURES), "scale": len(QUALITY_FEATURES), "weights": 2 * len(QUALITY_FEATURES)}:
        raise ValueError(f"it has {sizes} numbers")
    return LogisticModel(**parameters, intercept=float(values["intercept"]), threshold=float(values["threshold"]))
