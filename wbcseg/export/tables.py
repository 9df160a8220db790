"""Tables as CSV that is safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence


def encode_csv(rows: Iterable[Sequence[str]]) -> bytes:
    """Write a table as CSV.

    A spreadsheet takes a cell that begins with ``=``, ``+``, ``-`` or ``@`` for a formula and carries it out. Such
    cells get an apostrophe in front, unless they are numbers.

    Args:
        rows: Cells, the header first.

    Returns:
        UTF-8 with a byte order mark, which tells spreadsheets the encoding. What is no text in UTF-8 becomes ``?``.
    """
    buffer = io.StringIO()
    csv.writer(buffer).writerows([_escape_formula(cell) for cell in row] for row in rows)
    return buffer.getvalue().encode("utf-8-sig", "replace")


def _escape_formula(cell: str) -> str:
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) and not _is_number(cell) else cell


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
