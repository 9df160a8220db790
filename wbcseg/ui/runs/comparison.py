"""Curves of several trainings in one chart, and what sets them apart."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Final

import streamlit as st

from wbcseg.training.runs.summary import RunSummary, diff_configs, summarise_run
from wbcseg.ui.components import line_charts
from wbcseg.ui.components.line_charts import COLOURS, DASHED, HELD_OUT, MARKER_SHAPES, SOLID, TRAINING, Point, Series, compute_ema, extract_values
from wbcseg.ui.train.live import METRIC_TITLES, LIVE_REFRESH_SECONDS
from wbcseg.ui.train.fields import FIELDS
from wbcseg.ui.components.table import show_table
from wbcseg.ui.text import GLOSSARY, escape_markdown

DASH_PATTERNS: Final = (SOLID, line_charts.DASHED, line_charts.DASH_DOT, line_charts.DOTTED)
EPOCH_AXIS: Final = "Epochs"
TIME_AXIS: Final = "Minutes"
MAX_RUNS: Final = len(COLOURS) * 2
"""Runs whose curves can still be told apart."""


def show_run_curves(chosen: Sequence[RunSummary]) -> None:
    """Show the curves of the chosen runs; while one of them goes on, they follow."""
    alive = any(one.is_active for one in chosen)
    st.fragment(_render_curves, run_every=LIVE_REFRESH_SECONDS if alive else None)(tuple(chosen), alive)


def show_config_diff(chosen: Sequence[RunSummary]) -> None:
    """Show the settings in which the chosen runs differ."""
    configs = {one.name: one.config for one in chosen if one.config is not None}
    if len(configs) < 2:
        return
    st.subheader("What sets them apart")
    table = diff_configs(configs)
    if not table:
        st.caption("Nothing: all their settings are the same.")
        return
    rows = [
        [escape_markdown(FIELDS[name].label), *(escape_markdown(FIELDS[name].format_value(values[run])) for run in configs)]
        for name, values in table.items()
    ]
    show_table(["Setting", *map(escape_markdown, configs)], rows, "Settings of the runs")


def _render_curves(chosen: Sequence[RunSummary], was_alive: bool) -> None:
    if was_alive and not any(summarise_run(one.run).is_active for one in chosen):
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        metric = st.selectbox(
            "Curve of", list(METRIC_TITLES), index=5, format_func=METRIC_TITLES.__getitem__, width=190, key="metric"
        )
        parts = st.pills(
            "Pictures",
            (HELD_OUT, TRAINING),
            selection_mode="multi",
            default=[HELD_OUT],
            key="parts",
            help=GLOSSARY["Held-out"],
        )
        scale = st.segmented_control("Scale", ("Linear", "Log"), default="Linear", required=True, key="scale")
        axis = st.segmented_control("By", (EPOCH_AXIS, TIME_AXIS), default=EPOCH_AXIS, required=True, key="by")
        strength = st.slider("Smoothing", 0.0, 0.95, 0.0, 0.05, width=180, key="smoothing", help=GLOSSARY["Smoothing"])
    points, series = overlay_runs(chosen[:MAX_RUNS], metric, parts, by_time=axis == TIME_AXIS, strength=strength)
    if not points:
        st.caption("None of the chosen runs has figures of this yet.")
        return
    line_charts.show_line_chart(
        points,
        series,
        x_title="Epoch" if axis == EPOCH_AXIS else "Minutes of training",
        y_title=METRIC_TITLES[metric],
        alt=f"{METRIC_TITLES[metric]} of {len(chosen)} trainings, {', '.join(parts).lower()}",
        key="compared",
        live=was_alive,
        log=scale == "Log",
        height=380,
    )
    hints = ([line_charts.DASH_EXPLANATION] if len(parts) > 1 else []) + ([] if was_alive else [line_charts.ZOOM_HINT])
    if hints:
        st.caption(" ".join(hints))
    if len(chosen) > MAX_RUNS:
        st.caption(f"The first {MAX_RUNS} of the {len(chosen)} chosen runs are drawn.")
    leaking = [one.name for one in chosen if one.config is not None and one.config.is_leaky]
    if len(chosen) > 1 and leaking and HELD_OUT in parts:
        st.markdown(
            f":orange-badge[:material/content_copy: Leaking split] {escape_markdown(', '.join(leaking))}: most of the held-out "
            "pictures show a cell that was in training, so these figures flatter.",
            help=GLOSSARY["Leaking split"],
        )


def overlay_runs(
    chosen: Sequence[RunSummary], metric: str, parts: Sequence[str], *, by_time: bool, strength: float
) -> tuple[list[Point], list[Series]]:
    """Return the curves of several runs.

    Args:
        chosen: The runs.
        metric: Name in the rows of an epoch, without ``val_``.
        parts: Which of :data:`HELD_OUT` and :data:`TRAINING`.
        by_time: Whether x is the minutes trained, not the epoch.
        strength: Of the smoothing, 0 to below 1.
    """
    points: list[Point] = []
    series: list[Series] = []
    for place, one in enumerate(chosen):
        rows = one.run.load_metrics()
        minutes = list(accumulate(row.get("seconds", 0.0) / 60 for row in rows))
        for part in parts:
            name = one.name if len(parts) == 1 else f"{one.name}{line_charts.SUBSET_SEPARATOR}{part.lower()}"
            found = extract_values(rows, ("val_" if part == HELD_OUT else "") + metric)
            curve = compute_ema([(minutes[number - 1] if by_time else number, y) for number, y in found], strength)
            points += [(x, y, name) for x, y in curve]
            # With one part only, the dashes are free to tell runs apart that lie on each other.
            dash = DASH_PATTERNS[place % len(DASH_PATTERNS)] if len(parts) == 1 else DASHED if part == TRAINING else SOLID
            series.append(Series(name, COLOURS[place % len(COLOURS)], dash, MARKER_SHAPES[place % len(MARKER_SHAPES)]))
    return points, series
