"""Check tables of metrics that somebody else may have written."""

from __future__ import annotations

from typing import Any, Final

MAX_ROWS: Final = 100_000
"""Maximum number of epochs or batches."""

MAX_METRIC: Final = 1e15
"""Maximum of a number in a table."""


def find_row_problem(rows: Any, number_key: str) -> str | None:
    """Return what is wrong with a table, or ``None``.

    Args:
        rows: What should be a list of objects that hold nothing but numbers.
        number_key: The entry that holds the number of the row, from 1.
    """
    if not isinstance(rows, list):
        return "it holds no list of rows"
    if len(rows) > MAX_ROWS:
        return f"it has more than {MAX_ROWS:,} rows"
    for index, row in enumerate(rows, start=1):
        if not isinstance(row, dict) or not all(map(_is_metric, row.values())):
            return f"row {index} does not hold numbers alone"
        if not isinstance(row.get(number_key), int) or not 1 <= row[number_key] <= MAX_ROWS:
            return f"row {index} has no valid `{number_key}`"
    return None


def _is_metric(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= MAX_METRIC
