"""Charts of a ranking, drawn with Plotly. Entries have the same order, number, colour and mark in all of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import plotly.graph_objects as go

from wbcseg.ui.components.charts import Style
from wbcseg.ui.components.line_charts import GREY

ROW_HEIGHT: Final = 24
"""Height of an entry's row in pixels."""

MAX_TITLE_LENGTH: Final = 24
"""Longer titles, such as names of runs, are cut in charts: a phone has no room for them."""

MARK_SIZE: Final = 11
TIED_COLOUR: Final = "rgba(127, 123, 146, 0.16)"


@dataclass(frozen=True)
class Row:
    """An entry in a chart.

    Attributes:
        number: Its place in the ranking, from 1.
        title: Its title.
        style: Its colour and mark.
        value: The value; NaN if it is not defined.
        low: Lower end of the interval; NaN without one.
        high: Upper end.
        note: Text of the tooltip.
        is_marked: Whether its row is shaded.
    """

    number: int
    title: str
    style: Style
    value: float
    low: float = math.nan
    high: float = math.nan
    note: str = ""
    is_marked: bool = False

    @property
    def label(self) -> str:
        """Number and title, short enough for an axis."""
        title = self.title if len(self.title) <= MAX_TITLE_LENGTH else f"{self.title[: MAX_TITLE_LENGTH - 1]}…"
        return f"{title}  {self.number}"


def draw_ranked_dots(rows: Sequence[Row], axis_title: str, texts: Sequence[str]) -> go.Figure:
    """Draw each entry's mean with its interval, the best on top; marked rows are shaded.

    Args:
        rows: The entries, best first.
        axis_title: Title of the axis.
        texts: The value of each entry as text, shown beside it.
    """
    figure = go.Figure()
    for index, row in enumerate(rows):
        if row.is_marked:
            figure.add_hrect(index - 0.5, index + 0.5, fillcolor=TIED_COLOUR, line_width=0, layer="below")
    if rows and not math.isnan(rows[0].value):
        figure.add_vline(x=rows[0].value, line={"color": GREY, "dash": "dot", "width": 1})
    for index, row in enumerate(rows):
        figure.add_trace(_draw_dot(row, index))
        figure.add_annotation(
            x=1.0, xref="paper", y=index, text=texts[index], showarrow=False, xanchor="left", xshift=6, align="left"
        )
    return _lay_out_rows(figure, rows, axis_title, right=64)


def draw_critical_difference(rows: Sequence[Row], cliques: Sequence[tuple[int, int]]) -> go.Figure:
    """Draw average ranks, the best on top, and bars beside entries that do not differ significantly (Demšar, 2006).

    Args:
        rows: The entries by average rank, which is their value.
        cliques: Indices of first and last row of each bar.
    """
    figure = go.Figure()
    for index, row in enumerate(rows):
        figure.add_trace(_draw_dot(row, index))
    worst = max((row.value for row in rows), default=1.0)
    step = max(0.18, 0.03 * len(rows))
    for position, (first, last) in enumerate(cliques):
        x = worst + step * (position + 1.5)
        figure.add_scatter(
            x=[x, x], y=[first - 0.25, last + 0.25], mode="lines", line={"color": GREY, "width": 5}, hoverinfo="skip"
        )
    figure.update_xaxes(range=[0.8, worst + step * (len(cliques) + 1.5)])
    return _lay_out_rows(figure, rows, "Average rank (1 is best)")


def draw_trade_off(
    rows: Sequence[Row], costs: Sequence[float], front: Sequence[int], x_title: str, y_title: str
) -> go.Figure:
    """Draw scores against a cost. Points carry their number in the ranking; a line joins the Pareto front.

    Args:
        rows: The entries.
        costs: The cost of each, at least 0.
        front: Indices of the entries on the front, cheapest first.
        x_title: Title of the cost.
        y_title: Title of the score.
    """
    figure = go.Figure()
    figure.add_scatter(
        x=[costs[index] for index in front],
        y=[rows[index].value for index in front],
        mode="lines",
        line={"color": GREY, "dash": "dash", "width": 1.5, "shape": "hv"},
        hoverinfo="skip",
    )
    for row, cost in zip(rows, costs, strict=True):
        colour, symbol = row.style
        figure.add_scatter(
            x=[cost],
            y=[row.value],
            mode="markers+text",
            text=[f" {row.number}"],
            textposition="middle right",
            cliponaxis=False,
            marker={"size": MARK_SIZE, "color": colour, "symbol": symbol},
            error_y=_build_error(row),
            hovertext=[f"{row.title}<br>{row.note}"],
            hoverinfo="text",
        )
    # A method that does not learn costs nothing, which a logarithmic axis cannot show.
    is_log = bool(costs) and 0 < 20 * min(costs) < max(costs)
    figure.update_xaxes(title=x_title, rangemode="tozero", **({"type": "log", "dtick": 1} if is_log else {}))
    figure.update_yaxes(title=y_title)
    return lay_out(figure, 300)


