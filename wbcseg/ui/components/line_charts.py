"""Training curves as Vega-Lite charts.

While only its rows change, a chart is not redrawn: Streamlit passes the new rows to the chart on the page. So neither
the chart's spec nor, while a run is active, its text alternative depends on the rows. For this, Streamlit loads pandas
(70 MB). A chart that no longer changes has its rows in its spec, which does not need pandas.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import streamlit as st

from wbcseg.evaluation.thesis import THESIS_ARCHITECTURES, load_thesis_result
from wbcseg.training import TrainingConfig
from wbcseg.ui.curves.spec import FIELDS, Row, build_spec, compute_first_domains
from wbcseg.ui.formatting import escape_markdown, format_region

MetricsRow = Mapping[str, float]
Point = tuple[float, float, str]
Band = tuple[float, float, float, str]
"""x, lowest and highest y, and name of the series."""

# Each has a contrast of at least 3.4:1 on both the light and the dark background.
BLUE: Final = "#3d85c6"
ORANGE: Final = "#c8701a"
GREEN: Final = "#2a9461"
VIOLET: Final = "#8470d8"
GREY: Final = "#7f7b92"
RED: Final = "#d5506b"
COLOURS: Final = (BLUE, ORANGE, GREEN, VIOLET, RED, GREY)

SOLID: Final = (1, 0)
DASHED: Final = (6, 4)
DOTTED: Final = (2, 3)
DASH_DOT: Final = (10, 3, 2, 3)
DASH_GLYPHS: Final = {SOLID: "━━", DASHED: "╍╍", DOTTED: "┉┉", DASH_DOT: "━╸╺"}
"""Dash patterns as text, for legends."""

MARKER_GLYPHS: Final = {
    "circle": "●",
    "square": "■",
    "triangle-up": "▲",
    "diamond": "◆",
    "cross": "✚",
    "triangle-down": "▼",
}
"""Marker shapes as text, for legends."""

MARKER_SHAPES: Final = tuple(MARKER_GLYPHS)

VALIDATION: Final = "Validation"
TRAINING: Final = "Training"
REGION_COLOURS: Final = {"nucleus": BLUE, "cytoplasm": GREEN, "cell": ORANGE}

MAX_MARKED_POINTS: Final = 40
"""Curves with more points are drawn without markers."""

SUBSET_SEPARATOR: Final = " · "
"""Separates the name of a curve from its subset (training or validation), which the dash pattern shows."""

DASH_EXPLANATION: Final = "Solid lines: validation images. Dashed lines: training images."

EMPTY_TEXT: Final = "Appears after the first batch."
ZOOM_HINT: Final = "Zoom with Ctrl and the mouse wheel, reset with a double click."

LIVE_REFRESH_SECONDS: Final = 1.5
"""Refresh interval of the curves of an active run."""

METRIC_TITLES: Final = {
    "loss": "Loss",
    "accuracy": "Accuracy",
    "binary_accuracy": "Binary accuracy",
    **{f"dice_{region}": f"Fast Dice, {format_region(region).lower()}" for region in REGION_COLOURS},
    **{
        f"{name}_{region}": f"{title}, {format_region(region).lower()}"
        for name, title in (("iou", "IoU"), ("precision", "Precision"), ("recall", "Recall"))
        for region in REGION_COLOURS
    },
    "learning_rate": "Learning rate",
    "gradient_norm": "Gradient norm",
    "images_per_second": "Images per second",
}
"""Titles of the metrics of an epoch or batch."""


@dataclass(frozen=True)
class Series:
    """The style of one curve. Colour alone never tells two curves apart.

    Attributes:
        name: Its name; the legend shows the part before :data:`SUBSET_SEPARATOR`.
        colour: ``#rrggbb``.
        dash: Lengths of dashes and gaps.
        shape: Shape of its markers, a name or a path.
        thin: Whether it is drawn thin, in the background.
        glyph: Its marker as a character; needed where the shape is a path.
    """

    name: str
    colour: str
    dash: tuple[int, ...] = SOLID
    shape: str = "circle"
    thin: bool = False
    glyph: str = ""


def format_legend(series: Sequence[Series]) -> str:
    """Return a legend of the curves as Markdown, with one entry for curves that differ only in their subset."""
    curves_by_name = {curve.name.partition(SUBSET_SEPARATOR)[0]: curve for curve in reversed(series)}
    entries = []
    for name, curve in reversed(curves_by_name.items()):
        glyphs = f"{curve.glyph or MARKER_GLYPHS[curve.shape]}{DASH_GLYPHS[curve.dash]}"
        entries.append(f':color[{glyphs}]{{foreground="{curve.colour}"}}\u00a0{escape_markdown(name)}')
    return "\u2003".join(entries)


def extract_values(rows: Sequence[MetricsRow], name: str) -> list[tuple[int, float]]:
    """Return (number from 1, value) of each row that has a finite value."""
    return [
        (number, float(row[name]))
        for number, row in enumerate(rows, start=1)
        if isinstance(row.get(name), (int, float)) and math.isfinite(row[name])
    ]


def compute_ema(points: Sequence[tuple[float, float]], smoothing: float) -> list[tuple[float, float]]:
    """Return the exponential moving average of a curve.

    Args:
        points: x and y of each point.
        smoothing: Fraction of the previous average that is kept at each point, 0 to below 1. The average is corrected
            for its start, so that it begins at the first value.
    """
    mean, weight, result = 0.0, 0.0, []
    for x, y in points:
        mean, weight = smoothing * mean + (1 - smoothing) * y, smoothing * weight + 1 - smoothing
        result.append((x, mean / weight))
    return result


def show_line_chart(
    points: Sequence[Point],
    series: Sequence[Series],
    *,
    x_title: str,
    y_title: str,
    alt: str,
    key: str,
    live: bool,
    log: bool = False,
    height: int = 240,
    bands: Sequence[Band] = (),
    marks: Mapping[str, float] | None = None,
) -> None:
    """Draw curves. A line at the pointer shows the values of all of them.

    Args:
        points: x, y and name of the series of each point, each series in the order of x.
        series: The curves; the legend leaves out those without points.
        x_title: Title of the horizontal axis.
        y_title: Title of the vertical axis.
        alt: Text alternative for screen readers; the same as long as only the points change.
        key: Unique on the page.
        live: Whether more points will follow. Otherwise the chart can be zoomed, which new points would reset.
        log: Whether the vertical axis is logarithmic; points that are not positive are excluded.
        height: Height in pixels.
        bands: Bands around curves, each in the order of x.
        marks: x of vertical lines, by their label.
    """
    visible_points = [point for point in points if not log or point[1] > 0]
    present_names = {name for *_, name in visible_points}
    visible_series = [curve for curve in series if curve.name in present_names]
    max_points = max(
        (sum(name == curve.name for *_, name in visible_points) for curve in visible_series if not curve.thin),
        default=0,
    )
    st.markdown(f":small[{format_legend(visible_series)}]" if visible_series else "\u00a0")
    if not visible_series:
        with st.container(height=height, vertical_alignment="center", horizontal_alignment="center"):
            st.caption(EMPTY_TEXT)
        return
    rows: list[Row] = [(x, y, name, None, None) for x, y, name in visible_points]
    rows += [(x, low, name, high, None) for x, low, high, name in bands if not log or low > 0]
    rows += [(x, None, "", None, label) for label, x in (marks or {}).items()]
    spec = build_spec(
        visible_series,
        x_title,
        y_title,
        log=log,
        show_markers=max_points <= MAX_MARKED_POINTS,
        zoom=not live,
        domains=compute_first_domains(rows),
    )
    if live:
        data = {name: [row[index] for row in rows] for index, name in enumerate(FIELDS)}
        st.vega_lite_chart(data, spec, key=key, alt=alt, height=height)
        return
    values = [{name: value for name, value in zip(FIELDS, row, strict=True) if value is not None} for row in rows]
    # Streamlit moves rows out of the spec itself, but not out of its layers.
    st.vega_lite_chart(spec={"layer": [{"data": {"values": values}, **spec}]}, key=key, alt=alt, height=height)


def build_train_val_series(rows: Sequence[MetricsRow], metric: str) -> tuple[list[Point], list[Series]]:
    """Return the training and validation curves of a metric."""
    subsets = ((TRAINING, "", ORANGE, DASHED, "square"), (VALIDATION, "val_", BLUE, SOLID, "circle"))
    points: list[Point] = [
        (x, y, subset) for subset, prefix, *_ in subsets for x, y in extract_values(rows, prefix + metric)
    ]
    return points, [Series(subset, colour, dash, shape) for subset, _, colour, dash, shape in subsets]


def build_dice_series(rows: Sequence[MetricsRow]) -> tuple[list[Point], list[Series]]:
    """Return the Dice curves of nucleus, cytoplasm and cell, for training and validation."""
    points: list[Point] = []
    series: list[Series] = []
    for (region, colour), shape in zip(REGION_COLOURS.items(), MARKER_SHAPES, strict=False):
        for subset, prefix, dash in ((VALIDATION, "val_", SOLID), (TRAINING, "", DASHED)):
            series_name = f"{format_region(region)}{SUBSET_SEPARATOR}{subset.lower()}"
            points += [(x, y, series_name) for x, y in extract_values(rows, f"{prefix}dice_{region}")]
            series.append(Series(series_name, colour, dash, shape))
    return points, series


def build_class_series(rows: Sequence[MetricsRow], metric: str) -> tuple[list[Point], list[Series]]:
    """Return the validation curves of ``iou``, ``precision`` or ``recall`` of nucleus, cytoplasm and cell."""
    points: list[Point] = [
        (x, y, format_region(region))
        for region in REGION_COLOURS
        for x, y in extract_values(rows, f"val_{metric}_{region}")
    ]
    styles = zip(REGION_COLOURS.items(), MARKER_SHAPES, strict=False)
    return points, [Series(format_region(region), colour, SOLID, shape) for (region, colour), shape in styles]


def build_single_series(rows: Sequence[MetricsRow], metric: str) -> tuple[list[Point], list[Series]]:
    """Return the curve of a metric of the training itself, such as ``learning_rate``."""
    title = METRIC_TITLES[metric]
    return [(x, y, title) for x, y in extract_values(rows, metric)], [Series(title, VIOLET)]


def build_heldout_series(heldout_dice: Mapping[str, float], epochs: int) -> tuple[list[Point], list[Series]]:
    """Return the finished model's Dice on whole held-out images, as level lines over all epochs."""
    points: list[Point] = []
    series: list[Series] = []
    for region, value in heldout_dice.items():
        name = f"{format_region(region)}{SUBSET_SEPARATOR}held-out"
        points += [(1, value, name), (max(2, epochs), value, name)]
        series.append(Series(name, REGION_COLOURS[region], DOTTED, "cross", thin=True))
    return points, series


def load_thesis_series(config: TrainingConfig, metric: str) -> tuple[list[Point], list[Series]]:
    """Return the thesis' curves (``loss`` or ``accuracy``) of the same network, if it is one of the thesis."""
    if config.architecture not in THESIS_ARCHITECTURES:
        return [], []
    thesis_result = load_thesis_result(config.architecture)
    curve_specs = {
        f"Thesis{SUBSET_SEPARATOR}test": (f"val_{metric}", SOLID),
        f"Thesis{SUBSET_SEPARATOR}training": (metric, DASHED),
    }
    points: list[Point] = [
        (epoch, value, name)
        for name, (attribute, _) in curve_specs.items()
        for epoch, value in enumerate(getattr(thesis_result, attribute), start=1)
    ]
    return points, [Series(name, GREY, dash, "diamond", thin=True) for name, (_, dash) in curve_specs.items()]
