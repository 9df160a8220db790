"""Histograms of measurements, drawn on a page of the report."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from wbcseg.export.pdf.details import ReportDetails, format_unit
from wbcseg.export.pdf.page import ACCENT_COLOUR, LINE_COLOUR, MARGIN_MM, MUTED_COLOUR, TEXT_COLOUR, ReportPdf
from wbcseg.features import FEATURES
from wbcseg.results import CellResult

HISTOGRAM_FEATURES: Final = ("cell_area", "nucleus_to_cell", "nucleus_solidity", "nucleus_lobes")

PLOT_MM: Final = 20.0
"""Height of the bars."""

GAP_MM: Final = 5.0
MIN_CELLS: Final = 5
"""With fewer cells, there is no histogram."""

MAX_BINS: Final = 24


def render_histograms(
    pdf: ReportPdf, cells: Sequence[CellResult], details: ReportDetails, pixel_size: float | None
) -> None:
    """Draw a histogram of each of :data:`HISTOGRAM_FEATURES`, side by side.

    Args:
        pdf: The report.
        cells: The cells, by one model.
        details: How numbers are written.
        pixel_size: Pixel size in µm, or ``None``.
    """
    units = [cell.features.to_units(pixel_size) for cell in cells if cell.features is not None]
    if len(units) < MIN_CELLS:
        return
    pdf.write_heading("Measurements", room=PLOT_MM + 24)
    top, count = pdf.get_y() + 0.5, len(HISTOGRAM_FEATURES)
    width = (pdf.text_width - (count - 1) * GAP_MM) / count
    for index, name in enumerate(HISTOGRAM_FEATURES):
        column = np.array([values.get(name, math.nan) for values in units])
        _draw(
            pdf, name, column[~np.isnan(column)], details, pixel_size, MARGIN_MM + index * (width + GAP_MM), top, width
        )
    pdf.set_xy(MARGIN_MM, top + PLOT_MM + 15)


def _draw(
    pdf: ReportPdf,
    name: str,
    column: NDArray[np.float64],
    details: ReportDetails,
    pixel_size: float | None,
    x: float,
    y: float,
    width: float,
) -> None:
    unit = format_unit(name, pixel_size)
    title = FEATURES[name].title.partition(" (")[0]
    pdf.set_xy(x, y)
    pdf.write_text(f"{title}, {unit}" if unit else title, size=7.5, bold=True, width=width)
    base = y + 5 + PLOT_MM
    pdf.set_draw_color(*LINE_COLOUR)
    pdf.line(x, base, x + width, base)
    if not len(column):
        return
    edges = _choose_edges(column, is_whole=not FEATURES[name].power and FEATURES[name].decimals == 0)
    counts, _ = np.histogram(column, edges)
    bar = width / len(counts)
    for index, number in enumerate(counts.tolist()):
        height = PLOT_MM * number / max(counts.max(), 1)
        pdf.fill_rect(x + index * bar + 0.15, base - height, bar - 0.3, height, ACCENT_COLOUR)
    is_whole = edges[0] % 1 == 0.5
    first, last = (edges[0] + 0.5, edges[-1] - 0.5) if is_whole else (edges[0], edges[-1])
    for value, align in ((first, "L"), (last, "R")):
        pdf.set_xy(x, base + 0.8)
        text = details.format_feature(name, value, pixel_size).removesuffix(f" {unit}")
        pdf.write_text(text, size=6.5, colour=MUTED_COLOUR, width=width, height=3, align=align)
    low, median, high = np.percentile(column, (25, 50, 75))
    texts = [details.format_feature(name, value, pixel_size).removesuffix(f" {unit}") for value in (median, low, high)]
    pdf.set_xy(x, base + 4)
    pdf.write_text(f"Median {texts[0]} ({texts[1]} to {texts[2]})", size=6.5, colour=TEXT_COLOUR, width=width, height=3)


def _choose_edges(column: NDArray[np.float64], *, is_whole: bool) -> NDArray[np.float64]:
    """Return the edges of the bins: one for each whole number, or as many as the number of cells suggests."""
    low, high = float(column.min()), float(column.max())
    if is_whole and high - low < MAX_BINS:
        return np.arange(low - 0.5, high + 1)
    count = min(MAX_BINS, max(5, math.ceil(2 * math.cbrt(len(column)))))
    return np.linspace(low, high if high > low else low + 1, count + 1)
