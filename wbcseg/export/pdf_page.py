"""A page of the report: its margins, fonts and colours, and what every part of it draws with."""

from __future__ import annotations

import io
from typing import Any, Final

import fpdf
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from wbcseg.models.card import NOTICE

MARGIN_MM: Final = 16.0
IMAGE_MM: Final = 46.0
ROW_MM: Final = IMAGE_MM + 16.0
FONT: Final = "Helvetica"
TEXT_COLOUR: Final = (34, 30, 51)
MUTED_COLOUR: Final = (93, 89, 114)
IMAGE_PIXELS: Final = 360
MAX_FIELD_HEIGHT_MM: Final = 130.0
"""Largest height of a field of view in mm."""


class ReportPdf(fpdf.FPDF):
    """An A4 document with the notice at the bottom of each page."""

    def footer(self) -> None:
        """Write the notice and the page number; fpdf2 calls it at the end of each page."""
        self.set_y(-14)
        self.set_font(FONT, size=7.5)
        self.set_text_color(*MUTED_COLOUR)
        self.cell(0, 4, to_latin1(NOTICE), align="L")
        self.set_y(-10)
        self.cell(0, 4, f"{self.page_no()} / {{nb}}", align="R")


def start_section(pdf: ReportPdf) -> float:
    """Draw the line above an image and move to its title; return the vertical position in mm."""
    top = pdf.get_y()
    pdf.set_draw_color(220, 217, 230)
    pdf.line(MARGIN_MM, top, pdf.w - MARGIN_MM, top)
    pdf.set_xy(MARGIN_MM, top + 1.5)
    pdf.set_text_color(*TEXT_COLOUR)
    pdf.set_font(FONT, "B", 10.5)
    return top


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


def to_latin1(text: Any) -> str:
    """Return a text in Latin-1, which the standard PDF fonts cover."""
    replaced = str(text).translate({0x2013: "-", 0x2014: "-", 0x2011: "-", 0x202F: " ", 0x03C0: "pi", 0x2019: "'"})
    return replaced.encode("latin-1", "replace").decode("latin-1")
