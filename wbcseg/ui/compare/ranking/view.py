"""The tab *Ranking*, from top to bottom."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import streamlit as st

from wbcseg.ui.compare.ranking import cells, differences, downloads, overview, pixels, tables, trade_offs
from wbcseg.ui.compare.ranking.selection import Selection, select_comparison

TAB_TITLE: Final = "Ranking"


def show_ranking(below_overview: Callable[[], None]) -> None:
    """Show which entry is best, and everything that this rests on.

    Args:
        below_overview: Shows what follows the ranking itself.
    """
    selection = select_comparison()
    if selection is None:
        below_overview()
        return
    overview.show_overview(selection)
    below_overview()
    if len(selection.entries) > 1:
        _show_side_by_side(selection, differences.show_critical_difference, differences.show_wins)
        with st.expander("Any two in a sentence", icon=":material/compare_arrows:"):
            differences.show_pair(selection)
        _show_side_by_side(
            selection,
            lambda item: trade_offs.show_trade_off(item, is_time=True),
            lambda item: trade_offs.show_trade_off(item, is_time=False),
        )
    _show_side_by_side(selection, cells.show_cell_types, cells.show_images)
    _show_side_by_side(selection, pixels.show_learning_curves, pixels.show_reliability)
    _show_side_by_side(selection, pixels.show_confusion, cells.show_hardest)
    with st.expander("Means, times, sizes and outlines as tables", icon=":material/table_chart:"):
        tables.show_means(selection)
        tables.show_outlines(selection)
    downloads.show_downloads(selection)


def _show_side_by_side(selection: Selection, *sections: Callable[[Selection], None]) -> None:
    for column, show in zip(st.columns(len(sections), gap="large"), sections, strict=True):
        with column:
            show(selection)
