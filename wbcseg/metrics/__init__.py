"""How well a segmentation agrees with the expert's mask: overlap, outlines, and what many pictures say together."""

from wbcseg.metrics.boundary import TOLERANCE, hausdorff_95, outline, outline_distances, surface_dice
from wbcseg.metrics.overlap import (
    CELL,
    REGIONS,
    Counts,
    Scores,
    accuracy_per_class,
    confusion_counts,
    dice,
    jaccard,
    pixel_accuracy,
    score,
    whole_cell,
)
from wbcseg.metrics.stats import (
    Comparison,
    compare,
    confidence_interval,
    holm,
    mean_and_standard_error,
    paired,
    signed_rank,
)

__all__ = [
    "CELL",
    "REGIONS",
    "TOLERANCE",
    "Comparison",
    "Counts",
    "Scores",
    "accuracy_per_class",
    "compare",
    "confidence_interval",
    "confusion_counts",
    "dice",
    "hausdorff_95",
    "holm",
    "jaccard",
    "mean_and_standard_error",
    "outline",
    "outline_distances",
    "paired",
    "pixel_accuracy",
    "score",
    "signed_rank",
    "surface_dice",
    "whole_cell",
]
