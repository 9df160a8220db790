"""A report to print: every picture with its overlay and figures, how they were got, and what they mean."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import fpdf
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from wbcseg import __version__
from wbcseg.export.csv import UNREADABLE_STATUS, describe_feature
from wbcseg.export.text import (
    FOREGROUND_REGIONS,
    anonymise,
    format_image_counts,
    format_mean_dice,
    format_status_counts,
)
from wbcseg.features import FEATURES
from wbcseg.labels import CLASSES, PALETTES
from wbcseg.models.card import NOTICE
from wbcseg.quality import STATUS_DESCRIPTIONS
from wbcseg.results import CellResult, ImageReport, Results, group_by_image
from wbcseg.visualization import overlay, resize_for_display

REPORTED_FEATURES: Final = (
    *("nucleus_area", "cytoplasm_area", "cell_area", "nucleus_to_cell", "nucleus_to_cytoplasm"),
    *("cell_circularity", "nucleus_solidity", "lobes"),
)
"""Figures that the report shows; all of them are in the table that comes with it."""

MARGIN_MM: Final = 16.0
IMAGE_MM: Final = 46.0
ROW_MM: Final = IMAGE_MM + 16.0
FONT: Final = "Helvetica"
TEXT_COLOUR: Final = (34, 30, 51)
MUTED_COLOUR: Final = (93, 89, 114)
IMAGE_PIXELS: Final = 360
MAX_FIELD_HEIGHT_MM: Final = 130.0
"""Height of a field of view in mm, at most."""

MAX_LISTED_REASONS: Final = 30
"""Reasons why files were not used that are listed, each with the numbers of those files."""


class _ReportPdf(fpdf.FPDF):
    """A4 with the notice at the foot of every page."""

    def footer(self) -> None:
        self.set_y(-14)
        self.set_font(FONT, size=7.5)
        self.set_text_color(*MUTED_COLOUR)
        self.cell(0, 4, _to_latin1(NOTICE), align="L")
        self.set_y(-10)
        self.cell(0, 4, f"{self.page_no()} / {{nb}}", align="R")


def build_pdf_report(
    found: Results,
    *,
    when: datetime,
    settings: Sequence[tuple[str, str]],
    micrometres: float | None = None,
) -> bytes:
    """Write a report as PDF.

    It calls pictures by their number in the table of figures and never by the name of a file, which can hold a
    patient's name.

    Args:
        found: Pictures, or the cells of each of them. Their pixels are loaded one after the other.
        when: The date that it bears, with its time zone; it is written in UTC.
        settings: How the figures were got: names and values, such as models with their checksums.
        micrometres: Side of a pixel in µm, or ``None``.

    Returns:
        The file.
    """
    pictures = group_by_image(found)
    paper = _ReportPdf(format="A4", unit="mm")
    paper.set_creation_date(when)
    paper.set_title("White blood cells: segmentation and figures")
    paper.set_creator(f"wbcseg {__version__}")
    paper.set_margins(MARGIN_MM, MARGIN_MM, MARGIN_MM)
    paper.c_margin = 0.0
    paper.set_auto_page_break(True, margin=18)
    paper.add_page()
    _render_header(paper, pictures, when, settings, micrometres)
    _render_unreadable(paper, pictures)
    for number, picture in enumerate(pictures, start=1):
        for model, cells in picture.iter_by_model():
            if model in picture.field_renderers or not cells:
                _render_field(paper, number, picture, model, len(cells))
            for one in cells:
                if paper.get_y() + ROW_MM > paper.h - 20:
                    paper.add_page()
                _render_cell(paper, number, one, micrometres)
    _render_definitions(paper, pictures, micrometres)
    return bytes(paper.output())


def _render_header(
    paper: _ReportPdf,
    pictures: Sequence[ImageReport],
    when: datetime,
    settings: Sequence[tuple[str, str]],
    micrometres: float | None,
) -> None:
    paper.set_text_color(*TEXT_COLOUR)
    paper.set_font(FONT, "B", 18)
    paper.cell(0, 9, "White blood cells: segmentation and figures", new_x="LMARGIN", new_y="NEXT")
    scale = "not given; figures in pixels" if micrometres is None else f"{micrometres:g} \u00b5m a pixel"
    lines = [
        ("Date", when.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")),
        ("Program", f"wbcseg {__version__}"),
        ("Pictures", format_image_counts(pictures)),
        *_list_cell_counts(pictures),
        ("Scale", scale),
        *settings,
    ]
    for name, value in lines:
        paper.set_font(FONT, "B", 9)
        paper.cell(34, 5, _to_latin1(name))
        paper.set_font(FONT, size=9)
        paper.multi_cell(0, 5, _to_latin1(value), new_x="LMARGIN", new_y="NEXT")
    paper.set_font(FONT, size=9)
    paper.multi_cell(
        0,
        5,
        "Pictures bear the numbers that the table of figures, on the page or as CSV, gives them.",
        new_x="LMARGIN",
        new_y="NEXT",
    )
    paper.ln(1)
    for kind in reversed(CLASSES[1:]):
        colour = PALETTES["thesis"].to_hex(kind.id)
        paper.set_fill_color(*(int(colour[i : i + 2], 16) for i in (1, 3, 5)))
        paper.rect(paper.get_x(), paper.get_y() + 1, 3, 3, style="F")
        paper.set_x(paper.get_x() + 4)
        paper.cell(26, 5, kind.name.capitalize())
    paper.ln(8)


def _list_cell_counts(pictures: Sequence[ImageReport]) -> list[tuple[str, str]]:
    """Say how many cells each model found, and how they overlap with the experts' masks."""
    models = list(dict.fromkeys(model for picture in pictures for model in picture.models))
    lines = []
    for model in models:
        cells = [one for picture in pictures for one in picture.cells if one.model == model]
        whose = f"{model}: " if len(models) > 1 else ""
        lines.append(("Cells", f"{whose}{format_status_counts(cells)}"))
        means = format_mean_dice(cells)
        lines += [("Mean Dice", f"{whose}{means}")] if means else []
    return lines


