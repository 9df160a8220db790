"""Whether the results that are shown can be trusted, in words above them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import streamlit as st

from wbcseg.export import Finding
from wbcseg.prediction import ModelEntry, is_field
from wbcseg.trust import CHECK, FINE, STATUSES, UNLIKE
from wbcseg.ui.store import Shown
from wbcseg.ui.words import as_text

ICONS = {
    FINE: ":green[:material/check_circle:]",
    CHECK: ":orange[:material/error:]",
    UNLIKE: ":red[:material/help:]",
}
"""How each status is marked, beside its words."""


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


def _mark(cells: Sequence[Finding]) -> str:
    worst = max((STATUSES.index(one.status) for one in cells if one.status), default=None)
    return ":material/blur_on:" if worst is None else ICONS[STATUSES[min(worst, STATUSES.index(CHECK))]]


def _count(cells: int) -> str:
    return f"{cells or 'no'} white cell{'' if cells == 1 else 's'} found"


def _statuses(cells: Sequence[Finding]) -> str:
    counts = Counter(one.status for one in cells)
    said = ", ".join(f"{counts[status]} {status}" for status in STATUSES if counts[status])
    return f"; {said}." if said else "."
