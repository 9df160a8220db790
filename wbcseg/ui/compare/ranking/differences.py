"""How sure the ranking is: critical-difference diagram, wins and losses, and a sentence about any two entries."""

from __future__ import annotations

import math
from typing import Final

import streamlit as st

from wbcseg.evaluation.entries.ranking import compare_two
from wbcseg.metrics import Comparison
from wbcseg.ui.compare.ranking import figures
from wbcseg.ui.compare.ranking.matrices import draw_matrix
from wbcseg.ui.compare.ranking.rows import build_row
from wbcseg.ui.compare.ranking.selection import Selection
from wbcseg.ui.compare.ranking.sentences import count_wins_losses, format_comparison
from wbcseg.ui.components.charts import show_plotly_chart
from wbcseg.ui.glossary import GLOSSARY

MAX_NUMBERS_ON_PHONE: Final = 8
"""With more entries, a phone shows the colours of the matrix only."""


def show_critical_difference(selection: Selection) -> None:
    """Show average ranks, and which entries do not differ significantly."""
    st.subheader("Which differences are real?", help=f"**Critical difference** {GLOSSARY['Critical difference']}")
    by_rank = selection.ranking.sort_by_rank()
    by_key = {entry.key: entry for entry in selection.entries}
    rows = [
        build_row(selection, by_key[ranked.key], ranked.average_rank, note=f"average rank {ranked.average_rank:.2f}")
        for ranked in by_rank
    ]
    places = {ranked.key: place for place, ranked in enumerate(by_rank)}
    cliques = [(places[clique[0]], places[clique[-1]]) for clique in selection.ranking.cliques]
    joined = "; ".join(", ".join(by_key[key].title for key in clique) for clique in selection.ranking.cliques)
    show_plotly_chart(
        figures.draw_critical_difference(rows, cliques),
        "critical_difference",
        "Average ranks: "
        + "; ".join(f"{row.title} {row.value:.2f}" for row in rows)
        + (f". Not significantly different: {joined}" if joined else ". All differ significantly"),
    )
    st.caption(
        "Rank on every image, averaged. A bar joins networks between which no significant difference was found "
        "(Wilcoxon's signed-rank test, Holm's correction, p ≥ 0.05)."
        if cliques
        else "Rank on every image, averaged. All networks differ significantly (Wilcoxon's signed-rank test, Holm's "
        "correction, p < 0.05)."
    )


def show_wins(selection: Selection) -> None:
    """Show on what share of the images each entry beats each other one."""
    st.subheader("Who wins on how many images?", help=f"**Paired comparison** {GLOSSARY['Paired comparison']}")
    entries = selection.ranked_entries
    values, texts, notes = [], [], []
    for first in entries:
        shares = []
        row_notes = []
        for second in entries:
            wins, losses = (0, 0) if first is second else _count(selection, first.key, second.key)
            shares.append(wins / (wins + losses) if wins + losses else math.nan)
            row_notes.append(f"{first.title}<br>better than {second.title}<br>on {wins} images, worse on {losses}")
        values.append(shares)
        texts.append(["" if math.isnan(share) else f"{100 * share:.0f}" for share in shares])
        notes.append(row_notes)
    labels = [build_row(selection, entry, math.nan).label for entry in entries]
    numbers = [str(number) for number in range(1, len(entries) + 1)]
    show_plotly_chart(
        draw_matrix(labels, numbers, values, texts, notes, is_diverging=True),
        "wins_many" if len(entries) > MAX_NUMBERS_ON_PHONE else "wins",
        "Percentage of the images on which the network of the row beats that of the column: "
        + "; ".join(f"{entry.title} {', '.join(row)}" for entry, row in zip(entries, texts, strict=True)),
    )
    st.caption(
        "Percent of the images on which the network of the row is better than that of the column, ties excluded."
    )


def show_pair(selection: Selection) -> None:
    """Show a sentence about two entries of the reader's choice."""
    titles = {entry.key: entry.title for entry in selection.ranked_entries}
    keys = list(titles)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        first = st.selectbox("Compare", keys, format_func=titles.__getitem__, key=f"first_{selection.study}", width=240)
        others = [key for key in keys if key != first]
        second = st.selectbox(
            "with", others, format_func=titles.__getitem__, key=f"second_{selection.study}", width=240
        )
    pair = compare_two(selection.scores, selection.ranking, first, second, selection.metric.name)
    st.markdown(format_comparison(pair, selection))


def _count(selection: Selection, first: str, second: str) -> tuple[int, int]:
    """Return the numbers of images on which the first entry is better and worse than the second."""
    pairs, lower_is_better = selection.ranking.pairs, selection.metric.lower_is_better
    if (first, second) in pairs:
        return count_wins_losses(_get(selection, first, second), lower_is_better=lower_is_better)
    wins, losses = count_wins_losses(_get(selection, second, first), lower_is_better=lower_is_better)
    return losses, wins


def _get(selection: Selection, first: str, second: str) -> Comparison:
    return selection.ranking.pairs[first, second].comparison
