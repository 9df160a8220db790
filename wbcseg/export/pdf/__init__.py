"""The report as PDF: a summary on the first page, then fields of view and rows of cells, then definitions."""

from wbcseg.export.pdf.details import ReportDetails
from wbcseg.export.pdf.report import build_pdf_report

__all__ = ["ReportDetails", "build_pdf_report"]
