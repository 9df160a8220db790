"""All figures of the entries in one table, outlines included, and all scores to download."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from wbcseg.evaluation.comparison import list_available_metrics
from wbcseg.evaluation.entries.cost import COSTS, compute_training_minutes
from wbcseg.evaluation.metric_specs import METRICS
from wbcseg.metrics import FOREGROUND_REGIONS
from wbcseg.ui.compare.ranking.selection import Selection
from wbcseg.ui.components.table import show_table
from wbcseg.ui.formatting import MISSING_TEXT, escape_markdown, format_duration, format_integer, format_region
from wbcseg.ui.glossary import GLOSSARY

OUTLINE_METRICS: Final = ("surface_dice", "hausdorff_95")
"""Metrics of outlines."""


def show_means(selection: Selection) -> None:
    """Show mean, rank, size and training time of every entry."""
    st.subheader(
        "Means",
        help="  \n".join(f"**{term}** {GLOSSARY[term]}" for term in ("±", "Confidence interval", "CPU time")),
    )
    crop = COSTS["crop"].compute
    header = ["Network", "", "Mean", "±", "95% confidence", "Rank", "CPU time", "Crop (ms)", "Parameters"]
    rows = []
    for number, (entry, ranked) in enumerate(
        zip(selection.ranked_entries, selection.ranking.entries, strict=True), start=1
    ):
        summary, minutes, milliseconds = ranked.summary, compute_training_minutes(entry), crop(entry)
        rows.append(
            [
                escape_markdown(entry.title),
                str(number),
                f"**{selection.format_value(summary.mean)}**",
                selection.format_value(summary.standard_error),
                selection.format_interval(summary.ci_low, summary.ci_high) or MISSING_TEXT,
                f"{ranked.average_rank:.2f}",
                format_duration(None if minutes is None else 60 * minutes),
                MISSING_TEXT if milliseconds is None else f"{milliseconds:.1f}",
                format_integer(entry.result.parameters) if entry.result.parameters else MISSING_TEXT,
            ]
        )
    show_table(header, rows, "Means")


def show_outlines(selection: Selection) -> None:
    """Show how well the outlines fit, for each region."""
    results = [entry.result for entry in selection.entries]
    metrics = [metric for metric in list_available_metrics(results) if metric.name in OUTLINE_METRICS]
    st.subheader("Outlines", help="\n\n".join(f"**{metric.title}** {metric.description}" for metric in metrics))
    columns = [(metric, region) for metric in metrics for region in FOREGROUND_REGIONS if region in metric.regions]
    header = ["Network", "", *(f"{_SHORT[metric.name]}, {format_region(region).lower()}" for metric, region in columns)]
    cells = [_format_column(selection, metric.name, region) for metric, region in columns]
    rows = [
        [escape_markdown(entry.title), str(number), *(column[number - 1] for column in cells)]
        for number, entry in enumerate(selection.ranked_entries, start=1)
    ]
    show_table(header, rows, "Outlines")


_SHORT: Final = {"surface_dice": "Surface Dice", "hausdorff_95": "Distance (px)"}


def _format_column(selection: Selection, metric: str, region: str) -> list[str]:
    """Return the means of a metric, the best in bold."""
    scores = selection.load_scores(metric, region)
    means = [_mean(scores.values[:, scores.keys.index(entry.key)]) for entry in selection.ranked_entries]
    spec = METRICS[metric]
    digits = 2 if spec.unit else 4
    texts = [MISSING_TEXT if math.isnan(mean) else f"{mean:.{digits}f}" for mean in means]
    defined = [mean for mean in means if not math.isnan(mean)]
    best = f"{(min if spec.lower_is_better else max)(defined):.{digits}f}" if defined else ""
    return [f"**{text}**" if text == best else text for text in texts]


def _mean(column: NDArray[np.float64]) -> float:
    defined = column[~np.isnan(column)]
    return float(defined.mean()) if defined.size else math.nan
