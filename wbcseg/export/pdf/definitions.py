"""The last pages of a report: what its words and numbers mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from wbcseg.counting import EDGE_RULE_DESCRIPTION, EDGE_RULE_LABEL
from wbcseg.export.csv import describe_feature
from wbcseg.export.pdf.cells import REPORTED_FEATURES
from wbcseg.export.pdf.page import ReportPdf
from wbcseg.features import FEATURES
from wbcseg.quality import STATUS_DESCRIPTIONS, STATUS_LABELS
from wbcseg.results import ImageReport

TYPE_DEFINITIONS: Final = (
    ("Type", "A person's, else the type model's with its probability. A person's decision has no probability."),
    (
        "Unsure",
        "The probability of the likeliest type is below the type model's threshold. Unsure cells are not part of the "
        "100 % of a differential count.",
    ),
    (
        "95 % interval",
        "Wilson's interval of the percentage: counting as many cells of the same blood again gives a similar range. It "
        "says how much chance there is in the count, not how often a type is wrong.",
    ),
)


def render_definitions(pdf: ReportPdf, reports: Sequence[ImageReport], pixel_size: float | None) -> None:
    """Define the measurements, and the types and statuses if results have any."""
    cells = [cell for report in reports for cell in report.cells]
    sections = [
        ("Measurements", [(FEATURES[name].title, describe_feature(name, pixel_size)) for name in REPORTED_FEATURES]),
        ("Counting", [(EDGE_RULE_LABEL, EDGE_RULE_DESCRIPTION)]),
    ]
    if any(cell.type for cell in cells):
        sections.insert(0, ("Cell types", list(TYPE_DEFINITIONS)))
    if any(cell.status for cell in cells):
        sections.append(("Quality check", [(STATUS_LABELS[code], text) for code, text in STATUS_DESCRIPTIONS.items()]))
    pdf.add_page()
    for title, entries in sections:
        pdf.write_heading(title)
        for name, description in entries:
            if pdf.room < 12:
                pdf.add_page()
            pdf.write_lines(name, size=8.5, bold=True, height=4.4)
            pdf.write_lines(description, size=8.5, height=4.2)
            pdf.ln(1.6)
        pdf.ln(3)
