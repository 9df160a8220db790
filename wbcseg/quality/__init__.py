"""Whether a result can be trusted: what it looks like in numbers, and who judges by them."""

from wbcseg.quality.model import (
    MAX_REASONS,
    OK,
    OUT_OF_RANGE,
    REVIEW,
    STATUS_DESCRIPTIONS,
    STATUSES,
    ImageEdges,
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
    "ImageEdges",
    "QualityModel",
    "QualityResult",
    "format_counts",
    "load_quality_model",
]
