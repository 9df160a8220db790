"""Curves of several runs in one chart, and the settings in which they differ."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Final

import streamlit as st

from wbcseg.metrics import FOREGROUND_REGIONS
from wbcseg.models.looks import assign_looks
from wbcseg.training.runs.summary import RunSummary, diff_configs, summarise_run
from wbcseg.ui.components import line_charts
from wbcseg.ui.components.line_charts import (
    DASHED,
    LIVE_REFRESH_SECONDS,
    METRIC_TITLES,
    SOLID,
    TRAINING,
    VALIDATION,
    Band,
    Point,
    Series,
    compute_ema,
    extract_values,
)
from wbcseg.ui.components.run_status import format_leaky_badge
from wbcseg.ui.components.table import show_table
from wbcseg.ui.formatting import MISSING_TEXT, escape_markdown, format_mean, format_region
from wbcseg.ui.glossary import GLOSSARY
from wbcseg.ui.runs.marks import get_mark
from wbcseg.ui.train.fields import FIELDS

DASH_PATTERNS: Final = (SOLID, line_charts.DASHED, line_charts.DASH_DOT, line_charts.DOTTED)
DEFAULT_METRIC: Final = "dice_cell"
EPOCH_AXIS: Final = "Epochs"
TIME_AXIS: Final = "Minutes"
LINEAR_SCALE: Final = "Linear"
LOG_SCALE: Final = "Log"
MAX_RUNS: Final = 16
"""Number of runs whose curves can be told apart."""


def show_run_curves(selected: Sequence[RunSummary]) -> None:
    """Show the curves of the selected runs; they update while one of them is active."""
    any_active = any(summary.is_active for summary in selected)
    st.fragment(_render_curves, run_every=LIVE_REFRESH_SECONDS if any_active else None)(tuple(selected), any_active)


def show_scores(selected: Sequence[RunSummary]) -> None:
    """Show the score of each selected run's model on its held-out images, with its interval."""
    scored = [summary for summary in selected if summary.heldout_dice]
    if len(selected) < 2 or not scored:
        return
    rows = [
        [
            escape_markdown(summary.name),
            *(format_mean(summary.heldout_dice.get(region)) for region in FOREGROUND_REGIONS),
            f"{summary.heldout_interval[0]:.3f} to {summary.heldout_interval[1]:.3f}"
            if summary.heldout_interval
            else MISSING_TEXT,
            str(summary.heldout_images),
        ]
        for summary in scored
    ]
    show_table(
        ["Model", *(format_region(region) for region in FOREGROUND_REGIONS), "Cell, 95 % interval", "Images"],
        rows,
        "Dice of each model on its own held-out images",
    )


def show_config_diff(selected: Sequence[RunSummary]) -> None:
    """Show the settings in which the selected runs differ."""
    configs = {summary.name: summary.config for summary in selected if summary.config is not None}
    if len(configs) < 2:
        return
    st.subheader("Differing settings")
    diff = diff_configs(configs)
    if not diff:
        st.caption("None: all settings are the same.")
        return
    rows = []
    for name, values in diff.items():
        texts = (FIELDS[name].format_value(values[run_name]) for run_name in configs)
        rows.append([escape_markdown(FIELDS[name].label), *map(escape_markdown, texts)])
    show_table(["Setting", *map(escape_markdown, configs)], rows, "Settings of the runs")


def overlay_runs(
    selected: Sequence[RunSummary], metric: str, subsets: Sequence[str], *, by_time: bool, smoothing: float
) -> tuple[list[Point], list[Series]]:
    """Return the curves of several runs.

    Args:
        selected: The runs.
        metric: Name of the metric in the rows of an epoch, without ``val_``.
        subsets: Which of :data:`VALIDATION` and :data:`TRAINING`.
        by_time: Whether x is the training time in minutes and not the epoch.
        smoothing: See :func:`wbcseg.ui.components.line_charts.compute_ema`.
    """
    points: list[Point] = []
    series: list[Series] = []
    looks = assign_looks([summary.config.architecture if summary.config else "" for summary in selected])
    for index, (summary, look) in enumerate(zip(selected, looks, strict=True)):
        shape, glyph = get_mark(look.marker)
        rows = summary.run.load_metrics()
        minutes = list(accumulate(row.get("seconds", 0.0) / 60 for row in rows))
        for subset in subsets:
            suffix = "" if len(subsets) == 1 else f"{line_charts.SUBSET_SEPARATOR}{subset.lower()}"
            series_name = summary.name + suffix
            values = extract_values(rows, ("val_" if subset == VALIDATION else "") + metric)
            curve = compute_ema([(minutes[epoch - 1] if by_time else epoch, y) for epoch, y in values], smoothing)
            points += [(x, y, series_name) for x, y in curve]
            # With one subset only, the dashes are free to tell apart runs whose curves overlap.
            run_dash = DASH_PATTERNS[index % len(DASH_PATTERNS)]
            dash = run_dash if len(subsets) == 1 else DASHED if subset == TRAINING else SOLID
            series.append(Series(series_name, look.color, dash, shape, glyph=glyph))
    return points, series