def draw_images(rows: Sequence[Row], points: Sequence[Mapping[str, tuple[float, str]]], axis_title: str) -> go.Figure:
    """Draw every image of every entry as a point that can be clicked, and the median as a line.

    Args:
        rows: The entries, best first; their value is the median.
        points: For each entry, the value and tooltip of each image by its id.
        axis_title: Title of the axis.
    """
    figure = go.Figure()
    for index, (row, values) in enumerate(zip(rows, points, strict=True)):
        colour, symbol = row.style
        # Neighbours must not cover one another: each point has its own height in the row.
        heights = [index - 0.3 + 0.6 * ((number * 0.618034) % 1) for number in range(len(values))]
        figure.add_scatter(
            x=[value for value, _ in values.values()],
            y=heights,
            mode="markers",
            marker={"color": colour, "symbol": symbol, "size": 5, "opacity": 0.55},
            customdata=list(values),
            text=[f"{row.title}<br>{note}" for _, note in values.values()],
            hovertemplate="%{text}<extra></extra>",
        )
        figure.add_scatter(
            x=[row.value, row.value],
            y=[index - 0.4, index + 0.4],
            mode="lines",
            line={"color": colour, "width": 3},
            hoverinfo="skip",
        )
    return _lay_out_rows(figure, rows, axis_title)


def draw_curves(curves: Sequence[tuple[Row, Sequence[tuple[float, float]]]], x_title: str, y_title: str) -> go.Figure:
    """Draw a curve for each entry, with a mark at every tenth of it and its number at the end.

    Args:
        curves: The entries with the points of their curves.
        x_title: Title of the horizontal axis.
        y_title: Title of the vertical axis.
    """
    figure = go.Figure()
    for row, points in curves:
        colour, symbol = row.style
        every = max(1, len(points) // 10)
        figure.add_scatter(
            x=[x for x, _ in points],
            y=[y for _, y in points],
            mode="lines+markers+text",
            line={"color": colour, "width": 2},
            marker={
                "color": colour,
                "symbol": symbol,
                "size": [8 if (index + row.number) % every == 0 else 0 for index in range(len(points))],
            },
            text=[""] * (len(points) - 1) + [f" {row.number}"],
            textposition="middle right",
            cliponaxis=False,
            name=row.title,
            hovertemplate=f"{row.title}<br>%{{x}}: %{{y:.4f}}<extra></extra>",
        )
    figure.update_xaxes(title=x_title)
    figure.update_yaxes(title=y_title)
    return lay_out(figure, 300)


def _draw_dot(row: Row, index: int) -> go.Scatter:
    colour, symbol = row.style
    return go.Scatter(
        x=[row.value],
        y=[index],
        mode="markers",
        marker={"size": MARK_SIZE, "color": colour, "symbol": symbol},
        error_x=_build_error(row),
        text=[f"{row.title}<br>{row.note}"],
        hovertemplate="%{text}<extra></extra>",
    )


def _build_error(row: Row) -> dict[str, Any]:
    if math.isnan(row.low):
        return {}
    return {
        "type": "data",
        "symmetric": False,
        "array": [row.high - row.value],
        "arrayminus": [row.value - row.low],
        "color": row.style[0],
        "thickness": 2,
        "width": 4,
    }


def _lay_out_rows(figure: go.Figure, rows: Sequence[Row], axis_title: str, right: int = 12) -> go.Figure:
    figure.update_xaxes(title=axis_title)
    figure.update_yaxes(
        tickmode="array",
        tickvals=list(range(len(rows))),
        ticktext=[row.label for row in rows],
        range=[len(rows) - 0.4, -0.6],
        showgrid=False,
        zeroline=False,
    )
    return lay_out(figure, 64 + ROW_HEIGHT * max(2, len(rows)), right)


def lay_out(figure: go.Figure, height: int, right: int = 20) -> go.Figure:
    """Give a chart its height, and room for text on its right side; return it."""
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": right, "t": 8, "b": 0},
        showlegend=False,
        hovermode="closest",
        # Dragging a finger over a chart scrolls the page.
        dragmode=False,
    )
    figure.update_xaxes(automargin=True)
    figure.update_yaxes(automargin=True)
    return figure
