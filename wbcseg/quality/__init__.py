"""Assess whether a segmentation can be trusted."""

from wbcseg.quality.model import (
    MAX_REASONS,
    OK,
    OUT_OF_RANGE,
    REVIEW,
    STATUS_DESCRIPTIONS,
    STATUS_LABELS,
    STATUS_PHRASES,
    STATUSES,
    QualityModel,
    QualityResult,
    format_counts,
    load_quality_model,
)

__all__ = [
    "MAX_REASONS",
    "OK",
    "OUT_OF_RANGE",
    "REVIEW",
    "STATUSES",
    "STATUS_DESCRIPTIONS",
    "STATUS_LABELS",
    "STATUS_PHRASES",
    "QualityModel",
    "QualityResult",
    "format_counts",
    "load_quality_model",
]
