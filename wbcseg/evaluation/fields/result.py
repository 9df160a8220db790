"""Results of the tests of the cell detector, and their file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Self

from wbcseg.evaluation.result_store import read_result, write_result
from wbcseg.inference.detection.card_records import ClusterMetrics, DetectorMetrics, FieldMetrics, InstanceScore
from wbcseg.paths import RESULTS

FIELDS_FOLDER: Final = RESULTS / "fields"
RESULT_FILE: Final = "cell-detector.json"

CLUSTER_NAMES: Final = {2: "pairs", 3: "triples"}
"""Names of clusters of touching cells, by their number of cells."""


@dataclass(frozen=True)
class FieldScore:
    """Counts of a test.

    Attributes:
        name: Name of the test.
        fields: Number of fields.
        cells: Number of white cells in them.
        detected: Number of cells that were detected.
        false: Number of detections that are no white cell.
        missed_fields: Fields with white cells in which none was detected.
    """

    name: str
    fields: int
    cells: int
    detected: int
    false: int
    missed_fields: int = 0

    @property
    def recall(self) -> float | None:
        """Share of the cells that were detected; ``None`` without cells."""
        return self.detected / self.cells if self.cells else None

    @property
    def precision(self) -> float | None:
        """Share of the detections that are cells; ``None`` without detections."""
        found = self.detected + self.false
        return self.detected / found if found else None

    @property
    def false_per_20_fields(self) -> float:
        """Mean number of false detections in 20 fields."""
        return 20 * self.false / self.fields if self.fields else 0.0


@dataclass(frozen=True)
class TouchingScore:
    """Clusters of touching cells at one overlap.

    Attributes:
        cells: Cells in each cluster.
        overlap: Shared area of two neighbours, relative to the smaller one's area.
        clusters: Number of clusters.
        complete: Number of clusters in which every cell was detected.
        false: Detections that are no cell, such as a box around both.
    """

    cells: int
    overlap: float
    clusters: int
    complete: int
    false: int


@dataclass(frozen=True)
class FieldsResult:
    """Result of the cell detector.

    Attributes:
        detector: SHA-256 of the detector network.
        verifier: SHA-256 of the verifier.
        severity: Severity of the composed fields.
        scores: One for each test.
        touching: Touching cells, by cells of a cluster and overlap.
        instances: Outlines, or ``None`` if they were not measured.
    """

    detector: str
    verifier: str
    severity: float
    scores: tuple[FieldScore, ...]
    touching: tuple[TouchingScore, ...] = ()
    instances: InstanceScore | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return {**asdict(self), "scores": list(map(asdict, self.scores)), "touching": list(map(asdict, self.touching))}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Read what :meth:`to_dict` returned."""
        instances = values["instances"]
        return cls(
            values["detector"],
            values["verifier"],
            values["severity"],
            tuple(FieldScore(**row) for row in values["scores"]),
            tuple(TouchingScore(**row) for row in values["touching"]),
            InstanceScore(**instances) if instances else None,
        )

    def write(self, folder: Path) -> Path:
        """Write the result to a folder. Return the file."""
        folder.mkdir(parents=True, exist_ok=True)
        write_result(folder / RESULT_FILE, self.to_dict())
        return folder / RESULT_FILE


def load_fields_result(folder: Path = FIELDS_FOLDER) -> FieldsResult | None:
    """Return the result in a folder, by default the shipped one; ``None`` if there is none."""
    path = folder / RESULT_FILE
    return FieldsResult.from_dict(read_result(path)) if path.exists() else None


def summarise_fields(result: FieldsResult) -> DetectorMetrics:
    """Return the metrics for the detector's card."""
    touching = {
        name: ClusterMetrics(
            clusters=sum(score.clusters for score in result.touching if score.cells == cells),
            complete=sum(score.complete for score in result.touching if score.cells == cells),
        )
        for cells, name in CLUSTER_NAMES.items()
        if any(score.cells == cells for score in result.touching)
    }
    tests = {
        score.name: FieldMetrics(
            score.fields,
            score.cells,
            score.detected,
            score.false,
            score.missed_fields,
            _round(score.recall),
            _round(score.precision),
        )
        for score in result.scores
    }
    return DetectorMetrics(result.severity, tests, touching, result.instances)


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
