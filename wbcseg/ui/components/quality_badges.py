"""Whether the results that are shown can be trusted, in words and marks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Final

import streamlit as st

from wbcseg.inference import ModelEntry, is_field
from wbcseg.quality import CHECK, FINE, STATUSES, UNLIKE, counted
from wbcseg.results import Finding
from wbcseg.ui.cache import Shown
from wbcseg.ui.text import as_text

MARKS: Final = {FINE: ("green", "check_circle"), CHECK: ("orange", "error"), UNLIKE: ("red", "help")}
"""Colour and icon of each status. Both stand beside its words and never alone."""

ICONS: Final = {status: f":{colour}[:material/{icon}:]" for status, (colour, icon) in MARKS.items()}
"""How each status is marked, in Markdown."""


def show_verdicts(picture: Shown, findings: Mapping[str, Sequence[Finding]], entries: Mapping[str, ModelEntry]) -> None:
    """Say of every model that can be judged what to think of its result, and how many cells it found in a field.

    Args:
        picture: The picture.
        findings: The cells that each model found, by its name.
        entries: The models by name.
    """
    for name, cells in findings.items():
        title = as_text(entries[name].title)
        if is_field(picture.sample.image):
            st.markdown(f"{_mark(cells)} **{title}**: {_count(len(cells))}{_statuses(cells)}")
        elif cells[0].status:
            said = " ".join((f"{cells[0].status}.", *map(as_text, cells[0].reasons)))
            st.markdown(f"{ICONS[cells[0].status]} **{title}**: {said}")
        else:
            st.markdown(f":material/remove: **{title}**: not judged; only models for any laboratory are.")


def status_html(status: str) -> str:
    """Write a status as HTML, its mark before it; see :data:`STYLE`."""
    colour, icon = MARKS[status]
    return f'<span class="mark {colour}" aria-hidden="true">{icon}</span> <b>{escape(status)}</b>'


STYLE: Final = """
.mark { font-family: "Material Symbols Rounded"; font-size: 1.15em; line-height: 1; vertical-align: -0.2em;
  font-feature-settings: "liga"; white-space: nowrap; }
.mark.green { color: color-mix(in srgb, #239150 80%, currentColor); }
.mark.orange { color: color-mix(in srgb, #c87800 80%, currentColor); }
.mark.red { color: color-mix(in srgb, #d8453c 80%, currentColor); }
"""
"""Of :func:`status_html`, with the icons that Streamlit brings. Written so that it reads on light and on dark."""


def _mark(cells: Sequence[Finding]) -> str:
    worst = max((STATUSES.index(one.status) for one in cells if one.status), default=None)
    return ":material/blur_on:" if worst is None else ICONS[STATUSES[min(worst, STATUSES.index(CHECK))]]


def _count(cells: int) -> str:
    return f"{cells or 'no'} white cell{'' if cells == 1 else 's'} found"


def _statuses(cells: Sequence[Finding]) -> str:
    states = [one.status for one in cells if one.status]
    if not states:
        return "."
    if len(states) > 1 and len(set(states)) == 1:
        return f"; all {counted(states).partition(' ')[2]}."
    return f"; {counted(states)}."
