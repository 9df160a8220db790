"""How well the figures from a model's masks agree with those from the experts' masks of held-out pictures."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from wbcseg.datasets import Dataset
from wbcseg.evaluation.heldout import list_heldout_ids
from wbcseg.evaluation.result_store import write_result
from wbcseg.features import FEATURES, extract_features
from wbcseg.inference import Segmenter
from wbcseg.inference.postprocess import keep_main_cell
from wbcseg.metrics import bland_altman
from wbcseg.metrics.bland_altman import BlandAltman
from wbcseg.paths import RESULTS

FEATURE_AGREEMENT_FOLDER: Final = RESULTS / "feature_agreement"

COMPARED_FEATURES: Final = tuple(name for name in FEATURES if name != "touches_edge")


@dataclass(frozen=True)
class FeaturePairs:
    """Every figure of the held-out pictures twice: by the expert's mask and by the model's.

    Attributes:
        model: The model's name.
        tta: Whether it looked carefully.
        ids: The pictures; those in which either mask has no cell are left out.
        feature_values: By figure, one pair (expert, model) a picture; NaN where one is not defined.
    """

    model: str
    tta: bool
    ids: tuple[str, ...]
    feature_values: Mapping[str, tuple[tuple[float, float], ...]]

    def compute_agreement(self, name: str) -> BlandAltman:
        """Return how well one figure agrees."""
        expert, computed = zip(*self.feature_values[name], strict=True)
        return bland_altman.compute_bland_altman(expert, computed)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON values, with the agreement of every figure."""
        agreements = {name: self.compute_agreement(name) for name in self.feature_values}
        return {
            "model": self.model,
            "tta": self.tta,
            "ids": list(self.ids),
            "agreement": {
                name: {key: _to_json_value(value) for key, value in {**vars(result), "limits": result.limits}.items()}
                for name, result in agreements.items()
            },
            "pairs": {
                name: [[_to_json_value(expert), _to_json_value(computed)] for expert, computed in pairs]
                for name, pairs in self.feature_values.items()
            },
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> FeaturePairs:
        """Read what :meth:`to_dict` wrote."""
        feature_values = {
            name: tuple((_from_json_number(expert), _from_json_number(computed)) for expert, computed in pairs)
            for name, pairs in values["pairs"].items()
        }
        return cls(values["model"], values["tta"], tuple(values["ids"]), feature_values)

    def write(self, folder: Path = FEATURE_AGREEMENT_FOLDER) -> Path:
        """Write the result. Returns its file."""
        path = folder / f"{self.model}{'-careful' if self.tta else ''}.json"
        folder.mkdir(parents=True, exist_ok=True)
        write_result(path, self.to_dict())
        return path


def compute_feature_pairs(segmenter: Segmenter, dataset: Dataset, *, tta: bool = False) -> FeaturePairs:
    """Measure the held-out pictures of a model by both masks.

    Args:
        segmenter: The model.
        dataset: The data set that it was trained on, or a part of it.
        tta: See :meth:`wbcseg.inference.Segmenter.predict`.

    Raises:
        ManifestError: If a held-out picture is not what it was, naming it.
        DatasetError: If none of them is there.
    """
    ids, rows = [], []
    for sample_id in list_heldout_ids(segmenter, dataset):
        sample = dataset.read(sample_id)
        if sample.mask is None:
            continue
        expert_features = extract_features(sample.image, keep_main_cell(sample.mask))
        computed_features = extract_features(
            sample.image, keep_main_cell(segmenter.predict(sample.image, tta=tta).labels)
        )
        if expert_features is not None and computed_features is not None:
            ids.append(sample_id)
            rows.append((expert_features.values, computed_features.values))
    feature_values = {
        name: tuple((expert_features[name], computed_features[name]) for expert_features, computed_features in rows)
        for name in COMPARED_FEATURES
    }
    return FeaturePairs(segmenter.name, tta, tuple(ids), feature_values)


def _from_json_number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _to_json_value(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_to_json_value(item) for item in value]
    if isinstance(value, float):
        return None if math.isnan(value) else round(value, 5)
    return value
