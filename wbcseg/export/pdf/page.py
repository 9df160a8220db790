"""A page of the report: its margins, fonts and colours, and what every part of it draws with."""

from __future__ import annotations

import io
from typing import Any, Final

import fpdf
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from wbcseg.export.glyphs import FONTS, to_glyphs
from wbcseg.models.card import NOTICE

MARGIN_MM: Final = 16.0
BOTTOM_MM: Final = 18.0
"""Margin at the bottom, which holds the notice and the page number."""

FONT: Final = "DejaVu"
TEXT_COLOUR: Final = (34, 30, 51)
MUTED_COLOUR: Final = (93, 89, 114)
LINE_COLOUR: Final = (220, 217, 230)
FILL_COLOUR: Final = (246, 245, 250)
ACCENT_COLOUR: Final = (91, 58, 142)
MAX_FIELD_HEIGHT_MM: Final = 120.0
"""Largest height of a field of view in mm."""


class ReportPdf(fpdf.FPDF):
    """An A4 document with the notice at the bottom of each page.

    Args:
        running_title: What the head of each page but the first says.
    """

    def __init__(self, running_title: str = "") -> None:
        super().__init__(format="A4", unit="mm")
        self._running_title = running_title
        for style, file in (("", "DejaVuSansCondensed.ttf"), ("B", "DejaVuSansCondensed-Bold.ttf")):
            self.add_font(FONT, style, FONTS / file)
        self.set_margins(MARGIN_MM, MARGIN_MM, MARGIN_MM)
        self.c_margin = 0.0
        self.set_auto_page_break(True, margin=BOTTOM_MM)

    @property
    def text_width(self) -> float:
        """Width between the margins in mm."""
        return float(self.w - 2 * MARGIN_MM)

    @property
    def room(self) -> float:
        """Height that is left on the page in mm."""
        return float(self.h - BOTTOM_MM - self.get_y())

    def header(self) -> None:
        """Write the running title; fpdf2 calls it at the start of each page."""
        if self.page_no() == 1 or not self._running_title:
            return
        self.set_y(9)
        self.write_text(self._running_title, size=7.5, colour=MUTED_COLOUR, width=self.text_width)
        self.set_y(MARGIN_MM)

    def footer(self) -> None:
        """Write the notice and the page number; fpdf2 calls it at the end of each page."""
        self.set_y(-12)
        self.write_text(NOTICE, size=7.5, colour=MUTED_COLOUR, width=self.text_width)
        self.set_y(-12)
        self.set_font(FONT, size=7.5)
        self.cell(0, 4, f"{self.page_no()} / {{nb}}", align="R")

    def set_style(self, size: float, *, bold: bool = False, colour: tuple[int, int, int] = TEXT_COLOUR) -> None:
        """Set font and colour of the text that follows."""
        self.set_font(FONT, "B" if bold else "", size)
        self.set_text_color(*colour)

    def write_text(
        self,
        text: str,
        *,
        width: float,
        size: float = 9,
        height: float = 4.0,
        bold: bool = False,
        colour: tuple[int, int, int] = TEXT_COLOUR,
        align: str = "L",
    ) -> None:
        """Write one line at the current position and move to its right; what does not fit is cut with an ellipsis."""
        self.set_style(size, bold=bold, colour=colour)
        self.cell(width, height, self.cut_text(text, width), align=align)

    def write_lines(
        self,
        text: str,
        *,
        width: float = 0,
        size: float = 9,
        height: float = 4.5,
        bold: bool = False,
        colour: tuple[int, int, int] = TEXT_COLOUR,
        max_lines: int | None = None,
    ) -> None:
        """Write a paragraph from the current position on, and move to the left margin below it.

        Args:
            text: The text, with line breaks.
            width: Width in mm; 0 for all that is left.
            size: Size of the letters in points.
            height: Height of a line in mm.
            bold: Whether it is bold.
            colour: Colour of the letters.
            max_lines: Most lines; the last one is cut with an ellipsis.
        """
        self.set_style(size, bold=bold, colour=colour)
        text = to_glyphs(text, keep_lines=True)
        if max_lines is not None:
            lines = self.split_lines(text, width=width, size=size, bold=bold)
            self.set_text_color(*colour)
            if len(lines) > max_lines:
                room = width or float(self.w - self.r_margin - self.get_x())
                last = self.cut_text(" ".join(lines[max_lines - 1 :]), room)
                text = "\n".join([*lines[: max_lines - 1], last])
        self.multi_cell(width, height, text, align="L", new_x="LMARGIN", new_y="NEXT")

    def split_lines(self, text: str, *, width: float, size: float, bold: bool = False) -> list[str]:
        """Return the lines of a paragraph of a width in mm."""
        self.set_style(size, bold=bold)
        lines: Any = self.multi_cell(
            width, 4, to_glyphs(text, keep_lines=True), dry_run=True, output="LINES", align="L"
        )
        return list(lines)

    def cut_text(self, text: str, width: float) -> str:
        """Return a text with the current font that fits into a width in mm: its middle is left out if it is long."""
        text = to_glyphs(text)
        if self.get_string_width(text) <= width:
            return text
        low, high = 0, len(text)
        while low < high:
            kept = (low + high + 1) // 2
            low, high = (kept, high) if self.get_string_width(_leave_out(text, kept)) <= width else (low, kept - 1)
        return _leave_out(text, low)

    def fill_rect(self, x: float, y: float, width: float, height: float, colour: tuple[int, int, int]) -> None:
        """Draw a filled rectangle; positions and lengths in mm."""
        self.set_fill_color(*colour)
        self.rect(x, y, width, height, style="F")

    def draw_rule(self, y: float | None = None) -> float:
        """Draw a thin line between the margins; return its vertical position in mm."""
        top = float(self.get_y() if y is None else y)
        self.set_draw_color(*LINE_COLOUR)
        self.set_line_width(0.2)
        self.line(MARGIN_MM, top, self.w - MARGIN_MM, top)
        return top

    def write_heading(self, text: str, *, room: float = 30) -> None:
        """Write the heading of a section, on a new page if less than so many mm are left."""
        if self.room < room:
            self.add_page()
        self.write_text(text, size=11, height=7, bold=True, width=self.text_width)
        self.set_xy(MARGIN_MM, self.get_y() + 7)


def _leave_out(text: str, kept: int) -> str:
    """Return a text of which so many characters are kept, more of its beginning than of its end."""
    tail = kept // 3
    return f"{text[: kept - tail].rstrip()}…{text[len(text) - tail :].lstrip()}"


def encode_jpeg(pixels: NDArray[np.uint8]) -> io.BytesIO:
    """Encode an image, ``uint8[H, W, 3]``, as JPEG, to keep a report of a thousand images small."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=88, subsampling=0)
    return buffer


def fit_to_page(pixels: NDArray[np.uint8]) -> tuple[float, float]:
    """Return width and height in mm of a field of view on the page."""
    rows, columns = pixels.shape[:2]
    factor = min((210 - 2 * MARGIN_MM) / columns, MAX_FIELD_HEIGHT_MM / rows)
    return columns * factor, rows * factor


def parse_colour(text: str) -> tuple[int, int, int]:
    """Return red, green and blue of a colour such as ``#5b3a8e``."""
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)
