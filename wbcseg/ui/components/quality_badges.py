"""Show the quality status of results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Final

import streamlit as st

from wbcseg.inference import ModelEntry
from wbcseg.quality import (
    EMPTY_FIELD_REASON,
    OK,
    OUT_OF_RANGE,
    REVIEW,
    STATUS_LABELS,
    STATUS_PHRASES,
    STATUSES,
    UNFAMILIAR,
    format_counts,
)
from wbcseg.results import CellResult
from wbcseg.ui.formatting import escape_markdown, format_cell_count

STATUS_MARKS: Final = {
    OK: ("green", "check_circle"),
    UNFAMILIAR: ("blue", "info"),
    REVIEW: ("orange", "error"),
    OUT_OF_RANGE: ("red", "help"),
}
"""Colour and icon of each status. They always accompany its label."""

STATUS_ICONS: Final = {status: f":{colour}[:material/{icon}:]" for status, (colour, icon) in STATUS_MARKS.items()}
"""The icon of each status in Markdown."""


def show_quality(cells_by_model: Mapping[str, Sequence[CellResult]], entries: Mapping[str, ModelEntry]) -> None:
    """Show the quality status of each model's result and, in a field of view, how many cells it found.

    Args:
        cells_by_model: The cells that each model found, by its name.
        entries: The models by name.
    """
    for model_name, cells in cells_by_model.items():
        title = escape_markdown(entries[model_name].title)
        # A crop has exactly one result, with index 0.
        if not cells:
            st.markdown(f"{STATUS_ICONS[REVIEW]} **{title}**: {EMPTY_FIELD_REASON}")
        elif cells[0].cell_index:
            st.markdown(f"{_get_worst_icon(cells)} **{title}**: {_format_count(cells)}{_format_statuses(cells)}")
        elif cells[0].status:
            message = " ".join((f"{STATUS_LABELS[cells[0].status]}.", *map(escape_markdown, cells[0].reasons)))
            st.markdown(f"{STATUS_ICONS[cells[0].status]} **{title}**: {message}")
        else:
            st.markdown(f":material/remove: **{title}**: No quality check for this model.")


def render_status_html(status: str) -> str:
    """Return a status with its icon as HTML; styled by :data:`CSS`."""
    colour, icon = STATUS_MARKS[status]
    return f'<span class="status-icon {colour}" aria-hidden="true">{icon}</span> <b>{escape(STATUS_LABELS[status])}</b>'


CSS: Final = """
.status-icon { font-family: "Material Symbols Rounded"; font-size: 1.15em; line-height: 1; vertical-align: -0.2em;
  font-feature-settings: "liga"; white-space: nowrap; }
.status-icon.green { color: color-mix(in srgb, #239150 80%, currentColor); }
.status-icon.blue { color: color-mix(in srgb, #1f77c9 80%, currentColor); }
.status-icon.orange { color: color-mix(in srgb, #c87800 80%, currentColor); }
.status-icon.red { color: color-mix(in srgb, #d8453c 80%, currentColor); }
"""
"""Styles of :func:`render_status_html`, with Streamlit's icon font; legible on light and dark."""


def _format_count(cells: Sequence[CellResult]) -> str:
    corrected_count = sum(cell.origin == "person" for cell in cells)
    correction = f", {corrected_count} added or changed by hand" if corrected_count else " found"
    return format_cell_count(len(cells)) + correction


def _get_worst_icon(cells: Sequence[CellResult]) -> str:
    if not cells:
        # A result to check: one may have been overlooked.
        return STATUS_ICONS[REVIEW]
    worst = max((STATUSES.index(cell.status) for cell in cells if cell.status), default=None)
    return ":material/blur_on:" if worst is None else STATUS_ICONS[STATUSES[min(worst, STATUSES.index(REVIEW))]]


def _format_statuses(cells: Sequence[CellResult]) -> str:
    statuses = [cell.status for cell in cells if cell.status]
    if not statuses:
        return "."
    if len(statuses) > 1 and len(set(statuses)) == 1:
        return f"; all {STATUS_PHRASES[statuses[0]]}."
    return f"; {format_counts(statuses)}."
