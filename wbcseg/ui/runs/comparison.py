"""Curves of several trainings in one chart, and what sets them apart."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Final

import streamlit as st

from wbcseg.training.runs.summary import Overview, differences, overview
from wbcseg.ui.components import line_charts
from wbcseg.ui.components.line_charts import COLOURS, DASHED, HELD_OUT, SHAPES, SOLID, TRAINING, Point, Series, smoothed, values_of
from wbcseg.ui.train.live import COLUMNS, REFRESH
from wbcseg.ui.train.fields import SETTINGS
from wbcseg.ui.components.table import show_table
from wbcseg.ui.text import GLOSSARY, as_text

DASHES: Final = (SOLID, line_charts.DASHED, line_charts.BROKEN, line_charts.DOTTED)
BY_EPOCH: Final = "Epochs"
BY_TIME: Final = "Minutes"
MOST: Final = len(COLOURS) * 2
"""Runs whose curves can still be told apart."""


def compare(chosen: Sequence[Overview]) -> None:
    """Show the curves of the chosen runs; while one of them goes on, they follow."""
    alive = any(one.alive for one in chosen)
    st.fragment(_curves, run_every=REFRESH if alive else None)(tuple(chosen), alive)


def show_differences(chosen: Sequence[Overview]) -> None:
    """Show the settings in which the chosen runs differ."""
    configs = {one.name: one.config for one in chosen if one.config is not None}
    if len(configs) < 2:
        return
    st.subheader("What sets them apart")
    table = differences(configs)
    if not table:
        st.caption("Nothing: all their settings are the same.")
        return
    rows = [
        [as_text(SETTINGS[name].label), *(as_text(SETTINGS[name].shown(values[run])) for run in configs)]
        for name, values in table.items()
    ]
    show_table(["Setting", *map(as_text, configs)], rows, "Settings of the runs")


def _curves(chosen: Sequence[Overview], was_alive: bool) -> None:
    if was_alive and not any(overview(one.run).alive for one in chosen):
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        metric = st.selectbox(
            "Curve of", list(COLUMNS), index=5, format_func=COLUMNS.__getitem__, width=190, key="metric"
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
        axis = st.segmented_control("By", (BY_EPOCH, BY_TIME), default=BY_EPOCH, required=True, key="by")
        strength = st.slider("Smoothing", 0.0, 0.95, 0.0, 0.05, width=180, key="smoothing", help=GLOSSARY["Smoothing"])
    points, series = overlaid(chosen[:MOST], metric, parts, by_time=axis == BY_TIME, strength=strength)
    if not points:
        st.caption("None of the chosen runs has figures of this yet.")
        return
    line_charts.show_chart(
        points,
        series,
        x_title="Epoch" if axis == BY_EPOCH else "Minutes of training",
        y_title=COLUMNS[metric],
        alt=f"{COLUMNS[metric]} of {len(chosen)} trainings, {', '.join(parts).lower()}",
        key="compared",
        live=was_alive,
        log=scale == "Log",
        height=380,
    )
    hints = ([line_charts.DASHES_MEAN] if len(parts) > 1 else []) + ([] if was_alive else [line_charts.ZOOM_HINT])
    if hints:
        st.caption(" ".join(hints))
    if len(chosen) > MOST:
        st.caption(f"The first {MOST} of the {len(chosen)} chosen runs are drawn.")
    leaking = [one.name for one in chosen if one.config is not None and one.config.leaks]
    if len(chosen) > 1 and leaking and HELD_OUT in parts:
        st.markdown(
            f":orange-badge[:material/content_copy: Leaking split] {as_text(', '.join(leaking))}: most of the held-out "
            "pictures show a cell that was in training, so these figures flatter.",
            help=GLOSSARY["Leaking split"],
        )


def overlaid(
    chosen: Sequence[Overview], metric: str, parts: Sequence[str], *, by_time: bool, strength: float
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
        rows = one.run.metrics()
        minutes = list(accumulate(row.get("seconds", 0.0) / 60 for row in rows))
        for part in parts:
            name = one.name if len(parts) == 1 else f"{one.name}{line_charts.PART}{part.lower()}"
            found = values_of(rows, ("val_" if part == HELD_OUT else "") + metric)
            curve = smoothed([(minutes[number - 1] if by_time else number, y) for number, y in found], strength)
            points += [(x, y, name) for x, y in curve]
            # With one part only, the dashes are free to tell runs apart that lie on each other.
            dash = DASHES[place % len(DASHES)] if len(parts) == 1 else DASHED if part == TRAINING else SOLID
            series.append(Series(name, COLOURS[place % len(COLOURS)], dash, SHAPES[place % len(SHAPES)]))
    return points, series
