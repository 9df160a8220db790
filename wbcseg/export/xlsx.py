"""Write all tables as one Excel workbook, with numbers as numbers."""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from wbcseg.counting import DEFAULT_EDGE_RULE
from wbcseg.differential import build_differential_rows, count_reports
from wbcseg.export.csv import (
    TEXT_COLUMNS,
    build_cell_rows,
    build_definition_rows,
    build_image_rows,
    format_column_name,
)
from wbcseg.features import FEATURES
from wbcseg.printable import make_printable
from wbcseg.quality import OK
from wbcseg.results import CellResult, Results, group_by_image

WORKBOOK_FILE: Final = "results.xlsx"
"""Name of the workbook, wherever it is written."""

MAX_TEXT: Final = 32_000
"""Characters of a text; Excel accepts 32,767."""

MIN_WIDTH: Final = 7
MAX_WIDTH: Final = 44
"""Width of columns in characters."""

_PROBLEM_COLUMNS: Final = (
    *("image_index", "image", "cell_index", "model", "status", "status_label", "reasons", "note"),
)


def build_workbook(
    results: Results,
    *,
    pixel_size: float | None = None,
    edge_rule: str = DEFAULT_EDGE_RULE,
    samples: Mapping[str, str] | None = None,
    mask_files: Mapping[CellResult, str] | None = None,
) -> bytes:
    """Return the results as an Excel workbook. It is built in memory; nothing is written to a disk.

    Its sheets are those of the CSV files: ``cells``, ``images``, ``differential`` and ``definitions``, and
    ``problems``: what needs a look, with the reason. Numbers are numbers, shown with sensible digits, so that a
    spreadsheet writes them as its own country does. Text from outside is never a formula or a link.

    Args:
        results: Images, or the cells of each of them.
        pixel_size: Pixel size in µm; lengths and areas are then in µm and µm².
        edge_rule: Which of the cells cut by the image edge count, a key of :data:`wbcseg.counting.EDGE_RULES`.
        samples: Sample of each image by its name; by default, all images are one sample.
        mask_files: The mask file of each cell; see :func:`wbcseg.export.build_cell_rows`.

    Raises:
        ConfigError: If there is no such edge rule.
    """
    # Imported here, because only this needs it.
    import xlsxwriter

    reports = group_by_image(results)
    cell_rows = build_cell_rows(reports, pixel_size=pixel_size, edge_rule=edge_rule, mask_files=mask_files)
    sheets = {
        "cells": cell_rows,
        "images": build_image_rows(reports, edge_rule=edge_rule),
        "differential": build_differential_rows(count_reports(reports, samples=samples, edge_rule=edge_rule)),
        "problems": _build_problem_rows(cell_rows),
        "definitions": build_definition_rows(pixel_size, edge_rule=edge_rule),
    }
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as workbook:
        # A fixed date keeps the time of day out of the file.
        workbook.set_properties({"title": "White blood cells", "created": datetime(2000, 1, 1)})
        bold = workbook.add_format({"bold": True, "bottom": 1})
        formats = {
            column: workbook.add_format({"num_format": number_format})
            for column, number_format in _choose_number_formats(cell_rows[0], pixel_size).items()
        }
        for name, rows in sheets.items():
            _write_sheet(workbook.add_worksheet(name), rows, bold, formats)
    return buffer.getvalue()


def _write_sheet(sheet: Any, rows: Sequence[Sequence[str]], bold: Any, formats: Mapping[str, Any]) -> None:
    header = rows[0]
    for row_number, row in enumerate(rows):
        for column_number, (column, text) in enumerate(zip(header, row, strict=True)):
            if not text:
                continue
            number = _parse_number(text) if row_number and column not in TEXT_COLUMNS else None
            if number is None:
                printable = make_printable(text)[:MAX_TEXT]
                sheet.write_string(row_number, column_number, printable, None if row_number else bold)
            else:
                sheet.write_number(row_number, column_number, number, formats.get(column))
    for column_number, texts in enumerate(zip(*rows, strict=True)):
        width = max(MIN_WIDTH, *(min(len(text), MAX_WIDTH) for text in texts)) + 1
        sheet.set_column(column_number, column_number, width)
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, max(len(rows) - 1, 1), len(header) - 1)


def _parse_number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _choose_number_formats(cell_columns: Iterable[str], pixel_size: float | None) -> dict[str, str]:
    """Return how the numbers of each column are shown; those that are missing are whole numbers."""
    decimals = {
        format_column_name(name, pixel_size): spec.decimals if pixel_size is None or not spec.power else 2
        for name, spec in FEATURES.items()
    }
    decimals |= {name: 3 for name in cell_columns if name.startswith(("dice_", "probability_"))}
    decimals |= {"type_probability": 3, "percent": 1, "percent_low": 1, "percent_high": 1}
    return {name: f"0.{'0' * count}" if count else "0" for name, count in decimals.items()}


def _build_problem_rows(cell_rows: Sequence[Sequence[str]]) -> list[list[str]]:
    """Return the rows of the table of cells that need a look, with the reason; header first."""
    header, *rows = cell_rows
    places = [header.index(name) for name in _PROBLEM_COLUMNS]
    status, note = header.index("status"), header.index("note")
    return [
        list(_PROBLEM_COLUMNS),
        *([row[place] for place in places] for row in rows if row[status] not in ("", OK) or row[note]),
    ]
