"""Whether the results that are shown can be trusted, in words above them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import streamlit as st

from wbcseg.metrics import CELL, score
from wbcseg.prediction import ModelEntry, is_field
from wbcseg.trust import CHECK, DISAGREEMENT, FINE, STATUSES, UNLIKE, Verdict
from wbcseg.ui import store
from wbcseg.ui.store import Found
from wbcseg.ui.words import as_text

ICONS = {
    FINE: ":green[:material/check_circle:]",
    CHECK: ":orange[:material/error:]",
    UNLIKE: ":red[:material/help:]",
}
"""How each status is marked, beside its words."""


def show_verdicts(picture: store.Shown, results: Mapping[str, Found], entries: Mapping[str, ModelEntry]) -> None:
    """Say of every model that can be judged what to think of its result, and how many cells it found in a field.

    Args:
        picture: The picture.
        results: What each model makes of it, by its name.
        entries: The models by name.
    """
    field = is_field(picture.sample.image)
    judged = {name: found for name, found in results.items() if field or found.verdicts}
    for name, found in judged.items():
        title = as_text(entries[name].title)
        if field:
            st.markdown(f"{_mark(found)} **{title}**: {_count(len(found.places))}{_statuses(found)}")
        else:
            (verdict,) = found.verdicts
            verdict = verdict.disputed() if _disputed(name, judged) else verdict
            st.markdown(f"{ICONS[verdict.status]} **{title}**: {_said(verdict)}")


def _disputed(name: str, judged: Mapping[str, Found]) -> bool:
    mine = judged[name].labels
    others = (found.labels for other, found in judged.items() if other != name)
    return any(score(mine, labels).dice[CELL] < DISAGREEMENT for labels in others)


def _said(verdict: Verdict) -> str:
    return " ".join((f"{verdict.status}.", *map(as_text, verdict.reasons)))


def _mark(found: Found) -> str:
    worst = max((STATUSES.index(verdict.status) for verdict in found.verdicts), default=None)
    return ":material/blur_on:" if worst is None else ICONS[STATUSES[min(worst, STATUSES.index(CHECK))]]


def _count(cells: int) -> str:
    return f"{cells or 'no'} white cell{'' if cells == 1 else 's'} found"


def _statuses(found: Found) -> str:
    counts = Counter(verdict.status for verdict in found.verdicts)
    said = ", ".join(f"{counts[status]} {status}" for status in STATUSES if counts[status])
    return f"; {said}." if said else "."
