"""Plots of measurements, linked with the gallery: what is selected in one is selected in all."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from wbcseg.differential import ASSIGNABLE_TYPES, TYPE_COLOURS
from wbcseg.features import FEATURES
from wbcseg.ui.formatting import format_feature_label
from wbcseg.ui.state import restore_widget, save_widget
from wbcseg.ui.workbench.cells import WorkbenchCell
from wbcseg.ui.workbench.payload import SHOWN_FEATURES
from wbcseg.ui.workbench.state import Selection

MAX_BINS: Final = 30
NO_TYPE: Final = "no type yet"
NO_TYPE_COLOUR: Final = "#8d88a0"
HISTOGRAM: Final = "Histogram"
SCATTER: Final = "Scatter"
PLOT_HEIGHT: Final = 420

_CONFIG: Final = {"displaylogo": False, "scrollZoom": False, "modeBarButtonsToRemove": ["autoScale2d"]}

Points = Sequence[tuple[WorkbenchCell, float, float]]

PlotKeys = dict[tuple[int, int], tuple[str, ...]]
"""Keys of the cells of each point or bar, by its trace and its place."""


def show_plots(cells: Sequence[WorkbenchCell], selection: Selection, pixel_size: float | None) -> None:
    """Show a plot of measurements by type. Cells that are selected in it are selected in the gallery.

    Args:
        cells: The cells.
        selection: The selected cells.
        pixel_size: Pixel size in µm, or ``None``.
    """
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kind = st.segmented_control(
            "Plot",
            (HISTOGRAM, SCATTER),
            default=SCATTER,
            required=True,
            key="workbench_plot",
            label_visibility="collapsed",
        )
        first = _select_feature("Measurement" if kind == HISTOGRAM else "Horizontal", "cell_area", pixel_size, "x")
        second = None
        if kind == SCATTER:
            second = _select_feature("Vertical", "nucleus_to_cell", pixel_size, "y")
    values = _get_values(cells, first, pixel_size)
    if second is None:
        figure, keys = draw_histogram(cells, values, format_feature_label(first, pixel_size), selection.keys)
    else:
        others = _get_values(cells, second, pixel_size)
        labels = (format_feature_label(first, pixel_size), format_feature_label(second, pixel_size))
        figure, keys = draw_scatter(cells, values, others, labels, selection.keys)
    st.plotly_chart(
        figure,
        key="workbench_figure",
        config=_CONFIG,
        selection_mode=("lasso", "box", "points"),
        on_select=lambda: _on_select(keys, selection),
        alt=f"{kind} of the measurements of {len(cells)} cells by type",
    )
    st.caption("Draw a lasso or a box, or click: what is selected here is selected in the gallery and the table, too.")


def draw_scatter(
    cells: Sequence[WorkbenchCell],
    first: Sequence[float],
    second: Sequence[float],
    labels: tuple[str, str],
    selected: Sequence[str],
) -> tuple[Any, PlotKeys]:
    """Return a scatter plot of two measurements, and the keys of the cells of each point, by trace and point.

    Args:
        cells: The cells.
        first: Their values on the horizontal axis; NaN where not defined.
        second: Their values on the vertical axis.
        labels: Titles of the axes.
        selected: Keys of the selected cells; none for all.
    """
    # Imported here, because no other part of the page needs it.
    import plotly.graph_objects as go

    keys: PlotKeys = {}
    chosen, figure = set(selected), go.Figure()
    points = [
        (cell, x, y) for cell, x, y in zip(cells, first, second, strict=True) if not math.isnan(x) and not math.isnan(y)
    ]
    for name, group in _group(points).items():
        trace = len(figure.data)
        keys |= {(trace, index): (cell.key,) for index, (cell, _, _) in enumerate(group)}
        is_selected = [index for index, (cell, _, _) in enumerate(group) if cell.key in chosen]
        figure.add_trace(
            go.Scattergl(
                x=[x for _, x, _ in group],
                y=[y for _, _, y in group],
                mode="markers",
                name=f"{name.capitalize()} ({len(group)})",
                marker={"color": _get_colour(name), "size": 7, "line": {"width": 0.5, "color": "rgba(0,0,0,0.4)"}},
                selectedpoints=is_selected if chosen else None,
                unselected={"marker": {"opacity": 0.15}},
                text=[_describe(cell) for cell, _, _ in group],
                hovertemplate="%{text}<br>%{x:.4g}, %{y:.4g}<extra></extra>",
            )
        )
    figure.update_layout(dragmode="lasso", xaxis_title=labels[0], yaxis_title=labels[1])
    return _lay_out(figure), keys


def draw_histogram(
    cells: Sequence[WorkbenchCell], values: Sequence[float], label: str, selected: Sequence[str]
) -> tuple[Any, PlotKeys]:
    """Return a histogram of a measurement, stacked by type, and the keys of the cells of each bar, by trace and bar.

    Args:
        cells: The cells.
        values: Their values; NaN where not defined.
        label: Title of the axis.
        selected: Keys of the selected cells; none for all.
    """
    import plotly.graph_objects as go

    keys: PlotKeys = {}
    chosen, figure = set(selected), go.Figure()
    points = [(cell, value, 0.0) for cell, value in zip(cells, values, strict=True) if not math.isnan(value)]
    edges = np.histogram_bin_edges([value for _, value, _ in points] or [0.0], bins=min(MAX_BINS, _count_bins(points)))
    for name, group in _group(points).items():
        trace = len(figure.data)
        bins = np.clip(np.searchsorted(edges, [value for _, value, _ in group], side="right") - 1, 0, len(edges) - 2)
        members = _list_members([cell.key for cell, _, _ in group], bins, len(edges) - 1)
        keys |= {(trace, index): each for index, each in enumerate(members)}
        is_selected = [index for index, each in enumerate(members) if chosen.intersection(each)]
        figure.add_trace(
            go.Bar(
                x=(edges[:-1] + edges[1:]) / 2,
                y=[len(each) for each in members],
                width=np.diff(edges),
                name=f"{name.capitalize()} ({len(group)})",
                marker={"color": _get_colour(name), "line": {"width": 0}},
                selectedpoints=is_selected if chosen else None,
                unselected={"marker": {"opacity": 0.25}},
                hovertemplate=f"{name.capitalize()}: %{{y}} cells near %{{x:.4g}}<extra></extra>",
            )
        )
    figure.update_layout(barmode="stack", bargap=0.04, dragmode="select", xaxis_title=label, yaxis_title="Cells")
    return _lay_out(figure), keys


def list_selected(event: object, keys: PlotKeys) -> list[str]:
    """Return the keys of the cells that were selected in a plot.

    Args:
        event: What Streamlit says about the selection.
        keys: The keys of each point or bar, from :func:`draw_scatter` or :func:`draw_histogram`.
    """
    selection = event.get("selection", {}) if isinstance(event, Mapping) else {}
    points = selection.get("points", []) if isinstance(selection, Mapping) else []
    places = [(point.get("curve_number", -1), point.get("point_index", -1)) for point in points]
    return list(dict.fromkeys(key for place in places for key in keys.get(place, ())))


def _on_select(keys: PlotKeys, selection: Selection) -> None:
    selection.select(list_selected(st.session_state.get("workbench_figure"), keys))


def _select_feature(label: str, default: str, pixel_size: float | None, axis: str) -> str:
    key = f"workbench_{axis}"
    restore_widget(key, default, SHOWN_FEATURES)
    return st.selectbox(
        label,
        SHOWN_FEATURES,
        format_func=lambda name: format_feature_label(name, pixel_size),
        key=key,
        on_change=save_widget,
        args=(key,),
        width=260,
    )


def _list_members(keys: Sequence[str], bins: NDArray[np.intp], count: int) -> list[tuple[str, ...]]:
    """Return the keys of the cells in each bin."""
    members: list[list[str]] = [[] for _ in range(count)]
    for key, index in zip(keys, bins, strict=True):
        members[index].append(key)
    return [tuple(each) for each in members]


def _get_values(cells: Sequence[WorkbenchCell], name: str, pixel_size: float | None) -> list[float]:
    factor = 1.0 if pixel_size is None else pixel_size ** FEATURES[name].power
    all_values = [cell.cell.features.values if cell.cell.features else {} for cell in cells]
    return [factor * values.get(name, math.nan) for values in all_values]


def _group(points: Points) -> dict[str, Points]:
    """Return points by the type of their cell, in the order of the types."""
    groups: dict[str, list[tuple[WorkbenchCell, float, float]]] = {}
    for point in points:
        groups.setdefault(point[0].cell.type or NO_TYPE, []).append(point)
    return {name: groups[name] for name in (*ASSIGNABLE_TYPES, NO_TYPE) if name in groups}


def _count_bins(points: Points) -> int:
    return max(1, math.ceil(2 * math.cbrt(len(points))))


def _get_colour(name: str) -> str:
    return TYPE_COLOURS.get(name, NO_TYPE_COLOUR)


def _describe(cell: WorkbenchCell) -> str:
    number = f", cell {cell.cell.cell_index}" if cell.cell.cell_index else ""
    # Plotly reads tags in texts.
    return f"{cell.result.name}{number}".replace("<", "&lt;")


def _lay_out(figure: Any) -> Any:
    figure.update_layout(
        height=PLOT_HEIGHT,
        margin={"l": 10, "r": 10, "t": 10, "b": 10},
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.0, "x": 0.0},
        uirevision="workbench",
    )
    return figure
