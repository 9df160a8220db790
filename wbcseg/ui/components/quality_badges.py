"""Whether the results that are shown can be trusted, in words and marks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Final

import streamlit as st

from wbcseg.inference import ModelEntry, is_field_of_view
from wbcseg.quality import OK, OUT_OF_RANGE, REVIEW, STATUS_LABELS, STATUS_PHRASES, STATUSES, format_counts
from wbcseg.results import CellResult
from wbcseg.ui.cache import LoadedImage
from wbcseg.ui.formatting import escape_markdown

STATUS_MARKS: Final = {OK: ("green", "check_circle"), REVIEW: ("orange", "error"), OUT_OF_RANGE: ("red", "help")}
"""Colour and icon of each status. Both stand beside its words and never alone."""

STATUS_ICONS: Final = {status: f":{colour}[:material/{icon}:]" for status, (colour, icon) in STATUS_MARKS.items()}
"""How each status is marked, in Markdown."""


def show_quality(
    loaded_image: LoadedImage, cells_by_model: Mapping[str, Sequence[CellResult]], entries: Mapping[str, ModelEntry]
) -> None:
    """Say of every model that can be judged what to think of its result, and how many cells it found in a field.

    Args:
        loaded_image: The picture.
        cells_by_model: The cells that each model found, by its name.
        entries: The models by name.
    """
    for model_name, cells in cells_by_model.items():
        title = escape_markdown(entries[model_name].title)
        if is_field_of_view(loaded_image.sample.image):
            st.markdown(
                f"{_get_worst_icon(cells)} **{title}**: {_format_cell_count(len(cells))}{_format_statuses(cells)}"
            )
        elif cells[0].status:
            message = " ".join((f"{STATUS_LABELS[cells[0].status]}.", *map(escape_markdown, cells[0].reasons)))
            st.markdown(f"{STATUS_ICONS[cells[0].status]} **{title}**: {message}")
        else:
            st.markdown(f":material/remove: **{title}**: No quality check for this model.")


def render_status_html(status: str) -> str:
    """Write a status as HTML, its mark before it; see :data:`CSS`."""
    colour, icon = STATUS_MARKS[status]
    return f'<span class="mark {colour}" aria-hidden="true">{icon}</span> <b>{escape(STATUS_LABELS[status])}</b>'


CSS: Final = """
.mark { font-family: "Material Symbols Rounded"; font-size: 1.15em; line-height: 1; vertical-align: -0.2em;
  font-feature-settings: "liga"; white-space: nowrap; }
.mark.green { color: color-mix(in srgb, #239150 80%, currentColor); }
.mark.orange { color: color-mix(in srgb, #c87800 80%, currentColor); }
.mark.red { color: color-mix(in srgb, #d8453c 80%, currentColor); }
"""
"""Styles of :func:`render_status_html`, with Streamlit's icon font; legible on light and dark."""


def _get_worst_icon(cells: Sequence[CellResult]) -> str:
    worst = max((STATUSES.index(cell.status) for cell in cells if cell.status), default=None)
    return ":material/blur_on:" if worst is None else STATUS_ICONS[STATUSES[min(worst, STATUSES.index(REVIEW))]]


def _format_cell_count(count: int) -> str:
    return f"{count or 'no'} white cell{'' if count == 1 else 's'} found"


def _format_statuses(cells: Sequence[CellResult]) -> str:
    statuses = [cell.status for cell in cells if cell.status]
    if not statuses:
        return "."
    if len(statuses) > 1 and len(set(statuses)) == 1:
        return f"; all {STATUS_PHRASES[statuses[0]]}."
    return f"; {format_counts(statuses)}."
