"""The metrics that evaluations report, each with its definition: one list for commands, pages and files.

A metric registers itself with :func:`register_metric`. From then on evaluations compute and store it, and the Compare
page offers it; results from before do not have it, so it is undefined there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from wbcseg.errors import ConfigError
from wbcseg.io.numbers import nan_if_none, round_or_none
from wbcseg.labels import BACKGROUND, CLASS_NAMES, CYTOPLASM, NUCLEUS, Labels
from wbcseg.metrics import (
    FOREGROUND_REGIONS,
    REGIONS,
    SURFACE_TOLERANCE,
    compute_confusion_counts,
    get_region_mask,
    hausdorff_95,
    surface_dice,
)
from wbcseg.metrics import dice as compute_dice

ALL_CLASSES: Final = "three classes"
CELL_CLASSES: Final = "cytoplasm and nucleus"
WHOLE_IMAGE: Final = "image"

MetricValues = Mapping[str, Any]
"""Metrics of one image as they are stored: by name, a number or numbers by region."""

ComputeMetric = Callable[[Labels, Labels, str], float]
"""From the expert's mask, the predicted labels and a region to a value, NaN where undefined."""

DeriveMetric = Callable[[MetricValues, str], float]
"""From the stored metrics of an image and a region to a value, NaN where undefined."""


@dataclass(frozen=True)
class MetricSpec:
    """A metric of a segmentation.

    Attributes:
        name: Its key in result files.
        title: Its name in tables and menus.
        description: Its definition, for somebody who has never heard of it.
        regions: Regions it is computed of.
        compute: Its function. The value is stored.
        derive: Instead of ``compute``: computes it from stored metrics, so that it needs no place in the files.
        absent_value: Value of a model that rightly finds nothing of a class, where another one finds something.
        lower_is_better: Whether lower values are better.
        unit: ``""`` for fractions, ``"px"`` for distances.
    """

    name: str
    title: str
    description: str
    regions: tuple[str, ...]
    compute: ComputeMetric | None = None
    derive: DeriveMetric | None = None
    absent_value: float = 1.0
    lower_is_better: bool = False
    unit: str = ""

    @property
    def is_of_image(self) -> bool:
        """Whether there is one value for the whole image, not one for each region."""
        return self.regions == (WHOLE_IMAGE,)


METRICS: Final[dict[str, MetricSpec]] = {}
"""All metrics by name, in the order of tables and menus."""


def register_metric(spec: MetricSpec) -> MetricSpec:
    """Add a metric.

    Raises:
        ConfigError: If its name is taken or has a dot, it has no region or an unknown one, or it does not have
            exactly one of ``compute`` and ``derive``.
    """
    if spec.name in METRICS:
        raise ConfigError(f"Metric {spec.name!r} is already registered.")
    if not spec.name.isidentifier():
        raise ConfigError(f"The name of a metric must be an identifier. Received: {spec.name!r}")
    if (spec.compute is None) == (spec.derive is None):
        raise ConfigError(f"Metric {spec.name!r} needs either `compute` or `derive`.")
    if not spec.regions or (spec.compute and not spec.is_of_image and not set(spec.regions) <= set(REGIONS)):
        raise ConfigError(f"Regions of a metric must be among {', '.join(REGIONS)}. Received: {spec.regions}")
    METRICS[spec.name] = spec
    return spec


def compute_metrics(truth: Labels, labels: Labels) -> dict[str, Any]:
    """Compute all stored metrics of an image.

    Args:
        truth: ``uint8[H, W]`` of class ids, the expert's mask.
        labels: Same shape, the prediction.

    Returns:
        JSON values by metric: a number for metrics of the whole image, numbers by region for all others, rounded to 5
        decimals; ``None`` where undefined.
    """
    computed = [(spec, spec.compute) for spec in METRICS.values() if spec.compute is not None]
    result: dict[str, Any] = {
        spec.name: round_or_none(compute(truth, labels, WHOLE_IMAGE)) for spec, compute in computed if spec.is_of_image
    }
    for spec, compute in computed:
        if not spec.is_of_image:
            regions = [region for region in REGIONS if region in spec.regions]
            result[spec.name] = {region: round_or_none(compute(truth, labels, region)) for region in regions}
    return result


