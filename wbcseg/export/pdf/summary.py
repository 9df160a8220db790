"""The first page of a report: what was counted, how certain that is, and how it was made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from wbcseg.differential import TYPE_COLOURS, Differential, TypeCount, count_reports, describe_rest
from wbcseg.export.csv import CELLS_FILE, NOT_USED, ROW_STATUS_LABELS
from wbcseg.export.glyphs import REPLACEMENT, find_unprintable
from wbcseg.export.pdf.details import ReportDetails
from wbcseg.export.pdf.histograms import render_histograms
from wbcseg.export.pdf.page import (
    FILL_COLOUR,
    LINE_COLOUR,
    MARGIN_MM,
    MUTED_COLOUR,
    TEXT_COLOUR,
    ReportPdf,
    parse_colour,
)
from wbcseg.export.text import format_edge_counts, format_image_counts, format_mean_dice, format_status_counts
from wbcseg.labels import CLASSES, PALETTES
from wbcseg.models.card import NOTICE
from wbcseg.results import CellResult, ImageReport

TITLE: Final = "White blood cell report"

LABEL_MM: Final = 34.0
ROW_MM: Final = 5.2
"""Height of a row of the differential count."""

BAR_MM: Final = 62.0
"""Width of a bar of 100 %."""

COLUMNS_MM: Final = (42.0, 16.0, 16.0, 32.0)
"""Widths of the columns: type, cells, percent, interval."""

SEE_TABLE: Final = f"The reason is in {CELLS_FILE}."
"""Replaces a reason that cannot be given without naming a file."""

MAX_LISTED_REASONS: Final = 30
"""Most reasons for unused files that are listed."""


def render_summary(
    pdf: ReportPdf,
    reports: Sequence[ImageReport],
    facts: Sequence[tuple[str, str]],
    details: ReportDetails,
    *,
    pixel_size: float | None,
    edge_rule: str,
    samples: Mapping[str, str] | None,
) -> None:
    """Write the summary.

    Args:
        pdf: The report, on its first page.
        reports: The images.
        facts: Names and values of how it was made.
        details: What a person added.
        pixel_size: Pixel size in µm, or ``None``.
        edge_rule: Which of the cells cut by the image edge count.
        samples: Sample of each image by its name.
    """
    pdf.write_text(TITLE, size=18, height=9, bold=True, width=pdf.text_width)
    pdf.set_xy(MARGIN_MM, pdf.get_y() + 9)
    pdf.write_text(NOTICE, size=8.5, colour=MUTED_COLOUR, width=pdf.text_width)
    pdf.set_xy(MARGIN_MM, pdf.get_y() + 7)
    _render_details(pdf, details)
    all_cells = [cell for report in reports for cell in report.cells]
    if any(cell.type for cell in all_cells):
        for item in count_reports(reports, samples=samples, edge_rule=edge_rule):
            if item.has_types:
                _render_differential(pdf, item, details)
    first_model = next((model for report in reports for model in report.models), "")
    render_histograms(pdf, [cell for cell in all_cells if cell.model == first_model], details, pixel_size)
    pixel_size_text = (
        "not set; measurements in pixels"
        if pixel_size is None
        else f"{details.format_number(pixel_size, 4).rstrip('0').rstrip('.,')} µm/pixel"
    )
    pdf.write_heading("How it was made", room=40)
    _render_facts(
        pdf,
        [
            ("Images", format_image_counts(reports)),
            *_list_cell_counts(reports, edge_rule, details),
            ("Pixel size", pixel_size_text),
            *facts,
        ],
    )
    _render_legend(pdf)
    names = [report.name for report in reports] if details.with_image_names else []
    if letters := find_unprintable([*names, details.sample, details.operator, details.note]):
        count = "One letter is" if len(letters) == 1 else f"{len(letters)} letters are"
        text = f"{count} not in the font of this report and shown as {REPLACEMENT}. {CELLS_FILE} has all names in full."
        pdf.write_lines(text, size=8)
    _render_unreadable(pdf, reports)


def _render_details(pdf: ReportPdf, details: ReportDetails) -> None:
    """Write what a person typed, in a box."""
    entries = [("Sample", details.sample), ("Operator", details.operator), ("Note", details.note)]
    entries = [(name, text.strip()) for name, text in entries if text.strip()]
    if not entries:
        return
    width = pdf.text_width - LABEL_MM - 6
    lines = [pdf.split_lines(text, width=width, size=9.5) for _, text in entries]
    height = 4.8 * sum(min(len(each), 8) for each in lines) + 4
    top = pdf.get_y()
    pdf.fill_rect(MARGIN_MM, top, pdf.text_width, height, FILL_COLOUR)
    pdf.set_y(top + 2)
    for name, text in entries:
        pdf.set_x(MARGIN_MM + 3)
        pdf.write_text(name, size=9.5, height=4.8, colour=MUTED_COLOUR, width=LABEL_MM)
        pdf.write_lines(text, width=width, size=9.5, height=4.8, max_lines=8)
    pdf.set_y(top + height + 4)


def _render_differential(pdf: ReportPdf, item: Differential, details: ReportDetails) -> None:
    """Write a differential count as a table with bars; without a white cell with a type, only what there is instead."""
    title = f"Differential count: {item.sample}" if item.sample else "Differential count"
    pdf.write_heading(title, room=ROW_MM * (len(item.types) + 2) + 16 if item.total else 18)
    if item.total:
        _render_types(pdf, item, details)
    text = describe_rest(item, decimal_comma=details.decimal_comma)
    pdf.write_lines(text, size=8, height=4, colour=TEXT_COLOUR)
    pdf.ln(3)


def _render_types(pdf: ReportPdf, item: Differential, details: ReportDetails) -> None:
    """Write a row for each type."""
    y = pdf.get_y()
    type_mm, count_mm, percent_mm, interval_mm = COLUMNS_MM
    bar_x = MARGIN_MM + sum(COLUMNS_MM) + 6
    x = MARGIN_MM + type_mm
    for text, width in (("Cells", count_mm), ("%", percent_mm), ("95 % interval", interval_mm)):
        pdf.set_xy(x, y)
        pdf.write_text(text, size=7.5, colour=MUTED_COLOUR, width=width, align="R")
        x += width
    for percent in (0, 50, 100):
        pdf.set_xy(bar_x + BAR_MM * percent / 100 - 8, y)
        pdf.write_text(f"{percent} %", size=6.5, colour=MUTED_COLOUR, width=16, align="C")
    y += 4.6
    for count in item.types:
        _render_type(pdf, count, details, y, bar_x)
        y += ROW_MM
    pdf.draw_rule(y)
    pdf.set_xy(MARGIN_MM, y + 1.2)


def _render_type(pdf: ReportPdf, count: TypeCount, details: ReportDetails, y: float, bar_x: float) -> None:
    pdf.draw_rule(y)
    colour = parse_colour(TYPE_COLOURS[count.type])
    type_mm, count_mm, percent_mm, interval_mm = COLUMNS_MM
    pdf.fill_rect(MARGIN_MM, y + 1.5, 2.4, 2.4, colour)
    pdf.set_xy(MARGIN_MM + 4, y + 0.6)
    pdf.write_text(count.type.capitalize(), width=type_mm - 4)
    interval = f"{details.format_number(count.low, 1)} to {details.format_number(count.high, 1)}"
    texts = (str(count.count), details.format_number(count.percent, 1), interval)
    for text, width in zip(texts, (count_mm, percent_mm, interval_mm), strict=True):
        pdf.write_text(text, width=width, align="R")
    middle = y + ROW_MM / 2
    pdf.fill_rect(bar_x, middle - 0.15, BAR_MM, 0.3, LINE_COLOUR)
    pdf.fill_rect(bar_x, middle - 1.2, BAR_MM * count.percent / 100, 2.4, colour)
    pdf.set_draw_color(*TEXT_COLOUR)
    pdf.set_line_width(0.3)
    low, high = bar_x + BAR_MM * count.low / 100, bar_x + BAR_MM * count.high / 100
    pdf.line(low, middle, high, middle)
    for end in (low, high):
        pdf.line(end, middle - 0.9, end, middle + 0.9)


def _render_facts(pdf: ReportPdf, facts: Sequence[tuple[str, str]]) -> None:
    for name, value in facts:
        pdf.set_x(MARGIN_MM)
        pdf.write_text(name, size=8, height=4.3, colour=MUTED_COLOUR, width=LABEL_MM)
        pdf.write_lines(value, size=8, height=4.3)


def _render_legend(pdf: ReportPdf) -> None:
    """Explain the colours of the outlines, and how images are numbered."""
    pdf.set_xy(MARGIN_MM, pdf.get_y() + 1.5)
    for pixel_class in reversed(CLASSES[1:]):
        pdf.fill_rect(pdf.get_x(), pdf.get_y() + 0.9, 2.4, 2.4, parse_colour(PALETTES["thesis"].to_hex(pixel_class.id)))
        pdf.set_x(pdf.get_x() + 3.6)
        pdf.write_text(pixel_class.name.capitalize(), size=8, width=20)
    pdf.write_text(f"Images are numbered as on the page and in {CELLS_FILE}.", size=8, width=110)
    pdf.set_xy(MARGIN_MM, pdf.get_y() + 7)


def _list_cell_counts(reports: Sequence[ImageReport], edge_rule: str, details: ReportDetails) -> list[tuple[str, str]]:
    """Return how many cells each model found, how many count, and their overlap with expert masks."""
    models = list(dict.fromkeys(model for report in reports for model in report.models))
    lines = []
    for model in models:
        cells = [cell for report in reports for cell in report.cells if cell.model == model]
        prefix = f"{model}: " if len(models) > 1 else ""
        lines.append(("Cells", f"{prefix}{format_status_counts(cells)}"))
        if corrected := _count_corrected(cells):
            lines.append(("Corrected", f"{prefix}{corrected}"))
        edge_counts, mean_dice = format_edge_counts(cells, edge_rule), format_mean_dice(cells)
        lines += [("Count", f"{prefix}{edge_counts}")] if edge_counts else []
        if mean_dice:
            lines.append(
                ("Mean Dice", prefix + (mean_dice.replace("0.", "0,") if details.decimal_comma else mean_dice))
            )
    return lines


def _count_corrected(cells: Sequence[CellResult]) -> str:
    """Return how many cells a person changed; empty if none."""
    shapes = sum(int(cell.origin == "person") for cell in cells)
    types = sum(int(bool(cell.assigned_type)) for cell in cells)
    parts = [f"{shapes} added or changed by a person"] if shapes else []
    return ", ".join(parts + ([f"{types} filed by a person"] if types else []))


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
    pdf.write_heading(ROW_STATUS_LABELS[NOT_USED])
    for reason, image_indices in list(reasons.items())[:MAX_LISTED_REASONS]:
        pdf.write_lines(f"Image{'' if len(image_indices) == 1 else 's'} {', '.join(image_indices)}: {reason}", size=8)
    if len(reasons) > MAX_LISTED_REASONS:
        pdf.write_lines(f"{len(reasons) - MAX_LISTED_REASONS} more reasons are in {CELLS_FILE}.", size=8)
