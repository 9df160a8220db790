"""Card of the cell detector: what it is, what it learned from, its thresholds and test metrics."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Final

from wbcseg.inference.detection.card_records import DetectorMetrics
from wbcseg.io.atomic import write_json
from wbcseg.io.records import read_record
from wbcseg.models.card_errors import CARD_FILE, translate_card_errors
from wbcseg.models.file_record import FileRecord

DETECTOR_FILE: Final = "detector.tflite"
VERIFIER_FILE: Final = "verifier.tflite"
FORMAT_VERSION: Final = 1


@dataclass(frozen=True)
class Thresholds:
    """When a candidate is a cell. All values are from 0 to 1.

    Attributes:
        candidate_heat: Minimum height of a peak in the heat map for a candidate.
        duplicate_iou: Candidates that overlap more than this (intersection over union) are the same.
        cell_score: Minimum score of a cell.
        overlap_iou: Of two cells that overlap more than this, the one with the lower score is dropped.
        contained_fraction: The same, for the fraction of the smaller box that both share.
        heat_weight: Weight of the heat in the score, against the verifier's probability (geometric mean).
        edge_penalty: Subtracted from the score at the image edge, where cut red cells resemble white cells.
    """

    candidate_heat: float
    duplicate_iou: float
    cell_score: float
    overlap_iou: float
    contained_fraction: float
    heat_weight: float
    edge_penalty: float

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if not 0 <= value <= 1:
                raise ValueError(f"threshold {name} must be from 0 to 1, not {value}")


@dataclass(frozen=True)
class TrainingData:
    """Images that the detector learned from.

    Attributes:
        name: Name of the data set.
        use: What they were used for.
        authors: Authors and publication.
        licence: Licence.
    """

    name: str
    use: str
    authors: str
    licence: str


@dataclass(frozen=True)
class DetectorCard:
    """Description of a cell detector.

    Attributes:
        title: Title for people.
        description: What it is and how it works.
        thresholds: When a candidate is a cell.
        files: Its files by role: ``detector`` and ``verifier``.
        training_data: What it learned from.
        test_metrics: Metrics on images that it did not learn from, or ``None`` if it was not tested.
        notes: What users should know.
        notice: Intended use.
        created: Date and time, ISO 8601, UTC.
        wbcseg_version: Version of wbcseg that created it.
    """

    title: str
    description: str
    thresholds: Thresholds
    files: Mapping[str, FileRecord] = field(repr=False)
    training_data: tuple[TrainingData, ...] = field(repr=False)
    test_metrics: DetectorMetrics | None = field(repr=False)
    notes: tuple[str, ...]
    notice: str
    created: str
    wbcseg_version: str

    def to_dict(self) -> dict[str, Any]:
        """Return the card as JSON values."""
        return {
            "format": FORMAT_VERSION,
            **{entry.name: getattr(self, entry.name) for entry in fields(self)},
            "thresholds": asdict(self.thresholds),
            "files": {role: asdict(record) for role, record in self.files.items()},
            "training_data": [asdict(data) for data in self.training_data],
            "test_metrics": asdict(self.test_metrics) if self.test_metrics else None,
            "notes": list(self.notes),
        }

    def write(self, folder: Path) -> None:
        """Write ``card.json`` atomically."""
        write_json(folder / CARD_FILE, self.to_dict())

    @classmethod
    def read(cls, folder: Path) -> DetectorCard:
        """Read ``card.json`` of a folder.

        Raises:
            ModelError: If it is missing or not a valid card.
        """
        with translate_card_errors(folder, "cell detector"):
            values = json.loads((folder / CARD_FILE).read_text(encoding="utf-8"))
            if (version := values.pop("format")) != FORMAT_VERSION:
                raise ValueError(f"format {version}")
            values["thresholds"] = Thresholds(**values["thresholds"])
            values["files"] = {role: FileRecord(**record) for role, record in values["files"].items()}
            values["training_data"] = tuple(TrainingData(**data) for data in values["training_data"])
            if (metrics := values["test_metrics"]) is not None:
                values["test_metrics"] = read_record(DetectorMetrics, metrics, "test_metrics")
            values["notes"] = tuple(values["notes"])
            card = cls(**values)
            names = [Path(record.name).name == record.name for record in card.files.values()]
            if set(card.files) != {"detector", "verifier"} or not all(names):
                raise ValueError("files")
        return card