def get_metric(values: MetricValues, metric: str, region: str) -> float:
    """Return a metric of an image from what :func:`compute_metrics` returned; NaN where undefined or not stored."""
    spec = METRICS[metric]
    if spec.derive is not None:
        return spec.derive(values, region)
    if metric not in values:
        return float("nan")
    return nan_if_none(values[metric] if spec.is_of_image else values[metric][region])


def _dice(truth: Labels, labels: Labels, region: str) -> float:
    truth_mask, mask = (get_region_mask(item, region).view(np.uint8) for item in (truth, labels))
    return float(compute_dice(compute_confusion_counts(truth_mask, mask, classes=2))[1])


def _of_region(function: Callable[[NDArray[np.bool_], NDArray[np.bool_]], float]) -> ComputeMetric:
    """Return a metric of two masks as one of a region."""
    return lambda truth, labels, region: function(get_region_mask(truth, region), get_region_mask(labels, region))


def _jaccard_from_dice(values: MetricValues, region: str) -> float:
    dice = nan_if_none(values["dice"][region])
    return dice / (2.0 - dice)


def _macro_dice(values: MetricValues, region: str) -> float:
    names = CLASS_NAMES if region == ALL_CLASSES else (CYTOPLASM.name, NUCLEUS.name)
    class_dice = np.array([nan_if_none(values["dice"][name]) for name in names])
    defined = class_dice[~np.isnan(class_dice)]
    return float(defined.mean()) if defined.size else float("nan")


register_metric(
    MetricSpec(
        "dice",
        "Dice",
        "Overlap of the predicted region and the expert's: twice the number of pixels in both, divided by the sum of "
        "the pixels in each. 1 means identical regions, 0 no overlap. Also called F1 score.",
        (*FOREGROUND_REGIONS, BACKGROUND.name),
        _dice,
    )
)
register_metric(
    MetricSpec(
        "jaccard",
        "Jaccard (IoU)",
        "Overlap of the two regions: pixels in both, divided by pixels in either (intersection over union). Never "
        "above Dice: Jaccard = Dice / (2 − Dice).",
        (*FOREGROUND_REGIONS, BACKGROUND.name),
        derive=_jaccard_from_dice,
    )
)
register_metric(
    MetricSpec(
        "surface_dice",
        f"Surface Dice at {SURFACE_TOLERANCE:g} px",
        f"Fraction of the two outlines that lies within {SURFACE_TOLERANCE:g} pixels of the other outline. 1 means "
        "that the outline is correct everywhere (Nikolov et al., 2018).",
        FOREGROUND_REGIONS,
        _of_region(surface_dice),
    )
)
register_metric(
    MetricSpec(
        "hausdorff_95",
        "Hausdorff distance (95%)",
        "Largest distance between the two outlines, ignoring the worst 5% of their pixels: 95% of either outline is "
        "at most this far from the other. In pixels; 0 is best.",
        FOREGROUND_REGIONS,
        _of_region(hausdorff_95),
        absent_value=0.0,
        lower_is_better=True,
        unit="px",
    )
)
register_metric(
    MetricSpec(
        "macro_dice",
        "Mean Dice (macro F1)",
        "Mean Dice of the classes in an image: of background, cytoplasm and nucleus, as MedSegBench reports it, or of "
        "cytoplasm and nucleus only. It is higher with the background.",
        (ALL_CLASSES, CELL_CLASSES),
        derive=_macro_dice,
    )
)
register_metric(
    MetricSpec(
        "accuracy",
        "Pixel accuracy",
        "Fraction of pixels whose class is correct. Always high if the background is large.",
        (WHOLE_IMAGE,),
        lambda truth, labels, _: float((truth == labels).mean()),
    )
)
