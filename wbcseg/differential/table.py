"""The table of differential counts, as files and reports need it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final

from wbcseg.differential.counts import Differential

DIFFERENTIAL_FILE: Final = "differential.csv"
"""Name of the table, wherever it is written."""

_HEADER: Final = (
    *("sample", "type", "count", "total", "percent", "percent_low", "percent_high", "per_100", "per_200"),
    *("refiled", "reference_low", "reference_high"),
)


def build_differential_rows(differentials: Iterable[Differential]) -> list[list[str]]:
    """Return differential counts as a table, header first.

    Each sample has a row for each type of white cell, and one each for erythroblasts (per 100 white cells), objects
    that are no white cells, unsure cells and cells without a type, if there are any.

    Args:
        differentials: The counts, sample by sample.
    """
    rows = [list(_HEADER)]
    for item in differentials:
        for count in item.types:
            values = [count.percent, count.low, count.high]
            row = [item.sample, count.type, str(count.count), str(item.total), *map(_format, values)]
            row += [str(count.per_100), str(count.per_200), str(count.refiled)]
            rows.append([*row, *(map(_format, count.reference) if count.reference else ("", ""))])
        others = {
            "erythroblast": (item.erythroblasts, _format(item.erythroblasts_per_100)),
            "not a white cell": (item.not_white_cells, ""),
            "unsure": (item.unsure, ""),
            "no type": (item.untyped, ""),
        }
        for name, (number, per_100) in others.items():
            if number:
                rows.append([item.sample, name, str(number), str(item.total), "", "", "", per_100, "", "", "", ""])
    return rows


def _format(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.4g}"
