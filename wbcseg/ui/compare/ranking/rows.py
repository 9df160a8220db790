"""Entries as rows of charts."""

from __future__ import annotations

import math

from wbcseg.evaluation.entries.entry import Entry
from wbcseg.models.looks import assign_looks
from wbcseg.ui.compare.ranking.figures import Row
from wbcseg.ui.compare.ranking.selection import Selection
from wbcseg.ui.components.charts import Style


def build_row(
    selection: Selection, entry: Entry, value: float, low: float = math.nan, high: float = math.nan, note: str = ""
) -> Row:
    """Return an entry as a row of a chart, with its place in the ranking.

    Args:
        selection: What is compared.
        entry: The entry.
        value: Its value in the chart.
        low: Lower end of the interval.
        high: Upper end.
        note: Text of the tooltip.
    """
    number = selection.ranking.get_number(entry.key)
    return Row(number, entry.title, get_style(selection, entry), value, low, high, note)


def get_style(selection: Selection, entry: Entry) -> Style:
    """Return the colour and mark of an entry, the same in all charts."""
    looks = assign_looks([other.architecture for other in selection.entries])
    look = looks[[other.key for other in selection.entries].index(entry.key)]
    return look.color, look.marker
