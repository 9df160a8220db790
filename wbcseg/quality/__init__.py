"""Assess whether a segmentation can be trusted."""

from wbcseg.quality.model import MAX_REASONS, QualityModel, QualityResult, load_quality_model
from wbcseg.quality.reasons import EMPTY_FIELD_REASON
from wbcseg.quality.status import (
    OK,
    OUT_OF_RANGE,
    REVIEW,
    STATUS_DESCRIPTIONS,
    STATUS_LABELS,
    STATUS_PHRASES,
    STATUSES,
    UNFAMILIAR,
    format_counts,
)

__all__ = [
    "EMPTY_FIELD_REASON",
    "MAX_REASONS",
    "OK",
    "OUT_OF_RANGE",
    "REVIEW",
    "STATUSES",
    "STATUS_DESCRIPTIONS",
    "STATUS_LABELS",
    "STATUS_PHRASES",
    "UNFAMILIAR",
    "QualityModel",
    "QualityResult",
    "format_counts",
    "load_quality_model",
]
