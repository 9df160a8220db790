"""Curves of several trainings in one chart, and what sets them apart."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Final

import streamlit as st

from wbcseg.training.runs.summary import RunSummary, diff_configs, summarise_run
from wbcseg.ui.components import line_charts
from wbcseg.ui.components.line_charts import (
    COLOURS,
    DASHED,
    HELD_OUT,
    MARKER_SHAPES,
    SOLID,
    TRAINING,
    Point,
    Series,
    compute_ema,
    extract_values,
)
from wbcseg.ui.components.table import show_table
from wbcseg.ui.formatting import escape_markdown
from wbcseg.ui.glossary import GLOSSARY
from wbcseg.ui.train.fields import FIELDS
from wbcseg.ui.train.live import LIVE_REFRESH_SECONDS, METRIC_TITLES

DASH_PATTERNS: Final = (SOLID, line_charts.DASHED, line_charts.DASH_DOT, line_charts.DOTTED)
EPOCH_AXIS: Final = "Epochs"
TIME_AXIS: Final = "Minutes"
MAX_RUNS: Final = len(COLOURS) * 2
"""Runs whose curves can still be told apart."""


def show_run_curves(selected: Sequence[RunSummary]) -> None:
    """Show the curves of the chosen runs; while one of them goes on, they follow."""
    any_active = any(summary.is_active for summary in selected)
    st.fragment(_render_curves, run_every=LIVE_REFRESH_SECONDS if any_active else None)(tuple(selected), any_active)


def show_config_diff(selected: Sequence[RunSummary]) -> None:
    """Show the settings in which the chosen runs differ."""
    configs = {summary.name: summary.config for summary in selected if summary.config is not None}
    if len(configs) < 2:
        return
    st.subheader("What sets them apart")
    diff = diff_configs(configs)
    if not diff:
        st.caption("Nothing: all their settings are the same.")
        return
    rows = [
        [
            escape_markdown(FIELDS[name].label),
            *(escape_markdown(FIELDS[name].format_value(values[run_name])) for run_name in configs),
        ]
        for name, values in diff.items()
    ]
    show_table(["Setting", *map(escape_markdown, configs)], rows, "Settings of the runs")


def _render_curves(selected: Sequence[RunSummary], was_active: bool) -> None:
    if was_active and not any(summarise_run(summary.run).is_active for summary in selected):
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        metric = st.selectbox(
            "Curve of", list(METRIC_TITLES), index=5, format_func=METRIC_TITLES.__getitem__, width=190, key="metric"
        )
        subsets = st.pills(
            "Pictures",
            (HELD_OUT, TRAINING),
            selection_mode="multi",
            default=[HELD_OUT],
            key="parts",
            help=GLOSSARY["Held-out"],
        )
        y_scale = st.segmented_control("Scale", ("Linear", "Log"), default="Linear", required=True, key="scale")
        x_axis = st.segmented_control("By", (EPOCH_AXIS, TIME_AXIS), default=EPOCH_AXIS, required=True, key="by")
        smoothing = st.slider("Smoothing", 0.0, 0.95, 0.0, 0.05, width=180, key="smoothing", help=GLOSSARY["Smoothing"])
    points, series = overlay_runs(
        selected[:MAX_RUNS], metric, subsets, by_time=x_axis == TIME_AXIS, smoothing=smoothing
    )
    if not points:
        st.caption("None of the chosen runs has figures of this yet.")
        return
    line_charts.show_line_chart(
        points,
        series,
        x_title="Epoch" if x_axis == EPOCH_AXIS else "Minutes of training",
        y_title=METRIC_TITLES[metric],
        alt=f"{METRIC_TITLES[metric]} of {len(selected)} trainings, {', '.join(subsets).lower()}",
        key="compared",
        live=was_active,
        log=y_scale == "Log",
        height=380,
    )
    hints = ([line_charts.DASH_EXPLANATION] if len(subsets) > 1 else []) + (
        [] if was_active else [line_charts.ZOOM_HINT]
    )
    if hints:
        st.caption(" ".join(hints))
    if len(selected) > MAX_RUNS:
        st.caption(f"The first {MAX_RUNS} of the {len(selected)} chosen runs are drawn.")
    leaky_runs = [summary.name for summary in selected if summary.config is not None and summary.config.is_leaky]
    if len(selected) > 1 and leaky_runs and HELD_OUT in subsets:
        st.markdown(
            f":orange-badge[:material/content_copy: Leaking split] {escape_markdown(', '.join(leaky_runs))}: most of the held-out "
            "pictures show a cell that was in training, so these figures flatter.",
            help=GLOSSARY["Leaky split"],
        )


def overlay_runs(
    selected: Sequence[RunSummary], metric: str, subsets: Sequence[str], *, by_time: bool, smoothing: float
) -> tuple[list[Point], list[Series]]:
    """Return the curves of several runs.

    Args:
        selected: The runs.
        metric: Name in the rows of an epoch, without ``val_``.
        subsets: Which of :data:`HELD_OUT` and :data:`TRAINING`.
        by_time: Whether x is the minutes trained, not the epoch.
        smoothing: Of the smoothing, 0 to below 1.
    """
    points: list[Point] = []
    series: list[Series] = []
    for index, summary in enumerate(selected):
        rows = summary.run.load_metrics()
        minutes = list(accumulate(row.get("seconds", 0.0) / 60 for row in rows))
        for subset in subsets:
            series_name = (
                summary.name if len(subsets) == 1 else f"{summary.name}{line_charts.SUBSET_SEPARATOR}{subset.lower()}"
            )
            values = extract_values(rows, ("val_" if subset == HELD_OUT else "") + metric)
            curve = compute_ema([(minutes[epoch - 1] if by_time else epoch, y) for epoch, y in values], smoothing)
            points += [(x, y, series_name) for x, y in curve]
            # With one part only, the dashes are free to tell runs apart that lie on each other.
            dash = (
                DASH_PATTERNS[index % len(DASH_PATTERNS)]
                if len(subsets) == 1
                else DASHED
                if subset == TRAINING
                else SOLID
            )
            series.append(
                Series(series_name, COLOURS[index % len(COLOURS)], dash, MARKER_SHAPES[index % len(MARKER_SHAPES)])
            )
    return points, series
