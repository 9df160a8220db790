"""Metrics of a segmentation against an expert's mask, and the statistics of many images."""

from wbcseg.metrics.boundary import (
    SURFACE_TOLERANCE,
    compute_outline_distances,
    find_outline,
    hausdorff_95,
    surface_dice,
)
from wbcseg.metrics.overlap import (
    CELL,
    FOREGROUND_REGIONS,
    REGIONS,
    ConfusionCounts,
    Scores,
    accuracy_per_class,
    compute_confusion_counts,
    dice,
    get_cell_mask,
    get_region_mask,
    jaccard,
    score,
)
from wbcseg.metrics.stats import (
    Comparison,
    apply_holm_correction,
    compare,
    compute_confidence_interval,
    compute_mean_and_standard_error,
    compute_wilcoxon_p_value,
    pair_defined_values,
)

__all__ = [
    "CELL",
    "FOREGROUND_REGIONS",
    "REGIONS",
    "SURFACE_TOLERANCE",
    "Comparison",
    "ConfusionCounts",
    "Scores",
    "accuracy_per_class",
    "apply_holm_correction",
    "compare",
    "compute_confidence_interval",
    "compute_confusion_counts",
    "compute_mean_and_standard_error",
    "compute_outline_distances",
    "compute_wilcoxon_p_value",
    "dice",
    "find_outline",
    "get_cell_mask",
    "get_region_mask",
    "hausdorff_95",
    "jaccard",
    "pair_defined_values",
    "score",
    "surface_dice",
]
