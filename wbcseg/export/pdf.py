"""Write a report as PDF: each image with its overlay and measurements, the settings, and definitions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from wbcseg import __version__
from wbcseg.counting import (
    DEFAULT_EDGE_RULE,
    EDGE_RULE_DESCRIPTION,
    EDGE_RULE_LABEL,
    get_edge_rule,
    is_counted,
    list_cut_edges,
)
from wbcseg.export.csv import CELLS_FILE, NOT_USED, ROW_STATUS_LABELS, describe_feature
from wbcseg.export.pdf_page import (
    FONT,
    IMAGE_MM,
    IMAGE_PIXELS,
    MARGIN_MM,
    MUTED_COLOUR,
    ROW_MM,
    TEXT_COLOUR,
    ReportPdf,
    encode_jpeg,
    fit_to_page,
    start_section,
    to_latin1,
)
from wbcseg.export.text import (
    format_edge_counts,
    format_image_counts,
    format_mean_dice,
    format_status_counts,
)
from wbcseg.features import FEATURES
from wbcseg.labels import CLASSES, PALETTES
from wbcseg.metrics import FOREGROUND_REGIONS
from wbcseg.quality import STATUS_DESCRIPTIONS, STATUS_LABELS
from wbcseg.results import CellResult, ImageReport, Results, group_by_image
from wbcseg.visualization import overlay, resize_for_display

REPORTED_FEATURES: Final = (
    *("nucleus_area", "cytoplasm_area", "cell_area", "nucleus_to_cell", "nucleus_to_cytoplasm"),
    *("cell_circularity", "nucleus_solidity", "nucleus_lobes"),
)
"""Measurements in the report; the table of cells has all."""

SEE_TABLE: Final = f"The reason is in {CELLS_FILE}."
"""Replaces a reason that cannot be given without naming a file."""

MAX_LISTED_REASONS: Final = 30
"""Most reasons for unused files that are listed."""


def build_pdf_report(
    results: Results,
    *,
    date: datetime,
    settings: Sequence[tuple[str, str]],
    pixel_size: float | None = None,
    edge_rule: str = DEFAULT_EDGE_RULE,
) -> bytes:
    """Return a report as PDF.

    It refers to images by their ``image_index`` in the table of cells and never by file name, which can hold a
    patient's name.

    Args:
        results: Images, or the cells of each of them. Their pixels are loaded one after the other.
        date: Date of the report, with its time zone; it is written in UTC.
        settings: Names and values of the settings, such as models with their checksums.
        pixel_size: Pixel size in µm, or ``None``.
        edge_rule: Which of the cells cut by the image edge count, a key of :data:`wbcseg.counting.EDGE_RULES`.

    Returns:
        The file.
    """
    reports = group_by_image(results)
    pdf = ReportPdf(format="A4", unit="mm")
    pdf.set_creation_date(date)
    pdf.set_title("White blood cells: segmentation and measurements")
    pdf.set_creator(f"wbcseg {__version__}")
    pdf.set_margins(MARGIN_MM, MARGIN_MM, MARGIN_MM)
    pdf.c_margin = 0.0
    pdf.set_auto_page_break(True, margin=18)
    pdf.add_page()
    settings = [*settings, (EDGE_RULE_LABEL, get_edge_rule(edge_rule).label)]
    _render_header(pdf, reports, date, settings, pixel_size, edge_rule)
    _render_unreadable(pdf, reports)
    for image_index, report in enumerate(reports, start=1):
        for model, cells in report.iter_by_model():
            if model in report.field_renderers or not cells:
                _render_field(pdf, image_index, report, model, cells, edge_rule)
            for cell in cells:
                if pdf.get_y() + ROW_MM > pdf.h - 20:
                    pdf.add_page()
                _render_cell(pdf, image_index, cell, pixel_size, edge_rule)
    _render_definitions(pdf, reports, pixel_size)
    return bytes(pdf.output())


def _render_header(
    pdf: ReportPdf,
    reports: Sequence[ImageReport],
    date: datetime,
    settings: Sequence[tuple[str, str]],
    pixel_size: float | None,
    edge_rule: str,
) -> None:
    pdf.set_text_color(*TEXT_COLOUR)
    pdf.set_font(FONT, "B", 18)
    pdf.cell(0, 9, "White blood cells: segmentation and measurements", new_x="LMARGIN", new_y="NEXT")
    pixel_size_text = "not set; measurements in pixels" if pixel_size is None else f"{pixel_size:g} \u00b5m/pixel"
    lines = [
        ("Date", date.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")),
        ("Software", f"wbcseg {__version__}"),
        ("Images", format_image_counts(reports)),
        *_list_cell_counts(reports, edge_rule),
        ("Pixel size", pixel_size_text),
        *settings,
    ]
    for name, value in lines:
        pdf.set_font(FONT, "B", 9)
        pdf.cell(34, 5, to_latin1(name))
        pdf.set_font(FONT, size=9)
        pdf.multi_cell(0, 5, to_latin1(value), new_x="LMARGIN", new_y="NEXT")
    pdf.set_font(FONT, size=9)
    pdf.multi_cell(
        0,
        5,
        f"Images are numbered as in the table on the page and in {CELLS_FILE}.",
        new_x="LMARGIN",
        new_y="NEXT",
    )
    pdf.ln(1)
    for pixel_class in reversed(CLASSES[1:]):
        colour = PALETTES["thesis"].to_hex(pixel_class.id)
        pdf.set_fill_color(*(int(colour[i : i + 2], 16) for i in (1, 3, 5)))
        pdf.rect(pdf.get_x(), pdf.get_y() + 1, 3, 3, style="F")
        pdf.set_x(pdf.get_x() + 4)
        pdf.cell(26, 5, pixel_class.name.capitalize())
    pdf.ln(8)


def _list_cell_counts(reports: Sequence[ImageReport], edge_rule: str) -> list[tuple[str, str]]:
    """Return how many cells each model found, how many count, and their overlap with expert masks."""
    models = list(dict.fromkeys(model for report in reports for model in report.models))
    lines = []
    for model in models:
        cells = [cell for report in reports for cell in report.cells if cell.model == model]
        prefix = f"{model}: " if len(models) > 1 else ""
        lines.append(("Cells", f"{prefix}{format_status_counts(cells)}"))
        edge_counts, mean_dice = format_edge_counts(cells, edge_rule), format_mean_dice(cells)
        lines += [("Count", f"{prefix}{edge_counts}")] if edge_counts else []
        lines += [("Mean Dice", f"{prefix}{mean_dice}")] if mean_dice else []
    return lines


def _render_unreadable(pdf: ReportPdf, reports: Sequence[ImageReport]) -> None:
    """List the images that were not used by number, and why."""
    reasons: dict[str, list[str]] = {}
    for image_index, report in enumerate(reports, start=1):
        if report.problem:
            reason = report.problem.text_without_names or SEE_TABLE
            reasons.setdefault(reason, []).append(str(image_index))
        elif report.mask_rejected:
            reasons.setdefault(f"Expert mask not used. {SEE_TABLE}", []).append(str(image_index))
    if not reasons:
        return
    pdf.set_font(FONT, "B", 10.5)
    pdf.cell(0, 6, ROW_STATUS_LABELS[NOT_USED], new_x="LMARGIN", new_y="NEXT")
    for reason, image_indices in list(reasons.items())[:MAX_LISTED_REASONS]:
        pdf.set_font(FONT, size=9)
        text = f"Image{'' if len(image_indices) == 1 else 's'} {', '.join(image_indices)}: {reason}"
        pdf.multi_cell(0, 4.5, to_latin1(text), align="L", new_x="LMARGIN", new_y="NEXT")
    if len(reasons) > MAX_LISTED_REASONS:
        remaining_text = f"{len(reasons) - MAX_LISTED_REASONS} more reasons are in {CELLS_FILE}."
        pdf.multi_cell(0, 4.5, remaining_text, new_x="LMARGIN", new_y="NEXT")
    pdf.ln(3)


def _render_field(
    pdf: ReportPdf,
    image_index: int,
    report: ImageReport,
    model: str,
    cells: Sequence[CellResult],
    edge_rule: str,
) -> None:
    """Show a field of view with outlines and numbers of its cells."""
    render = report.field_renderers.get(model)
    pixels = render() if render is not None else None
    width, height = fit_to_page(pixels) if pixels is not None else (0.0, 0.0)
    if pdf.get_y() + height + 16 > pdf.h - 20:
        pdf.add_page()
    top = start_section(pdf)
    n_cells, edge_counts = len(cells), format_edge_counts(cells, edge_rule)
    cells_text = (
        f"{n_cells} white blood cell{'' if n_cells == 1 else 's'}"
        if n_cells
        else "no white blood cell found; review the image"
    )
    pdf.cell(
        0,
        6,
        f"Image {image_index}, field of view, {to_latin1(model)}: {cells_text}"
        + (f"; {edge_counts}" if edge_counts else ""),
        new_x="LMARGIN",
        new_y="NEXT",
    )
    if pixels is not None:
        pdf.image(encode_jpeg(pixels), x=MARGIN_MM, y=top + 8.5, w=width, h=height)
    pdf.set_y(top + height + 11)


def _render_cell(pdf: ReportPdf, image_index: int, cell: CellResult, pixel_size: float | None, edge_rule: str) -> None:
    top = start_section(pdf)
    title = f"Image {image_index}" + (f", cell {cell.cell_index}" if cell.cell_index else "")
    pdf.cell(2 * IMAGE_MM + 4, 6, title + (f", {to_latin1(cell.model)}" if cell.model else ""))
    image, labels = cell.load()
    overlaid = overlay(image, labels, PALETTES["thesis"], 0.4)
    for column, pixels in enumerate((image, overlaid)):
        resized = resize_for_display(pixels, IMAGE_PIXELS, max_side=IMAGE_PIXELS)
        width = IMAGE_MM * min(1.0, resized.shape[1] / resized.shape[0])
        height = IMAGE_MM * min(1.0, resized.shape[0] / resized.shape[1])
        pdf.image(encode_jpeg(resized), x=MARGIN_MM + column * (IMAGE_MM + 3), y=top + 8.5, w=width, h=height)
    _render_features(pdf, cell, pixel_size, edge_rule, x=MARGIN_MM + 2 * IMAGE_MM + 9, y=top + 8)
    pdf.set_y(top + ROW_MM)


def _render_features(
    pdf: ReportPdf, cell: CellResult, pixel_size: float | None, edge_rule: str, x: float, y: float
) -> None:
    width = pdf.w - MARGIN_MM - x
    if cell.status and cell.features is not None:
        pdf.set_xy(x, y - 6.5)
        pdf.set_font(FONT, "B", 9)
        pdf.cell(width, 6, to_latin1(STATUS_LABELS[cell.status]))
    values = cell.features.to_units(pixel_size) if cell.features else {}
    if not values:
        pdf.set_xy(x, y)
        pdf.set_font(FONT, size=9)
        pdf.multi_cell(width, 5, "No white blood cell found.")
        y = pdf.get_y()
    for name in REPORTED_FEATURES if values else ():
        pdf.set_xy(x, y)
        pdf.set_font(FONT, size=8.5)
        pdf.set_text_color(*MUTED_COLOUR)
        pdf.cell(40, 4.3, to_latin1(FEATURES[name].title))
        pdf.set_text_color(*TEXT_COLOUR)
        pdf.cell(width - 40, 4.3, to_latin1(_format_feature(name, values[name], pixel_size)), align="R")
        y += 4.3
    dice_texts = [f"{region} {cell.dice[region]:.3f}" for region in FOREGROUND_REGIONS if region in cell.dice]
    if dice_texts:
        pdf.set_xy(x, y)
        pdf.set_font(FONT, size=8.5)
        pdf.cell(width, 4.3, to_latin1(f"Dice: {', '.join(dice_texts).replace('nan', 'not defined')}"))
        y += 4.3
    pdf.set_text_color(*MUTED_COLOUR)
    pdf.set_font(FONT, size=7.5)
    pdf.set_xy(x, y + 0.5)
    notes = (*_list_edge_notes(cell, edge_rule), *cell.reasons)
    pdf.multi_cell(width, 3.4, to_latin1(" ".join(notes)[:260]), align="L")
    pdf.set_text_color(*TEXT_COLOUR)


def _list_edge_notes(cell: CellResult, edge_rule: str) -> list[str]:
    """Return that the image edge cuts a cell, and whether it counts, as short sentences."""
    edges = list_cut_edges(cell)
    if cell.features is None or not edges:
        return []
    edges_text = " and ".join(edges) + (" edge." if len(edges) == 1 else " edges.")
    return [f"Cut by the {edges_text}"] + ([] if is_counted(cell, edge_rule) else ["Not counted."])


def _format_feature(name: str, value: float, pixel_size: float | None) -> str:
    spec = FEATURES[name]
    if math.isnan(value):
        return "not defined"
    if not spec.power:
        return f"{value:.{spec.decimals}f}"
    unit = ("px" if pixel_size is None else "\u00b5m") + ("\u00b2" if spec.power == 2 else "")
    return f"{value:.{spec.decimals if pixel_size is None else 1}f} {unit}"


def _render_definitions(pdf: ReportPdf, reports: Sequence[ImageReport], pixel_size: float | None) -> None:
    """Define the measurements, and the statuses if results have any."""
    pdf.add_page()
    feature_entries = [(FEATURES[name].title, describe_feature(name, pixel_size)) for name in REPORTED_FEATURES]
    sections = [("Measurements", feature_entries), ("Counting", [(EDGE_RULE_LABEL, EDGE_RULE_DESCRIPTION)])]
    if any(cell.status for report in reports for cell in report.cells):
        status_entries = [(STATUS_LABELS[status], description) for status, description in STATUS_DESCRIPTIONS.items()]
        sections.append(("Quality check", status_entries))
    for title, entries in sections:
        pdf.set_font(FONT, "B", 13)
        pdf.cell(0, 8, title, new_x="LMARGIN", new_y="NEXT")
        for name, description in entries:
            pdf.set_font(FONT, "B", 9)
            pdf.cell(0, 5, to_latin1(name), new_x="LMARGIN", new_y="NEXT")
            pdf.set_font(FONT, size=9)
            pdf.multi_cell(0, 4.5, to_latin1(description), align="L", new_x="LMARGIN", new_y="NEXT")
            pdf.ln(1.5)
        pdf.ln(3)