def _render_unreadable(paper: _ReportPdf, pictures: Sequence[ImageReport]) -> None:
    """List by their numbers what was not used, and why."""
    reasons: dict[str, list[str]] = {}
    for number, picture in enumerate(pictures, start=1):
        if picture.problem:
            reasons.setdefault(anonymise(picture.problem), []).append(str(number))
        elif picture.mask_rejected:
            reasons.setdefault("The expert's mask; the table of figures says why.", []).append(str(number))
    if not reasons:
        return
    paper.set_font(FONT, "B", 10.5)
    paper.cell(0, 6, UNREADABLE_STATUS.capitalize(), new_x="LMARGIN", new_y="NEXT")
    for reason, numbers in list(reasons.items())[:MAX_LISTED_REASONS]:
        paper.set_font(FONT, size=9)
        text = f"Picture{'' if len(numbers) == 1 else 's'} {', '.join(numbers)}: {reason}"
        paper.multi_cell(0, 4.5, _to_latin1(text), align="L", new_x="LMARGIN", new_y="NEXT")
    if len(reasons) > MAX_LISTED_REASONS:
        left = f"{len(reasons) - MAX_LISTED_REASONS} more reasons are in the table of figures."
        paper.multi_cell(0, 4.5, left, new_x="LMARGIN", new_y="NEXT")
    paper.ln(3)


def _start_section(paper: _ReportPdf) -> float:
    """Draw the line above a picture and get ready for its title; return where that is, in mm."""
    top = paper.get_y()
    paper.set_draw_color(220, 217, 230)
    paper.line(MARGIN_MM, top, paper.w - MARGIN_MM, top)
    paper.set_xy(MARGIN_MM, top + 1.5)
    paper.set_text_color(*TEXT_COLOUR)
    paper.set_font(FONT, "B", 10.5)
    return top


def _render_field(paper: _ReportPdf, number: int, picture: ImageReport, model: str, count: int) -> None:
    """Show a field of view as a whole, its cells in numbered boxes."""
    draw = picture.field_renderers.get(model)
    pixels = draw() if draw is not None else None
    width, height = _fit_to_page(pixels) if pixels is not None else (0.0, 0.0)
    if paper.get_y() + height + 16 > paper.h - 20:
        paper.add_page()
    top = _start_section(paper)
    told = f"{count} white cell{'' if count == 1 else 's'}" if count else "no white cell was found"
    paper.cell(0, 6, f"Picture {number}, field of view, {_to_latin1(model)}: {told}", new_x="LMARGIN", new_y="NEXT")
    if pixels is not None:
        paper.image(_encode_jpeg(pixels), x=MARGIN_MM, y=top + 8.5, w=width, h=height)
    paper.set_y(top + height + 11)


