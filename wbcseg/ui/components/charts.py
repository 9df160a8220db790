"""Charts of results, drawn with Plotly."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import plotly.graph_objects as go
import streamlit as st

from wbcseg.models.looks import get_look
from wbcseg.ui.components.line_charts import BLUE, GREY, ORANGE

Style = tuple[str, str]
"""Colour and marker symbol of a network: colour alone never tells two networks apart."""

DASHES: Final = ("solid", "dash", "dot", "dashdot")
DEFAULT_STYLE: Final[Style] = (BLUE, "circle")

ROW_HEIGHT: Final = 48
"""Height of a chart row in pixels."""

LABEL_LINE_FRACTION: Final = 0.4
"""Height of a label line, as a fraction of a row."""

PLOTLY_CONFIG: Final = {"displayModeBar": False, "scrollZoom": False, "doubleClick": "reset"}


@dataclass(frozen=True)
class Interval:
    """A value with its confidence interval.

    Attributes:
        label: Label of its row.
        group: Title of its network in the legend; may be empty.
        value: The value.
        low: Lower end; NaN without an interval.
        high: Upper end.
        note: Text of the tooltip.
        style: Style of the group.
    """

    label: str
    group: str
    value: float
    low: float
    high: float
    note: str = ""
    style: Style = DEFAULT_STYLE


@dataclass(frozen=True)
class ReliabilityCurve:
    """A curve of a reliability diagram.

    Attributes:
        title: Its title in the legend.
        bins: Mean predicted probability, fraction of correct pixels and number of pixels of each bin.
        style: Style of the network.
        dash: One of :data:`DASHES`.
    """

    title: str
    bins: tuple[tuple[float, float, int], ...]
    style: Style
    dash: str


def get_network_style(architecture: str) -> Style:
    """Return the colour and marker symbol of a network in all charts."""
    look = get_look(architecture)
    return look.color, look.marker


def draw_box_plot(
    values_by_title: Mapping[str, Mapping[str, float]],
    hover_notes: Mapping[str, str],
    axis_title: str,
    styles: Mapping[str, Style],
) -> go.Figure:
    """Draw the metric of every image for every network as points beside a box of the middle half.

    Args:
        values_by_title: Values by image id, by title of the network.
        hover_notes: Further text of an image's tooltip.
        axis_title: Title of the axis.
        styles: Style of each network by title.
    """
    figure = go.Figure()
    for title, values in reversed(list(values_by_title.items())):
        colour, symbol = styles[title]
        finite_values = {image_id: value for image_id, value in values.items() if not math.isnan(value)}
        figure.add_trace(
            go.Box(
                x=list(finite_values.values()),
                name=_wrap_label(title),
                orientation="h",
                boxpoints="all",
                jitter=0.5,
                pointpos=-1.6,
                width=0.35,
                marker={"color": colour, "symbol": symbol, "size": 5, "opacity": 0.6},
                line={"color": colour, "width": 2},
                text=[f"{image_id}, {hover_notes.get(image_id, '')}" for image_id in finite_values],
                hovertemplate="%{text}<br>%{x:.4f}<extra></extra>",
                hoveron="points",
            )
        )
    figure.update_layout(showlegend=False)
    return _apply_layout(figure, axis_title, rows=2 * len(values_by_title))


def draw_interval_plot(
    rows: Sequence[Interval], axis_title: str, *, mark_zero: bool = False, show_legend: bool = False
) -> go.Figure:
    """Draw values with their confidence intervals, one row per label.

    Args:
        rows: The values, the first on top.
        axis_title: Title of the axis.
        mark_zero: Whether to draw a line at zero, which means no difference.
        show_legend: Whether several groups share a row and need a legend.
    """
    figure = go.Figure()
    labels = list(dict.fromkeys(row.label for row in rows))
    groups = list(dict.fromkeys(row.group for row in rows))
    for index, group in enumerate(groups):
        group_rows = [row for row in rows if row.group == group]
        colour, symbol = group_rows[0].style
        offset = 0.22 * (index - (len(groups) - 1) / 2) if show_legend else 0.0
        figure.add_trace(
            go.Scatter(
                x=[row.value for row in group_rows],
                y=[labels.index(row.label) + offset for row in group_rows],
                mode="markers",
                name=group,
                marker={"color": colour, "symbol": symbol, "size": 10},
                error_x={
                    "type": "data",
                    "symmetric": False,
                    "array": [_none_if_nan(row.high - row.value) for row in group_rows],
                    "arrayminus": [_none_if_nan(row.value - row.low) for row in group_rows],
                    "color": colour,
                    "thickness": 2,
                    "width": 5,
                },
                text=[f"{row.label}{f' · {row.group}' if show_legend else ''}<br>{row.note}" for row in group_rows],
                hovertemplate="%{text}<extra></extra>",
            )
        )
    if mark_zero:
        figure.add_vline(x=0, line={"color": GREY, "dash": "dot", "width": 2})
    figure.update_layout(
        showlegend=show_legend, legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "title": None}
    )
    wrapped_labels = [_wrap_label(label) for label in labels]
    figure.update_yaxes(
        tickmode="array",
        tickvals=list(range(len(labels))),
        ticktext=wrapped_labels,
        range=[len(labels) - 0.4, -0.6],
    )
    max_lines = max((1 + label.count("<br>") for label in wrapped_labels), default=1)
    row_height = max(1.4 if show_legend else 1.1, LABEL_LINE_FRACTION * max_lines)
    return _apply_layout(figure, axis_title, rows=len(labels) * row_height + (1 if show_legend else 0))


def draw_scatter(rows: Sequence[tuple[float, Interval]], x_title: str, y_title: str) -> go.Figure:
    """Draw values with their confidence intervals against another quantity.

    Args:
        rows: The position on the horizontal axis, and the value.
        x_title: Title of the horizontal axis, which begins at 0.
        y_title: Title of the vertical axis.
    """
    figure = go.Figure()
    max_x = max((x for x, _ in rows), default=1.0)
    for x, row in rows:
        colour, symbol = row.style
        label_left = x > max_x / 2  # a phone has no room on the right
        figure.add_trace(
            go.Scatter(
                x=[x],
                y=[row.value],
                mode="markers+text",
                text=[f"{row.label}  " if label_left else f"  {row.label}"],
                textposition="middle left" if label_left else "middle right",
                cliponaxis=False,
                marker={"color": colour, "symbol": symbol, "size": 11},
                error_y={
                    "type": "data",
                    "symmetric": False,
                    "array": [_none_if_nan(row.high - row.value)],
                    "arrayminus": [_none_if_nan(row.value - row.low)],
                    "color": colour,
                    "thickness": 2,
                    "width": 5,
                },
                hovertext=[f"{row.label}<br>{row.note}"],
                hoverinfo="text",
            )
        )
    figure.update_layout(showlegend=False)
    figure.update_xaxes(range=[0, 1.1 * max_x])
    figure.update_yaxes(title=y_title)
    return _apply_layout(figure, x_title, rows=5)


def draw_bland_altman(
    points: Sequence[tuple[float, float, str]], bias: float, limits: tuple[float, float], x_title: str, y_title: str
) -> go.Figure:
    """Draw differences against means (Bland and Altman), with lines for the mean difference and its limits.

    Args:
        points: Mean, difference and name of every cell.
        bias: Mean difference.
        limits: Limits of agreement.
        x_title: Title of the horizontal axis.
        y_title: Title of the vertical axis.
    """
    figure = go.Figure(
        go.Scatter(
            x=[x for x, _, _ in points],
            y=[y for _, y, _ in points],
            mode="markers",
            marker={"color": BLUE, "size": 8, "opacity": 0.7},
            text=[name for _, _, name in points],
            hovertemplate="%{text}<br>%{y:.4g}<extra></extra>",
        )
    )
    figure.add_hline(y=0, line={"color": GREY, "dash": "dot", "width": 1})
    figure.add_hline(y=bias, line={"color": ORANGE, "width": 2}, annotation_text="mean")
    for limit in limits:
        figure.add_hline(y=limit, line={"color": ORANGE, "dash": "dash", "width": 2}, annotation_text="limit")
    figure.update_layout(showlegend=False)
    figure.update_yaxes(title=y_title)
    return _apply_layout(figure, x_title, rows=6)


def draw_reliability_diagram(curves: Sequence[ReliabilityCurve]) -> go.Figure:
    """Draw the fraction of correct pixels against the predicted probability, and the line of perfect calibration."""
    figure = go.Figure()
    figure.add_scatter(
        x=[0, 1], y=[0, 1], mode="lines", line={"color": GREY, "dash": "dot"}, showlegend=False, hoverinfo="skip"
    )
    for curve in curves:
        colour, symbol = curve.style
        figure.add_scatter(
            x=[confidence for confidence, _, _ in curve.bins],
            y=[accuracy for _, accuracy, _ in curve.bins],
            mode="lines+markers",
            name=curve.title,
            line={"color": colour, "dash": curve.dash},
            marker={"symbol": symbol, "size": 9},
            text=[f"{pixel_count:,} pixels" for *_, pixel_count in curve.bins],
            hovertemplate="probability %{x:.0%}, %{y:.0%} correct<br>%{text}<extra></extra>",
        )
    figure.update_layout(legend={"orientation": "h", "y": 1.08, "yanchor": "bottom"})
    figure.update_yaxes(title="Fraction of correct pixels", tickformat=".0%", range=[0, 1.02])
    figure.update_xaxes(tickformat=".0%", range=[0.3, 1.02])
    return _apply_layout(figure, "Predicted probability", rows=7)


def show_plotly_chart(figure: go.Figure, key: str, alt: str) -> None:
    """Show a chart with its text alternative for screen readers."""
    st.plotly_chart(figure, key=key, config=PLOTLY_CONFIG, alt=alt)


def _apply_layout(figure: go.Figure, x_title: str, rows: float) -> go.Figure:
    figure.update_layout(
        height=int(90 + ROW_HEIGHT * max(2.0, rows)),
        margin={"l": 8, "r": 16, "t": 16, "b": 8},
        hovermode="closest",
        # Dragging a finger over a chart scrolls the page.
        dragmode=False,
    )
    figure.update_xaxes(title=x_title, automargin=True)
    figure.update_yaxes(automargin=True)
    return figure


def _wrap_label(label: str) -> str:
    """Break a label into lines, which leaves room for the chart on a phone."""
    return label.replace(", ", ",<br>").replace(" minus ", " −<br>")


def _none_if_nan(number: float) -> Any:
    return None if math.isnan(number) else number
