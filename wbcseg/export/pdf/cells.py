"""The fields of view of a report, and a compact row for each cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from wbcseg.counting import is_counted, list_cut_edges
from wbcseg.differential import TYPE_COLOURS
from wbcseg.export.pdf.details import ReportDetails, format_unit
from wbcseg.export.pdf.page import (
    MARGIN_MM,
    MUTED_COLOUR,
    TEXT_COLOUR,
    ReportPdf,
    encode_jpeg,
    fit_to_page,
    parse_colour,
)
from wbcseg.export.text import format_edge_counts
from wbcseg.features import FEATURES
from wbcseg.labels import PALETTES
from wbcseg.metrics import FOREGROUND_REGIONS
from wbcseg.quality import STATUS_LABELS
from wbcseg.results import UNSURE, CellResult, ImageReport
from wbcseg.visualization import overlay, resize_for_display

SHAPE_COLUMNS: Final = ("area", "perimeter", "circularity", "solidity", "eccentricity")
SHAPE_ROWS: Final = ("nucleus", "cytoplasm", "cell")
"""Columns and rows of a cell's measurements, such as ``nucleus_area``; of the cytoplasm, only the area is measured."""

RATIO_TITLES: Final = {
    "nucleus_to_cell": "Nucleus/cell",
    "nucleus_to_cytoplasm": "Nucleus/cytoplasm",
    "nucleus_lobes": "Lobes",
}

REPORTED_FEATURES: Final = tuple(
    name
    for name in FEATURES
    if name in RATIO_TITLES or name in {f"{row}_{column}" for row in SHAPE_ROWS for column in SHAPE_COLUMNS}
)
"""Measurements in the report; the table of cells has all."""

ROW_MM: Final = 25.5
"""Height of a row."""

THUMBNAIL_MM: Final = 21.5
THUMBNAIL_PIXELS: Final = 220
TEXT_X: Final = MARGIN_MM + 2 * THUMBNAIL_MM + 5
NAME_MM: Final = 42.0
FEATURES_X: Final = TEXT_X + NAME_MM + 3
LINE_MM: Final = 3.5
"""Height of a line of measurements."""

ROW_TITLE_MM: Final = 14.0


def render_images(
    pdf: ReportPdf,
    reports: Sequence[ImageReport],
    details: ReportDetails,
    *,
    pixel_size: float | None,
    edge_rule: str,
) -> None:
    """Show every field of view and every cell.

    Args:
        pdf: The report, on its summary.
        reports: The images.
        details: What a person added.
        pixel_size: Pixel size in µm, or ``None``.
        edge_rule: Which of the cells cut by the image edge count.
    """
    models = {model for report in reports for model in report.models}
    rows = sum(len(report.cells) for report in reports)
    has_field = any(report.field_renderers or not report.cells for report in reports if report.models)
    if models and (has_field or pdf.room < rows * ROW_MM + 8):
        pdf.add_page()
    elif rows:
        pdf.write_heading("Cell" if rows == 1 else "Cells")
    for image_index, report in enumerate(reports, start=1):
        for model, cells in report.iter_by_model():
            if model in report.field_renderers or not cells:
                _render_field(pdf, image_index, report, model, details, edge_rule)
            for cell in cells:
                if pdf.room < ROW_MM:
                    pdf.add_page()
                _render_cell(pdf, image_index, cell, details, pixel_size, edge_rule, with_model=len(models) > 1)


def _render_field(
    pdf: ReportPdf, image_index: int, report: ImageReport, model: str, details: ReportDetails, edge_rule: str
) -> None:
    """Show a field of view with outlines and numbers of its cells."""
    render, cells = report.field_renderers.get(model), report.get_cells(model)
    pixels = render() if render is not None else None
    width, height = fit_to_page(pixels) if pixels is not None else (0.0, 0.0)
    if pdf.room < height + 14:
        pdf.add_page()
    top = pdf.draw_rule()
    count, edge_counts = len(cells), format_edge_counts(cells, edge_rule)
    text = f"{count} white blood cell{'' if count == 1 else 's'}" if count else "no white blood cell found; review it"
    title = f"Image {image_index}, field of view, {model}: {text}" + (f"; {edge_counts}" if edge_counts else "")
    pdf.set_xy(MARGIN_MM, top + 1.5)
    pdf.write_lines(title, size=9, bold=True, max_lines=2)
    if details.with_image_names:
        pdf.write_text(report.name, size=8, colour=MUTED_COLOUR, width=pdf.text_width)
        pdf.set_xy(MARGIN_MM, pdf.get_y() + 4.5)
    top = pdf.get_y() + 0.5
    if pixels is not None:
        pdf.image(encode_jpeg(pixels), x=MARGIN_MM, y=top, w=width, h=height)
    pdf.set_y(top + height + 2.5)


