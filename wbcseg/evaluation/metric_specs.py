"""The figures that evaluations report, each with its definition: one list for the terminal, the page and the files."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from wbcseg.labels import CLASS_NAMES, CYTOPLASM, NUCLEUS, Labels
from wbcseg.metrics import CELL, REGIONS, SURFACE_TOLERANCE, get_cell_mask, hausdorff_95, score, surface_dice

STORED_DECIMALS: Final = 5
OUTLINED_REGIONS: Final = (CYTOPLASM.name, NUCLEUS.name, CELL)
"""Regions that have an outline of interest."""

ALL_CLASSES: Final = "three classes"
CELL_CLASSES: Final = "cytoplasm and nucleus"
WHOLE_IMAGE: Final = "picture"


@dataclass(frozen=True)
class MetricSpec:
    """What is measured of a segmentation.

    Attributes:
        name: Its key in result files.
        title: What tables call it.
        description: Its definition, for somebody who never heard of it.
        regions: Of which regions there is one.
        absent_value: What a network gets that rightly finds nothing of a class, where another one found something.
        lower_is_better: Whether less is better.
        unit: ``""`` for shares, ``"px"`` for distances.
    """

    name: str
    title: str
    description: str
    regions: tuple[str, ...]
    absent_value: float = 1.0
    lower_is_better: bool = False
    unit: str = ""


METRICS: Final[dict[str, MetricSpec]] = {
    spec.name: spec
    for spec in (
        MetricSpec(
            "dice",
            "Dice",
            "How much the network's area and the expert's overlap: twice the pixels in both, divided by the pixels of "
            "the one plus those of the other. 1 is the same area, 0 is nothing in common. Also called F1.",
            (NUCLEUS.name, CYTOPLASM.name, CELL, "background"),
        ),
        MetricSpec(
            "jaccard",
            "Jaccard (IoU)",
            "How much the two areas overlap: the pixels in both, divided by the pixels in either. Never above Dice: "
            "Jaccard = Dice / (2 − Dice).",
            (NUCLEUS.name, CYTOPLASM.name, CELL, "background"),
        ),
        MetricSpec(
            "surface_dice",
            f"Surface Dice at {SURFACE_TOLERANCE:g} px",
            f"Which share of the two outlines lies within {SURFACE_TOLERANCE:g} pixels of the other outline. 1 means that the "
            "outline is right wherever one looks (Nikolov et al., 2018).",
            OUTLINED_REGIONS,
        ),
        MetricSpec(
            "hausdorff_95",
            "Hausdorff distance (95 %)",
            "How far apart the outlines are at their worst, leaving away the worst twentieth of their pixels: 95 % of "
            "either outline is at most so far from the other. In pixels, 0 is best.",
            OUTLINED_REGIONS,
            absent_value=0.0,
            lower_is_better=True,
            unit="px",
        ),
        MetricSpec(
            "macro_dice",
            "Mean Dice (macro F1)",
            "The mean of the classes' Dice in a picture, those that are in it: of background, cytoplasm and nucleus, "
            "as MedSegBench reports it, or of cytoplasm and nucleus only. With the background it is higher.",
            (ALL_CLASSES, CELL_CLASSES),
        ),
        MetricSpec(
            "accuracy",
            "Pixel accuracy",
            "The share of pixels whose class is right. High wherever the background is large.",
            (WHOLE_IMAGE,),
        ),
    )
}
"""Every figure, in the order of tables and menus."""

MetricValues = Mapping[str, Any]


def compute_metrics(truth: Labels, labels: Labels) -> dict[str, Any]:
    """Compare a segmentation with the expert's mask.

    Args:
        truth: ``uint8[H, W]`` of class ids.
        labels: The same shape.

    Returns:
        JSON values: ``accuracy``, and by region ``dice``, ``surface_dice`` and ``hausdorff_95``, rounded to 5 digits;
        ``None`` where undefined. The Jaccard index of a picture follows from its Dice.
    """
    overlap_scores = score(truth, labels)
    result: dict[str, Any] = {"accuracy": _to_json_number(overlap_scores.accuracy)}
    result["dice"] = {region: _to_json_number(overlap_scores.dice[region]) for region in REGIONS}
    for boundary_metric in (surface_dice, hausdorff_95):
        result[boundary_metric.__name__] = {
            region: _to_json_number(boundary_metric(get_region_mask(truth, region), get_region_mask(labels, region)))
            for region in OUTLINED_REGIONS
        }
    return result


def get_region_mask(labels: Labels, region: str) -> Any:
    """Return ``bool[H, W]``: true where a mask has a region (a class, or the whole cell)."""
    return get_cell_mask(labels) if region == CELL else labels == CLASS_NAMES.index(region)


def get_metric(scores: MetricValues, metric: str, region: str) -> float:
    """Return one figure of a picture from what :func:`compute_metrics` returned; NaN where undefined."""
    if metric == "accuracy":
        return _from_json_number(scores["accuracy"])
    if metric == "macro_dice":
        names = CLASS_NAMES if region == ALL_CLASSES else (CYTOPLASM.name, NUCLEUS.name)
        defined = [
            class_dice for name in names if not math.isnan(class_dice := _from_json_number(scores["dice"][name]))
        ]
        return float(np.mean(defined)) if defined else math.nan
    if metric == "jaccard":
        dice = _from_json_number(scores["dice"][region])
        return dice / (2.0 - dice)
    return _from_json_number(scores[metric][region])


def _to_json_number(number: float) -> float | None:
    return None if math.isnan(number) else round(number, STORED_DECIMALS)


def _from_json_number(number: float | None) -> float:
    return math.nan if number is None else float(number)
