"""A report to print: every picture with its overlay and figures, how they were got, and what they mean."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import fpdf
from PIL import Image

from wbcseg import __version__
from wbcseg.cards import NOTICE
from wbcseg.classes import CLASSES, PALETTES
from wbcseg.drawing import fit, overlay
from wbcseg.export.findings import Finding
from wbcseg.measurement import MEASURES

SHOWN: Final = (
    *("nucleus_area", "cytoplasm_area", "cell_area", "nucleus_to_cell", "nucleus_to_cytoplasm"),
    *("cell_circularity", "nucleus_solidity", "lobes"),
)
"""Figures that the report shows; all of them are in the table that comes with it."""

MARGIN: Final = 16.0
PICTURE: Final = 46.0
ROW: Final = PICTURE + 16.0
FONT: Final = "Helvetica"
INK: Final = (34, 30, 51)
PALE: Final = (93, 89, 114)
PIXELS: Final = 360


class _Paper(fpdf.FPDF):
    """A4 with the notice at the foot of every page."""

    def footer(self) -> None:
        self.set_y(-14)
        self.set_font(FONT, size=7.5)
        self.set_text_color(*PALE)
        self.cell(0, 4, _plain(NOTICE), align="L")
        self.set_y(-10)
        self.cell(0, 4, f"{self.page_no()} / {{nb}}", align="R")


def pdf_report(
    findings: Sequence[Finding],
    *,
    when: datetime,
    settings: Sequence[tuple[str, str]],
    micrometres: float | None = None,
) -> bytes:
    """Write a report as PDF.

    It calls pictures by their number and never by the name of a file, which can hold a patient's name.

    Args:
        findings: The cells, in order.
        when: The date that it bears.
        settings: How the figures were got: names and values, such as models with their checksums.
        micrometres: Side of a pixel in µm, or ``None``.

    Returns:
        The file.
    """
    paper = _Paper(format="A4", unit="mm")
    paper.set_creation_date(when)
    paper.set_title("White blood cells: segmentation and figures")
    paper.set_creator(f"wbcseg {__version__}")
    paper.set_margins(MARGIN, MARGIN, MARGIN)
    paper.c_margin = 0.0
    paper.set_auto_page_break(True, margin=18)
    paper.add_page()
    _head(paper, findings, when, settings, micrometres)
    # Several models may have looked at a picture, and a field of view has several cells.
    seen: set[tuple[str, str]] = set()
    numbers: dict[str, int] = {}
    count = 0
    for finding in findings:
        key = (finding.name, finding.model)
        if finding.name not in numbers or (finding.number <= 1 and key in seen):
            count += 1
            numbers[finding.name] = count
        seen.add(key)
        if paper.get_y() + ROW > paper.h - 20:
            paper.add_page()
        _row(paper, numbers[finding.name], finding, micrometres)
    _definitions(paper)
    return bytes(paper.output())


def _head(
    paper: _Paper,
    findings: Sequence[Finding],
    when: datetime,
    settings: Sequence[tuple[str, str]],
    micrometres: float | None,
) -> None:
    paper.set_text_color(*INK)
    paper.set_font(FONT, "B", 18)
    paper.cell(0, 9, "White blood cells: segmentation and figures", new_x="LMARGIN", new_y="NEXT")
    scale = "not given; figures in pixels" if micrometres is None else f"{micrometres:g} \u00b5m a pixel"
    lines = [
        ("Date", when.strftime("%Y-%m-%d %H:%M")),
        ("Program", f"wbcseg {__version__}"),
        ("Cells", str(len(findings))),
        ("Scale", scale),
        *settings,
    ]
    for name, value in lines:
        paper.set_font(FONT, "B", 9)
        paper.cell(34, 5, _plain(name))
        paper.set_font(FONT, size=9)
        paper.multi_cell(0, 5, _plain(value), new_x="LMARGIN", new_y="NEXT")
    paper.ln(1)
    for kind in reversed(CLASSES[1:]):
        colour = PALETTES["thesis"].hex(kind.id)
        paper.set_fill_color(*(int(colour[i : i + 2], 16) for i in (1, 3, 5)))
        paper.rect(paper.get_x(), paper.get_y() + 1, 3, 3, style="F")
        paper.set_x(paper.get_x() + 4)
        paper.cell(26, 5, kind.name.capitalize())
    paper.ln(8)


def _row(paper: _Paper, pictures: int, finding: Finding, micrometres: float | None) -> None:
    top = paper.get_y()
    paper.set_draw_color(220, 217, 230)
    paper.line(MARGIN, top, paper.w - MARGIN, top)
    paper.set_xy(MARGIN, top + 1.5)
    paper.set_text_color(*INK)
    paper.set_font(FONT, "B", 10.5)
    title = f"Picture {pictures}" + (f", cell {finding.number}" if finding.number else "")
    paper.cell(2 * PICTURE + 4, 6, title + (f", {_plain(finding.model)}" if finding.model else ""))
    image, labels = finding.load()
    marked = overlay(image, labels, PALETTES["thesis"], 0.4)
    for place, pixels in enumerate((image, marked)):
        shown = Image.fromarray(fit(pixels, PIXELS, longest=PIXELS))
        width = PICTURE * min(1.0, shown.width / shown.height)
        height = PICTURE * min(1.0, shown.height / shown.width)
        paper.image(shown, x=MARGIN + place * (PICTURE + 3), y=top + 8.5, w=width, h=height)
    _figures(paper, finding, micrometres, x=MARGIN + 2 * PICTURE + 9, y=top + 8)
    paper.set_y(top + ROW)


def _figures(paper: _Paper, finding: Finding, micrometres: float | None, x: float, y: float) -> None:
    width = paper.w - MARGIN - x
    if finding.status:
        paper.set_xy(x, y - 6.5)
        paper.set_font(FONT, "B", 9)
        paper.cell(width, 6, _plain(finding.status))
    values = finding.measures.scaled(micrometres) if finding.measures else {}
    if not values:
        paper.set_xy(x, y)
        paper.set_font(FONT, size=9)
        paper.multi_cell(width, 5, "No cell was found.")
        y = paper.get_y()
    for name in SHOWN if values else ():
        paper.set_xy(x, y)
        paper.set_font(FONT, size=8.5)
        paper.set_text_color(*PALE)
        paper.cell(40, 4.3, _plain(MEASURES[name].title))
        paper.set_text_color(*INK)
        paper.cell(width - 40, 4.3, _plain(_value(name, values[name], micrometres)), align="R")
        y += 4.3
    paper.set_text_color(*PALE)
    paper.set_font(FONT, size=7.5)
    paper.set_xy(x, y + 0.5)
    paper.multi_cell(width, 3.4, _plain(" ".join(finding.reasons)[:260]), align="L")
    paper.set_text_color(*INK)


def _value(name: str, value: float, micrometres: float | None) -> str:
    measure = MEASURES[name]
    if math.isnan(value):
        return "not defined"
    if not measure.power:
        return f"{value:.{measure.digits}f}"
    unit = ("px" if micrometres is None else "\u00b5m") + ("\u00b2" if measure.power == 2 else "")
    return f"{value:.{measure.digits if micrometres is None else 1}f} {unit}"


def _definitions(paper: _Paper) -> None:
    paper.add_page()
    paper.set_font(FONT, "B", 13)
    paper.cell(0, 8, "What the figures mean", new_x="LMARGIN", new_y="NEXT")
    for name in SHOWN:
        paper.set_font(FONT, "B", 9)
        paper.cell(0, 5, _plain(MEASURES[name].title), new_x="LMARGIN", new_y="NEXT")
        paper.set_font(FONT, size=9)
        paper.multi_cell(0, 4.5, _plain(MEASURES[name].meaning), new_x="LMARGIN", new_y="NEXT")
        paper.ln(1.5)


def _plain(text: Any) -> str:
    """Return a text in the letters that the fonts of every PDF reader have (Latin-1)."""
    replaced = str(text).translate({0x2013: "-", 0x2014: "-", 0x2011: "-", 0x202F: " ", 0x03C0: "pi", 0x2019: "'"})
    return replaced.encode("latin-1", "replace").decode("latin-1")