def _render_cell(
    pdf: ReportPdf,
    image_index: int,
    cell: CellResult,
    details: ReportDetails,
    pixel_size: float | None,
    edge_rule: str,
    *,
    with_model: bool,
) -> None:
    top = pdf.draw_rule() + 1.6
    _render_thumbnails(pdf, cell, top)
    _render_name(pdf, image_index, cell, details, top, with_model=with_model)
    _render_features(pdf, cell, details, pixel_size, top)
    notes = " ".join((*_list_edge_notes(cell, edge_rule), *cell.reasons))
    if notes:
        pdf.set_xy(FEATURES_X, top + 5 * LINE_MM + 0.5)
        width = pdf.w - MARGIN_MM - FEATURES_X
        pdf.write_lines(notes, width=width, size=6.5, height=2.9, colour=MUTED_COLOUR, max_lines=2)
    pdf.set_y(top - 1.6 + ROW_MM)


def _render_thumbnails(pdf: ReportPdf, cell: CellResult, top: float) -> None:
    image, labels = cell.load()
    overlaid = overlay(image, labels, PALETTES["thesis"], 0.4)
    for column, pixels in enumerate((image, overlaid)):
        resized = resize_for_display(pixels, THUMBNAIL_PIXELS, max_side=THUMBNAIL_PIXELS)
        rows, columns = resized.shape[:2]
        width, height = THUMBNAIL_MM * min(1.0, columns / rows), THUMBNAIL_MM * min(1.0, rows / columns)
        x = MARGIN_MM + column * (THUMBNAIL_MM + 1.5) + (THUMBNAIL_MM - width) / 2
        pdf.image(encode_jpeg(resized), x=x, y=top + (THUMBNAIL_MM - height) / 2, w=width, h=height)


def _render_name(
    pdf: ReportPdf, image_index: int, cell: CellResult, details: ReportDetails, top: float, *, with_model: bool
) -> None:
    """Write what the cell is called, its type and its status."""
    title = f"Image {image_index}" + (f", cell {cell.cell_index}" if cell.cell_index else "")
    lines = [(title, 8.5, True, False)]
    if details.with_image_names:
        lines.append((cell.image_name, 7, False, True))
    if cell.type:
        lines += [(text, size, bold, muted) for text, size, bold, muted in _list_type_lines(cell, details)]
    if cell.features is not None and (status := STATUS_LABELS.get(cell.status)):
        lines.append((status, 7, False, True))
    if cell.origin == "person":
        lines.append(("Corrected by a person", 7, False, True))
    if with_model:
        lines.append((cell.model, 6.5, False, True))
    y = top
    bold_mm = 4.2 * sum(1 for line in lines if line[2])
    # Closer together where there are many: none is left out.
    small_mm = min(3.4, (ROW_MM - 1.8 - bold_mm) / max(1, sum(1 for line in lines if not line[2])))
    for index, (text, size, bold, muted) in enumerate(lines):
        pdf.set_xy(TEXT_X, y)
        is_type = bool(cell.type) and index == 1 + details.with_image_names
        indent = 0.0
        if is_type:
            pdf.fill_rect(TEXT_X, y + 1.0, 2.2, 2.2, parse_colour(TYPE_COLOURS.get(cell.type, "#7a7a7a")))
            indent = 3.4
            pdf.set_x(TEXT_X + indent)
        height = 4.2 if bold else small_mm
        colour = MUTED_COLOUR if muted else TEXT_COLOUR
        pdf.write_text(text, size=size, bold=bold, colour=colour, width=NAME_MM - indent, height=height)
        y += height