def group_repeats(selected: Sequence[RunSummary]) -> list[list[RunSummary]]:
    """Group runs that repeat a training with another seed, in the order of the runs."""
    groups: dict[str, list[RunSummary]] = {}
    for summary in selected:
        # A run that cannot be read is alone.
        key = summary.config.replace(seed=0).compute_hash() if summary.config else summary.name
        groups.setdefault(key, []).append(summary)
    return list(groups.values())


def overlay_repeats(
    groups: Sequence[Sequence[RunSummary]], metric: str, *, smoothing: float
) -> tuple[list[Point], list[Series], list[Band]]:
    """Return for each group of repeats the mean curve of the validation images, and the band from lowest to highest.

    Args:
        groups: Runs that differ in their seed only, see :func:`group_repeats`.
        metric: Name of the metric in the rows of an epoch, without ``val_``.
        smoothing: See :func:`wbcseg.ui.components.line_charts.compute_ema`.
    """
    points: list[Point] = []
    series: list[Series] = []
    bands: list[Band] = []
    looks = assign_looks([group[0].config.architecture if group[0].config else "" for group in groups])
    for index, (group, look) in enumerate(zip(groups, looks, strict=True)):
        name = group[0].name if len(group) == 1 else f"{group[0].name} and {len(group) - 1} more seeds"
        by_epoch: dict[int, list[float]] = {}
        for summary in group:
            for epoch, y in compute_ema(extract_values(summary.run.load_metrics(), f"val_{metric}"), smoothing):
                by_epoch.setdefault(int(epoch), []).append(y)
        points += [(epoch, sum(values) / len(values), name) for epoch, values in sorted(by_epoch.items())]
        if len(group) > 1:
            bands += [(epoch, min(values), max(values), name) for epoch, values in sorted(by_epoch.items())]
        shape, glyph = get_mark(look.marker)
        series.append(Series(name, look.color, DASH_PATTERNS[index % len(DASH_PATTERNS)], shape, glyph=glyph))
    return points, series, bands


def _render_curves(selected: Sequence[RunSummary], was_active: bool) -> None:
    if was_active and not any(summarise_run(summary.run).is_active for summary in selected):
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        metric = st.selectbox(
            "Metric",
            list(METRIC_TITLES),
            index=list(METRIC_TITLES).index(DEFAULT_METRIC),
            format_func=METRIC_TITLES.__getitem__,
            width=190,
            key="metric",
        )
        subsets = st.pills(
            "Images",
            (VALIDATION, TRAINING),
            selection_mode="multi",
            default=[VALIDATION],
            key="subsets",
            help=GLOSSARY["Held-out"],
        )
        y_scale = st.segmented_control(
            "Scale", (LINEAR_SCALE, LOG_SCALE), default=LINEAR_SCALE, required=True, key="scale"
        )
        x_axis = st.segmented_control(
            "X axis", (EPOCH_AXIS, TIME_AXIS), default=EPOCH_AXIS, required=True, key="x_axis"
        )
        smoothing = st.slider("Smoothing", 0.0, 0.95, 0.0, 0.05, width=180, key="smoothing", help=GLOSSARY["Smoothing"])
        groups = group_repeats(selected[:MAX_RUNS])
        as_bands = len(groups) < min(len(selected), MAX_RUNS) and st.toggle(
            "Seeds as a band",
            True,
            key="bands",
            help="Runs that differ in their seed only: the mean, and the band from the lowest to the highest.",
        )
    by_time = x_axis == TIME_AXIS and not as_bands
    bands: list[Band] = []
    if as_bands:
        points, series, bands = overlay_repeats(groups, metric, smoothing=smoothing)
    else:
        points, series = overlay_runs(selected[:MAX_RUNS], metric, subsets, by_time=by_time, smoothing=smoothing)
    if not points:
        st.caption("None of the selected runs has values of this metric yet.")
        return
    line_charts.show_line_chart(
        points,
        series,
        x_title="Training time (minutes)" if by_time else "Epoch",
        y_title=METRIC_TITLES[metric],
        alt=f"{METRIC_TITLES[metric]} of {len(selected)} runs, {', '.join(subsets).lower()}",
        key="overlay",
        live=was_active,
        log=y_scale == LOG_SCALE,
        height=380,
        bands=bands,
    )
    hints = ([line_charts.DASH_EXPLANATION] if len(subsets) > 1 else []) + (
        [] if was_active else [line_charts.ZOOM_HINT]
    )
    if hints:
        st.caption(" ".join(hints))
    if len(selected) > MAX_RUNS:
        st.caption(f"Only the first {MAX_RUNS} of the {len(selected)} selected runs are shown.")
    leaky_names = [summary.name for summary in selected if summary.config is not None and summary.config.is_leaky]
    if len(selected) > 1 and leaky_names and VALIDATION in subsets:
        st.markdown(
            f"{format_leaky_badge()} {escape_markdown(', '.join(leaky_names))}: most of the validation images show a "
            "cell that is also in training, so these scores are optimistic.",
            help=GLOSSARY["Leaky split"],
        )
