"""Parts of the detector's card: how well it detects the cells of fields that it did not learn from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class FieldMetrics:
    """Counts of a test on fields of view.

    Attributes:
        fields: Number of fields.
        cells: Number of white cells in them.
        detected: Number of cells that were detected.
        false: Number of detections that are no white cell.
        missed_fields: Number of fields with white cells in which none was detected.
        recall: Fraction of the cells that were detected; ``None`` without cells.
        precision: Fraction of the detections that are cells; ``None`` without detections.
    """

    fields: int
    cells: int
    detected: int
    false: int
    missed_fields: int
    recall: float | None
    precision: float | None


@dataclass(frozen=True)
class ClusterMetrics:
    """Clusters of touching cells.

    Attributes:
        clusters: Number of clusters.
        complete: Number of clusters in which every cell was detected.
    """

    clusters: int
    complete: int


@dataclass(frozen=True)
class InstanceScore:
    """Outlines of cells in composed fields, compared with exact ones or an expert's.

    Attributes:
        model: Name of the segmentation model.
        cells: Number of cells with such an outline.
        matched: Number of those with an instance of Dice 0.5 or more.
        mean_dice: Mean Dice of the matched cells, ``None`` if there are none.
    """

    model: str
    cells: int
    matched: int
    mean_dice: float | None


@dataclass(frozen=True)
class DetectorMetrics:
    """Metrics of a cell detector.

    Attributes:
        severity: Severity of the composed fields.
        tests: Counts by name of the test.
        touching: Touching cells by kind of cluster (``pairs``, ``triples``); empty if they were not tested.
        instances: Outlines, or ``None`` if they were not measured.
    """

    severity: float
    tests: Mapping[str, FieldMetrics]
    touching: Mapping[str, ClusterMetrics]
    instances: InstanceScore | None
