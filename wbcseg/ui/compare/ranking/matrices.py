"""Matrices of numbers, drawn with Plotly as coloured cells."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import plotly.graph_objects as go

from wbcseg.ui.compare.ranking.figures import ROW_HEIGHT, lay_out

TEXT_COLOUR: Final = "#16122a"
"""Of numbers on coloured cells, which are light in both themes."""

BLUES: Final = ((0.0, "#f4f8fd"), (1.0, "#7fb2e5"))
DIVERGING: Final = ((0.0, "#eba768"), (0.5, "#f3f1f6"), (1.0, "#7fb2e5"))


def draw_matrix(
    row_labels: Sequence[str],
    column_labels: Sequence[str],
    values: Sequence[Sequence[float]],
    texts: Sequence[Sequence[str]],
    notes: Sequence[Sequence[str]],
    *,
    is_diverging: bool = False,
    reverse: bool = False,
    row_height: int = ROW_HEIGHT,
) -> go.Figure:
    """Draw a matrix as coloured cells with numbers.

    Args:
        row_labels: Labels of the rows, the first on top.
        column_labels: Labels of the columns.
        values: Values that the colours show, NaN for an empty cell.
        texts: Text of each cell.
        notes: Tooltip of each cell.
        is_diverging: Whether the values run from 0 to 1 around an even 0.5.
        reverse: Whether low values are good.
        row_height: Height of a row in pixels.
    """
    limits = {"zmin": 0.0, "zmax": 1.0} if is_diverging else {}
    figure = go.Figure(
        go.Heatmap(
            z=[[None if math.isnan(value) else value for value in row] for row in values],
            x=list(range(len(column_labels))),
            y=list(range(len(row_labels))),
            text=texts,
            texttemplate="%{text}",
            textfont={"color": TEXT_COLOUR, "size": 11},
            customdata=notes,
            hovertemplate="%{customdata}<extra></extra>",
            colorscale=DIVERGING if is_diverging else BLUES,
            reversescale=reverse,
            showscale=False,
            xgap=1,
            ygap=1,
            hoverongaps=False,
            **limits,
        )
    )
    figure.update_xaxes(
        tickfont={"size": 10},
        tickvals=list(range(len(column_labels))),
        ticktext=list(column_labels),
        side="top",
        showgrid=False,
        tickangle=0,
    )
    figure.update_yaxes(
        tickvals=list(range(len(row_labels))),
        ticktext=list(row_labels),
        range=[len(row_labels) - 0.5, -0.5],
        showgrid=False,
    )
    return lay_out(figure, 56 + row_height * len(row_labels))
