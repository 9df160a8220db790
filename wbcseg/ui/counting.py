"""Counts of cells on pages: by the chosen edge rule, and in the region that a person drew."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

import streamlit as st

from wbcseg.counting import (
    DEFAULT_EDGE_RULE,
    EDGE_RULE_DESCRIPTION,
    EDGE_RULE_LABEL,
    EDGE_RULES,
    count_cells,
    is_counted,
)
from wbcseg.pipeline.edits import Point
from wbcseg.pipeline.region import contain_points
from wbcseg.results import CellResult
from wbcseg.ui.formatting import format_cell_count
from wbcseg.ui.state import get_saved_choices, restore_widget, save_choices, save_widget

EDGE_RULE_KEY: Final = "edge_rule"
"""Key of the saved choice of the edge rule, which is the same on all pages."""


def get_edge_rule() -> str:
    """Return the chosen edge rule, a key of :data:`wbcseg.counting.EDGE_RULES`."""
    return str(get_saved_choices().get(EDGE_RULE_KEY, DEFAULT_EDGE_RULE))


def save_edge_rule(name: str) -> None:
    """Choose an edge rule; a name that is none changes nothing."""
    if name in EDGE_RULES and name != get_edge_rule():
        save_choices(**{EDGE_RULE_KEY: name})
        # The input that shows it has a value of its own.
        st.session_state[EDGE_RULE_KEY] = name


def select_edge_rule() -> str:
    """Ask for the edge rule. Return a key of :data:`wbcseg.counting.EDGE_RULES`."""
    restore_widget(EDGE_RULE_KEY, DEFAULT_EDGE_RULE, EDGE_RULES)
    return st.selectbox(
        EDGE_RULE_LABEL,
        list(EDGE_RULES),
        format_func=lambda name: EDGE_RULES[name].label,
        key=EDGE_RULE_KEY,
        on_change=save_widget,
        args=(EDGE_RULE_KEY,),
        width=210,
        help=EDGE_RULE_DESCRIPTION,
    )


def mark_region(cells: Iterable[CellResult], region: Sequence[Point] | None) -> tuple[CellResult, ...]:
    """Return cells that know whether they are in a region; without one, and in a crop, they do not.

    Args:
        cells: The cells of one image.
        region: Corners of the region, or ``None``.
    """
    all_cells = tuple(cells)
    centroids = [cell.centroid for cell in all_cells if cell.centroid is not None]
    is_marked = region is not None and centroids and len(centroids) == len(all_cells)
    inside = contain_points(region or (), centroids).tolist() if is_marked else [None] * len(all_cells)
    return tuple(
        cell if cell.in_region == is_inside else replace(cell, in_region=is_inside)
        for cell, is_inside in zip(all_cells, inside, strict=True)
    )


def show_cell_count(cells: Sequence[CellResult]) -> None:
    """Show how many cells a field of view has; that there is none is a result to check.

    Args:
        cells: The cells, from :func:`mark_region`.
    """
    if cells:
        st.markdown(f"**{format_counts(cells, get_edge_rule())}**")
    else:
        st.warning(
            "**No white blood cell found.** Review the image: if you see one, choose *Add a cell* in the viewer and "
            "click it, or drag a box around it.",
            icon=":material/search:",
        )


def format_counts(cells: Iterable[CellResult], edge_rule: str) -> str:
    """Return how many cells there are in one line, such as “32 cells · 30 by the two-edge rule · 12 in the region”.

    Args:
        cells: The cells of a field of view, from :func:`mark_region`.
        edge_rule: A key of :data:`wbcseg.counting.EDGE_RULES`.
    """
    all_cells = list(cells)
    text = format_cell_count(count_cells(all_cells).detected) + format_rule_count(all_cells, edge_rule)
    if any(cell.in_region is not None for cell in all_cells):
        region_count = sum(bool(cell.in_region) and is_counted(cell, edge_rule) for cell in all_cells)
        text += f" · {region_count} in the region"
    return text


def format_rule_count(cells: Iterable[CellResult], edge_rule: str) -> str:
    """Return how many cells count by an edge rule, to append to a count: “ · 30 by the two-edge rule”.

    Args:
        cells: The cells.
        edge_rule: A key of :data:`wbcseg.counting.EDGE_RULES`; if all cells count, the text is empty.
    """
    phrase = EDGE_RULES[edge_rule].phrase
    return f" · {count_cells(cells, edge_rule).counted} {phrase}" if phrase else ""
