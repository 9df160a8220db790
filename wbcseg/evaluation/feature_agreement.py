"""Agreement of cell measurements from a model's masks with those from the experts' masks of held-out images."""

from __future__ import annotations

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
from wbcseg.io.numbers import nan_if_none, round_or_none
from wbcseg.metrics import bland_altman
from wbcseg.metrics.bland_altman import BlandAltman
from wbcseg.paths import RESULTS

FEATURE_AGREEMENT_FOLDER: Final = RESULTS / "feature_agreement"

COMPARED_FEATURES: Final = tuple(name for name in FEATURES if name != "touches_edge")


@dataclass(frozen=True)
class FeaturePairs:
    """All measurements of the held-out images, from the expert's mask and from the model's.

    Attributes:
        model: The model's name.
        tta: Whether it predicted with test-time averaging.
        ids: The images; those in which either mask has no cell are excluded.
        feature_values: By measurement, one pair (expert, model) for each image; NaN where undefined.
    """

    model: str
    tta: bool
    ids: tuple[str, ...]
    feature_values: Mapping[str, tuple[tuple[float, float], ...]]

    def compute_agreement(self, name: str) -> BlandAltman:
        """Return the agreement of one measurement."""
        expert, computed = zip(*self.feature_values[name], strict=True)
        return bland_altman.compute_bland_altman(expert, computed)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values, including the agreement of each measurement."""
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
            name: tuple((nan_if_none(expert), nan_if_none(computed)) for expert, computed in pairs)
            for name, pairs in values["pairs"].items()
        }
        return cls(values["model"], values["tta"], tuple(values["ids"]), feature_values)

    def write(self, folder: Path = FEATURE_AGREEMENT_FOLDER) -> Path:
        """Write the result. Returns its file."""
        path = folder / f"{self.model}{'-tta' if self.tta else ''}.json"
        folder.mkdir(parents=True, exist_ok=True)
        write_result(path, self.to_dict())
        return path


def compute_feature_pairs(segmenter: Segmenter, dataset: Dataset, *, tta: bool = False) -> FeaturePairs:
    """Measure the held-out images of a model with both masks.

    Args:
        segmenter: The model.
        dataset: The data set it was trained on, or a part of it.
        tta: Whether to predict with test-time averaging.

    Raises:
        ManifestError: If a held-out image has changed.
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


def _to_json_value(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_to_json_value(item) for item in value]
    if isinstance(value, float):
        return round_or_none(value)
    return value
