"""Card of the type model: what it is, what it learned from, its calibration and test metrics."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Final

from wbcseg.celltypes.measure import SHAPE_FEATURES
from wbcseg.celltypes.names import SUBTYPE_NAMES, TYPE_NAMES
from wbcseg.celltypes.probabilities import PRIORS, PriorName
from wbcseg.inference.detection import TrainingData
from wbcseg.io.atomic import write_json
from wbcseg.models.card_errors import CARD_FILE, translate_card_errors
from wbcseg.models.file_record import FileRecord

NETWORK_FILE: Final = "types.tflite"
FORMAT_VERSION: Final = 1


@dataclass(frozen=True)
class Calibration:
    """How logits become probabilities, and when a type is given.

    Attributes:
        temperature: The logits are divided by it.
        log_bias: Added to the logits of each of :data:`wbcseg.celltypes.TYPE_NAMES`.
        min_confidence: Minimum probability of the likeliest type; below, the type is *unsure*.
        max_error: Share of wrong types among the typed cells for which that minimum was chosen.
        prior: The prior that is used unless another is chosen.
        feature_mean: Mean of each of the measurements that the network is told.
        feature_deviation: Their standard deviation.
    """

    temperature: float
    log_bias: tuple[float, ...]
    min_confidence: float
    max_error: float
    prior: PriorName
    feature_mean: tuple[float, ...]
    feature_deviation: tuple[float, ...]

    def __post_init__(self) -> None:
        for name in ("log_bias", "feature_mean", "feature_deviation"):
            object.__setattr__(self, name, tuple(float(value) for value in getattr(self, name)))
        if not (self.temperature > 0 and 0 <= self.min_confidence <= 1 and self.prior in PRIORS):
            raise ValueError("calibration out of range")
        if len(self.log_bias) != len(TYPE_NAMES) or not (
            len(self.feature_mean) == len(self.feature_deviation) == len(SHAPE_FEATURES)
        ):
            raise ValueError("calibration of another model")


@dataclass(frozen=True)
class TypeCard:
    """Description of a type model.

    Attributes:
        title: Title for people.
        description: What it is and how it works.
        calibration: How its outputs are read.
        files: Its files by role: ``network``.
        training_data: What it learned from.
        test_metrics: Metrics on cells that it did not learn from, as the evaluation command wrote them.
        notes: What users should know.
        notice: Intended use.
        created: Date and time, ISO 8601, UTC.
        wbcseg_version: Version of wbcseg that created it.
    """

    title: str
    description: str
    calibration: Calibration
    files: Mapping[str, FileRecord] = field(repr=False)
    training_data: tuple[TrainingData, ...] = field(repr=False)
    test_metrics: Mapping[str, Any] = field(repr=False)
    notes: tuple[str, ...]
    notice: str
    created: str
    wbcseg_version: str

    def to_dict(self) -> dict[str, Any]:
        """Return the card as JSON values."""
        return {
            "format": FORMAT_VERSION,
            **{entry.name: getattr(self, entry.name) for entry in fields(self)},
            "types": list(TYPE_NAMES),
            "subtypes": list(SUBTYPE_NAMES),
            "calibration": asdict(self.calibration),
            "files": {role: asdict(record) for role, record in self.files.items()},
            "training_data": [asdict(data) for data in self.training_data],
            "test_metrics": dict(self.test_metrics),
            "notes": list(self.notes),
        }

    def write(self, folder: Path) -> None:
        """Write ``card.json`` atomically."""
        write_json(folder / CARD_FILE, self.to_dict())

    @classmethod
    def read(cls, folder: Path) -> TypeCard:
        """Read ``card.json`` of a folder.

        Raises:
            ModelError: If it is missing or not a valid card.
        """
        with translate_card_errors(folder, "type model"):
            values = json.loads((folder / CARD_FILE).read_text(encoding="utf-8"))
            if (version := values.pop("format")) != FORMAT_VERSION:
                raise ValueError(f"format {version}")
            if values.pop("types") != list(TYPE_NAMES) or values.pop("subtypes") != list(SUBTYPE_NAMES):
                raise ValueError("other types")
            values["calibration"] = Calibration(**values["calibration"])
            values["files"] = {role: FileRecord(**record) for role, record in values["files"].items()}
            values["training_data"] = tuple(TrainingData(**data) for data in values["training_data"])
            values["notes"] = tuple(values["notes"])
            card = cls(**values)
            names = [Path(record.name).name == record.name for record in card.files.values()]
            if set(card.files) != {"network"} or not all(names):
                raise ValueError("files")
        return card