def _list_type_lines(cell: CellResult, details: ReportDetails) -> list[tuple[str, float, bool, bool]]:
    """Return a cell's type, with its probability or who gave it: text, size, bold, muted."""
    name = cell.type.capitalize()
    probabilities = cell.type_probabilities
    likeliest = max(probabilities, key=probabilities.__getitem__) if probabilities else ""
    said = f"{likeliest} {details.format_percent(probabilities[likeliest])}" if likeliest else ""
    if cell.assigned_type:
        model_text = f"model: {cell.predicted_type}" if cell.predicted_type else ""
        if cell.predicted_type in probabilities:
            model_text += f" {details.format_percent(probabilities[cell.predicted_type])}"
        elif cell.predicted_type == UNSURE and said:
            model_text += f", {said}"
        return [(name, 8.5, True, False), *_to_lines("filed by a person"), *_to_lines(model_text)]
    if cell.type == UNSURE:
        return [(name, 8.5, True, False), *_to_lines(f"perhaps {said}" if said else "")]
    text = f"{name}, {details.format_percent(probabilities[cell.type])}" if cell.type in probabilities else name
    return [(text, 8.5, True, False), *_to_lines(cell.subtype)]


def _to_lines(text: str) -> list[tuple[str, float, bool, bool]]:
    return [(text, 7.0, False, True)] if text else []


def _render_features(
    pdf: ReportPdf, cell: CellResult, details: ReportDetails, pixel_size: float | None, top: float
) -> None:
    """Write the measurements: a small table of shapes, and a line of ratios below it."""
    room = pdf.w - MARGIN_MM - FEATURES_X
    if cell.features is None:
        pdf.set_xy(FEATURES_X, top)
        pdf.write_text("No white blood cell found.", size=8.5, width=room)
        return
    values = cell.features.to_units(pixel_size)
    width = (room - ROW_TITLE_MM) / len(SHAPE_COLUMNS)
    for column, title in enumerate(SHAPE_COLUMNS):
        unit = format_unit(f"cell_{title}", pixel_size)
        pdf.set_xy(FEATURES_X + ROW_TITLE_MM + column * width, top)
        text = f"{title.capitalize()} {unit}".rstrip()
        pdf.write_text(text, size=6, colour=MUTED_COLOUR, width=width - 0.8, height=LINE_MM, align="R")
    for line, row in enumerate(SHAPE_ROWS, start=1):
        pdf.set_xy(FEATURES_X, top + line * LINE_MM)
        pdf.write_text(row.capitalize(), size=7, colour=MUTED_COLOUR, width=ROW_TITLE_MM, height=LINE_MM)
        for column, title in enumerate(SHAPE_COLUMNS):
            name = f"{row}_{title}"
            if name in values:
                pdf.set_xy(FEATURES_X + ROW_TITLE_MM + column * width, top + line * LINE_MM)
                text = _format_value(name, values, details, pixel_size)
                pdf.write_text(text, size=7, width=width - 0.8, height=LINE_MM, align="R")
    pdf.set_xy(FEATURES_X, top + 4 * LINE_MM)
    for name, title in RATIO_TITLES.items():
        if name in values:
            for text, colour in (
                (f"{title} ", MUTED_COLOUR),
                (_format_value(name, values, details, pixel_size), TEXT_COLOUR),
            ):
                pdf.set_style(7)
                pdf.write_text(text, size=7, colour=colour, width=pdf.get_string_width(text) + 0.3, height=LINE_MM)
            pdf.set_x(pdf.get_x() + 4)
    dice = [
        f"{region} {details.format_number(cell.dice[region], 3)}"
        for region in FOREGROUND_REGIONS
        if region in cell.dice
    ]
    if dice:
        pdf.set_xy(TEXT_X, top + THUMBNAIL_MM - 1.5)
        pdf.write_text(f"Dice: {', '.join(dice)}", size=6.5, width=NAME_MM + 20, height=3)


def _format_value(name: str, values: Mapping[str, float], details: ReportDetails, pixel_size: float | None) -> str:
    """Return a measurement without its unit."""
    return details.format_feature(name, values[name], pixel_size).removesuffix(f" {format_unit(name, pixel_size)}")


def _list_edge_notes(cell: CellResult, edge_rule: str) -> list[str]:
    """Return that the image edge cuts a cell, and whether it counts, as short sentences."""
    edges = list_cut_edges(cell)
    if cell.features is None or not edges:
        return []
    edges_text = " and ".join(edges) + (" edge." if len(edges) == 1 else " edges.")
    return [f"Cut by the {edges_text}"] + ([] if is_counted(cell, edge_rule) else ["Not counted."])
