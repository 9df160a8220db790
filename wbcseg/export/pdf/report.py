"""Put a report together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from wbcseg import __version__
from wbcseg.counting import DEFAULT_EDGE_RULE, EDGE_RULE_LABEL, get_edge_rule
from wbcseg.export.pdf.cells import render_images
from wbcseg.export.pdf.definitions import render_definitions
from wbcseg.export.pdf.details import ReportDetails
from wbcseg.export.pdf.page import ReportPdf
from wbcseg.export.pdf.summary import TITLE, render_summary
from wbcseg.results import Results, group_by_image


def build_pdf_report(
    results: Results,
    *,
    date: datetime,
    settings: Sequence[tuple[str, str]],
    pixel_size: float | None = None,
    edge_rule: str = DEFAULT_EDGE_RULE,
    samples: Mapping[str, str] | None = None,
    details: ReportDetails | None = None,
) -> bytes:
    """Return a report as PDF.

    It refers to images by their ``image_index`` in the table of cells, and by file name, which can hold a patient's
    name, unless the details say otherwise.

    Args:
        results: Images, or the cells of each of them. Their pixels are loaded one after the other.
        date: Date of the report, with its time zone; it is written in UTC.
        settings: Names and values of the settings, such as models with their checksums.
        pixel_size: Pixel size in µm, or ``None``.
        edge_rule: Which of the cells cut by the image edge count, a key of :data:`wbcseg.counting.EDGE_RULES`.
        samples: Sample of each image by its name, for the differential count; by default, all images are one sample.
        details: What a person adds.

    Returns:
        The file.
    """
    reports, details = group_by_image(results), details or ReportDetails()
    date_text = date.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
    pdf = ReportPdf(" · ".join(filter(None, (TITLE, details.sample, date_text))))
    pdf.set_creation_date(date)
    pdf.set_title(TITLE)
    pdf.set_creator(f"wbcseg {__version__}")
    pdf.add_page()
    facts = [("Date", date_text), ("Software", f"wbcseg {__version__}"), *settings]
    facts.append((EDGE_RULE_LABEL, get_edge_rule(edge_rule).label))
    render_summary(pdf, reports, facts, details, pixel_size=pixel_size, edge_rule=edge_rule, samples=samples)
    render_images(pdf, reports, details, pixel_size=pixel_size, edge_rule=edge_rule)
    render_definitions(pdf, reports, pixel_size)
    return bytes(pdf.output())
