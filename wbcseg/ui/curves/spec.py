"""Build the Vega-Lite specification of a chart with curves.

All that is drawn comes from one table with the fields :data:`FIELDS`: points of curves, bands (with `y2`) and marked
epochs (with `mark`). So a live chart gets new rows without a new specification, which would redraw it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from wbcseg.ui.components.line_charts import Series

FIELDS: Final = ("x", "y", "series", "y2", "mark")

ZOOM_PARAM: Final[dict[str, Any]] = {
    "name": "view",
    "select": {
        "type": "interval",
        "zoom": "wheel![event.ctrlKey || event.metaKey]",
        "translate": "[pointerdown[event.pointerType === 'mouse'], window:pointerup] > window:pointermove!",
    },
    "bind": "scales",
}
"""Zooming that leaves the wheel and touch gestures to the page."""

HOVER_PARAM: Final[dict[str, Any]] = {
    "name": "hover",
    "select": {"type": "point", "fields": ["x"], "nearest": True, "on": "pointerover", "clear": "pointerout"},
}

IS_POINT: Final = "!isValid(datum.y2) && !isValid(datum.mark)"
MARK_COLOUR: Final = "#7f7b92"
KEPT_LABEL_Y: Final = 2
BEST_LABEL_Y: Final = 15
"""Distance of the labels of marked epochs from the top, in pixels."""

Row = tuple[float, float | None, str, float | None, str | None]
Domains = Mapping[str, tuple[float, float]]


def compute_first_domains(rows: Sequence[Row]) -> dict[str, tuple[float, float]]:
    """Return axes that can be read while all curves have a single point; nothing once they have more.

    Otherwise both axes would have the length zero.
    """
    xs = {x for x, _, _, y2, mark in rows if mark is None and y2 is None}
    ys = [y for _, y, _, y2, mark in rows if mark is None and y2 is None and y is not None]
    if len(xs) != 1 or not ys:
        return {}
    (x,) = xs
    margin = max(0.02, 0.15 * max(ys), max(ys) - min(ys))
    return {"x": (x - 1, x + 1), "y": (min(ys) - margin, max(ys) + margin)}


def build_spec(
    series: Sequence[Series],
    x_title: str,
    y_title: str,
    *,
    log: bool,
    show_markers: bool,
    zoom: bool,
    domains: Domains | None = None,
) -> dict[str, Any]:
    """Return the specification of a chart, without its data.

    Args:
        series: The curves.
        x_title: Title of the horizontal axis.
        y_title: Title of the vertical axis.
        log: Whether the vertical axis is logarithmic.
        show_markers: Whether points have markers.
        zoom: Whether the chart can be zoomed.
        domains: Limits of the axes `x` and `y`; by default those of the data.
    """
    names = [curve.name for curve in series]
    domains = domains or {}

    def scale(values: Iterable[Any]) -> dict[str, Any]:
        return {"domain": names, "range": list(values)}

    base_channel = {"field": "series", "type": "nominal", "legend": None}
    colour = {**base_channel, "scale": scale(curve.colour for curve in series)}
    dash = {**base_channel, "scale": scale(list(curve.dash) for curve in series)}
    shape = {**base_channel, "scale": scale(curve.shape for curve in series)}
    thin = [curve.name for curve in series if curve.thin]
    width = {"condition": {"test": f"indexof({json.dumps(thin)}, datum.series) >= 0", "value": 1.3}, "value": 2.2}
    x = {
        "field": "x",
        "type": "quantitative",
        "title": x_title,
        "scale": {"zero": False, "nice": False, **({"domain": list(domains["x"])} if "x" in domains else {})},
        "axis": {"tickMinStep": 1, "grid": False, "tickCount": 6},
    }
    y_domain = {"domain": list(domains["y"])} if "y" in domains and not log else {}
    y = {
        "field": "y",
        "type": "quantitative",
        "title": y_title,
        "scale": {"type": "log" if log else "linear", "zero": False, **y_domain},
        "axis": {"tickCount": 6},
    }
    encoding = {"x": x, "y": y, "color": colour}
    points_only = [{"filter": IS_POINT}]
    return {
        "layer": [
            {
                "transform": [{"filter": "isValid(datum.y2)"}],
                "mark": {"type": "area", "opacity": 0.18, "line": False},
                "encoding": {**encoding, "y2": {"field": "y2"}},
            },
            _build_mark_layer("isValid(datum.mark)", {"type": "rule", "strokeDash": [4, 3]}, x),
            # The kept weights are often those of the last epoch, at the right edge of the chart.
            _build_mark_layer("datum.mark === 'best'", {"type": "text", "align": "left", "dx": 4}, x),
            _build_mark_layer(
                "isValid(datum.mark) && datum.mark !== 'best'", {"type": "text", "align": "right", "dx": -4}, x
            ),
            {
                "transform": points_only,
                "mark": {"type": "line", "interpolate": "linear"},
                "encoding": {**encoding, "strokeDash": dash, "strokeWidth": width},
                "params": [ZOOM_PARAM] if zoom else [],
            },
            {
                "transform": points_only,
                "mark": {
                    "type": "point",
                    "filled": True,
                    "size": 34 if show_markers else 120,
                    "opacity": 1 if show_markers else 0,
                },
                "encoding": {**encoding, "shape": shape},
            },
            _build_hover_layer(names, x, x_title),
        ],
    }


def _build_mark_layer(condition: str, mark: dict[str, Any], x: dict[str, Any]) -> dict[str, Any]:
    """Return the vertical lines of marked epochs, or their labels at the top."""
    # One below the other, so that they stay apart where the epochs are close.
    height = BEST_LABEL_Y if mark.get("align") == "left" else KEPT_LABEL_Y
    label = {"y": {"value": height}, "text": {"field": "mark"}} if mark["type"] == "text" else {}
    return {
        "transform": [{"filter": condition}],
        "mark": {"color": MARK_COLOUR, **({"baseline": "top"} if label else {}), **mark},
        "encoding": {"x": x, **label},
    }


def _build_hover_layer(names: Sequence[str], x: dict[str, Any], x_title: str) -> dict[str, Any]:
    """Return a line at the pointer, with the values of all curves there."""
    tooltip = [{"field": "x", "type": "quantitative", "title": x_title, "format": ".4~g"}]
    tooltip += [
        {"field": escape_field(name), "type": "quantitative", "title": name, "format": ".4~f"} for name in names
    ]
    return {
        "transform": [{"filter": IS_POINT}, {"pivot": "series", "value": "y", "groupby": ["x"]}],
        "mark": {"type": "rule", "color": MARK_COLOUR, "strokeWidth": 1.5},
        "params": [HOVER_PARAM],
        "encoding": {
            "x": x,
            "opacity": {"condition": {"param": "hover", "empty": False, "value": 0.8}, "value": 0},
            "tooltip": tooltip,
        },
    }


def escape_field(name: str) -> str:
    """Return the name of a field in which dots and brackets are not read as a path."""
    return "".join(f"\\{c}" if c in ".[]\\'\"" else c for c in name)