def _encode_jpeg(pixels: NDArray[np.uint8]) -> io.BytesIO:
    """Return a picture, ``uint8[H, W, 3]``, so that a report of a thousand can be sent and held in memory."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=88, subsampling=0)
    return buffer


def _fit_to_page(pixels: NDArray[np.uint8]) -> tuple[float, float]:
    """Return width and height in mm of a field of view on the page."""
    rows, columns = pixels.shape[:2]
    factor = min((210 - 2 * MARGIN_MM) / columns, MAX_FIELD_HEIGHT_MM / rows)
    return columns * factor, rows * factor


def _render_cell(paper: _ReportPdf, number: int, finding: CellResult, micrometres: float | None) -> None:
    top = _start_section(paper)
    title = f"Picture {number}" + (f", cell {finding.cell_index}" if finding.cell_index else "")
    paper.cell(2 * IMAGE_MM + 4, 6, title + (f", {_to_latin1(finding.model)}" if finding.model else ""))
    image, labels = finding.load()
    marked = overlay(image, labels, PALETTES["thesis"], 0.4)
    for place, pixels in enumerate((image, marked)):
        shown = resize_for_display(pixels, IMAGE_PIXELS, longest=IMAGE_PIXELS)
        width = IMAGE_MM * min(1.0, shown.shape[1] / shown.shape[0])
        height = IMAGE_MM * min(1.0, shown.shape[0] / shown.shape[1])
        paper.image(_encode_jpeg(shown), x=MARGIN_MM + place * (IMAGE_MM + 3), y=top + 8.5, w=width, h=height)
    _render_features(paper, finding, micrometres, x=MARGIN_MM + 2 * IMAGE_MM + 9, y=top + 8)
    paper.set_y(top + ROW_MM)


def _render_features(paper: _ReportPdf, finding: CellResult, micrometres: float | None, x: float, y: float) -> None:
    width = paper.w - MARGIN_MM - x
    if finding.status and finding.features is not None:
        paper.set_xy(x, y - 6.5)
        paper.set_font(FONT, "B", 9)
        paper.cell(width, 6, _to_latin1(finding.status))
    values = finding.features.to_units(micrometres) if finding.features else {}
    if not values:
        paper.set_xy(x, y)
        paper.set_font(FONT, size=9)
        paper.multi_cell(width, 5, "No cell was found.")
        y = paper.get_y()
    for name in REPORTED_FEATURES if values else ():
        paper.set_xy(x, y)
        paper.set_font(FONT, size=8.5)
        paper.set_text_color(*MUTED_COLOUR)
        paper.cell(40, 4.3, _to_latin1(FEATURES[name].title))
        paper.set_text_color(*TEXT_COLOUR)
        paper.cell(width - 40, 4.3, _to_latin1(_format_feature(name, values[name], micrometres)), align="R")
        y += 4.3
    dice = [f"{region} {finding.dice[region]:.3f}" for region in FOREGROUND_REGIONS if region in finding.dice]
    if dice:
        paper.set_xy(x, y)
        paper.set_font(FONT, size=8.5)
        paper.cell(width, 4.3, _to_latin1(f"Dice: {', '.join(dice).replace('nan', 'not defined')}"))
        y += 4.3
    paper.set_text_color(*MUTED_COLOUR)
    paper.set_font(FONT, size=7.5)
    paper.set_xy(x, y + 0.5)
    paper.multi_cell(width, 3.4, _to_latin1(" ".join(finding.reasons)[:260]), align="L")
    paper.set_text_color(*TEXT_COLOUR)


def _format_feature(name: str, value: float, micrometres: float | None) -> str:
    measure = FEATURES[name]
    if math.isnan(value):
        return "not defined"
    if not measure.power:
        return f"{value:.{measure.decimals}f}"
    unit = ("px" if micrometres is None else "\u00b5m") + ("\u00b2" if measure.power == 2 else "")
    return f"{value:.{measure.decimals if micrometres is None else 1}f} {unit}"


def _render_definitions(paper: _ReportPdf, pictures: Sequence[ImageReport], micrometres: float | None) -> None:
    """Say what the figures mean, and the statuses where results have one."""
    paper.add_page()
    figures = [(FEATURES[name].title, describe_feature(name, micrometres)) for name in REPORTED_FEATURES]
    parts = [("What the figures mean", figures)]
    if any(one.status for picture in pictures for one in picture.cells):
        statuses = [(status.capitalize(), meaning) for status, meaning in STATUS_DESCRIPTIONS.items()]
        parts.append(("What the program says of a result", statuses))
    for title, defined in parts:
        paper.set_font(FONT, "B", 13)
        paper.cell(0, 8, title, new_x="LMARGIN", new_y="NEXT")
        for name, meaning in defined:
            paper.set_font(FONT, "B", 9)
            paper.cell(0, 5, _to_latin1(name), new_x="LMARGIN", new_y="NEXT")
            paper.set_font(FONT, size=9)
            paper.multi_cell(0, 4.5, _to_latin1(meaning), align="L", new_x="LMARGIN", new_y="NEXT")
            paper.ln(1.5)
        paper.ln(3)


def _to_latin1(text: Any) -> str:
    """Return a text in the letters that the fonts of every PDF reader have (Latin-1)."""
    replaced = str(text).translate({0x2013: "-", 0x2014: "-", 0x2011: "-", 0x202F: " ", 0x03C0: "pi", 0x2019: "'"})
    return replaced.encode("latin-1", "replace").decode("latin-1")
