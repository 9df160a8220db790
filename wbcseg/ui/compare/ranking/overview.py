"""The answer at a glance: which entry is best, by how much, how sure, and all entries with their intervals."""

from __future__ import annotations

import dataclasses
from typing import Final

import streamlit as st

from wbcseg.evaluation.entries.ranking import RankedEntry
from wbcseg.ui.compare.ranking import figures
from wbcseg.ui.compare.ranking.rows import build_row
from wbcseg.ui.compare.ranking.selection import Selection, describe_images
from wbcseg.ui.components.charts import show_plotly_chart
from wbcseg.ui.formatting import escape_markdown

MAX_NAMED: Final = 3
"""Maximum number of entries that a sentence names; it counts the others."""

_REGION_PHRASES: Final = {"cell": "the whole cell", "image": "the whole image", "three classes": "the three classes"}


def show_overview(selection: Selection) -> None:
    """Show the answer in a sentence and the ranking as a chart."""
    if not selection.ranking.n_images:
        st.info("These entries have no images in common, so they cannot be compared.", icon=":material/block:")
        st.stop()
    st.markdown(summarise(selection))
    rows = []
    for entry, ranked in zip(selection.ranked_entries, selection.ranking.entries, strict=True):
        summary = ranked.summary
        row = build_row(
            selection, entry, summary.mean, summary.ci_low, summary.ci_high, describe_place(selection, ranked)
        )
        rows.append(dataclasses.replace(row, is_marked=ranked.is_tied and bool(selection.ranking.tied)))
    texts = [selection.format_value(row.value) for row in rows]
    show_plotly_chart(
        figures.draw_ranked_dots(rows, f"Mean {selection.axis_title}", texts),
        "ranking",
        f"Mean {selection.axis_title} with 95% confidence intervals, best first: "
        + "; ".join(f"{row.title} {text}" for row, text in zip(rows, texts, strict=True)),
    )
    tied = "Shaded: the best and what is tied with it. " if selection.ranking.tied else ""
    st.caption(f"Mean and 95% confidence interval. {tied}On {describe_images(selection)}")


def summarise(selection: Selection) -> str:
    """Return in Markdown which entry is best, by how much, and how sure that is."""
    ranking, metric = selection.ranking, selection.metric
    best = ranking.best
    measure = f"{'lowest' if metric.lower_is_better else 'highest'} mean {_format_measure(selection)}"
    value = selection.format_value(best.summary.mean)
    interval = selection.format_interval(best.summary.ci_low, best.summary.ci_high)
    value_text = f"**{value}**{f' (95% confidence interval {interval})' if interval else ''}"
    title = escape_markdown(best.title)
    if len(ranking.entries) == 1:
        return (
            f"**{title}** has a mean {_format_measure(selection)} of {value_text}. There is nothing to compare it with."
        )
    behind = [entry for entry in ranking.entries if not entry.is_tied]
    if ranking.tied:
        head = (
            f"**It is a tie between {_join([best, *ranking.tied])}**: no clear difference from {title}, which has the "
            f"{measure}, {value_text}."
        )
    else:
        head = f"**{title} is best**: it has the {measure}, {value_text}."
    if not behind:
        return head
    difference = _describe_difference(selection, behind[0])
    return f"{head} {escape_markdown(behind[0].title)} comes next, {difference} behind."


def describe_place(selection: Selection, ranked: RankedEntry) -> str:
    """Describe an entry's mean and its difference from the best, for a tooltip."""
    summary = ranked.summary
    interval = selection.format_interval(summary.ci_low, summary.ci_high)
    lines = [f"{selection.format_value(summary.mean)}{f' ({interval})' if interval else ''}"]
    if ranked.key != selection.ranking.best.key:
        lines.append("tied with the best" if ranked.is_tied else "behind the best")
        lines.append(f"difference {_describe_difference(selection, ranked)}")
    return "<br>".join(lines)


def _describe_difference(selection: Selection, ranked: RankedEntry) -> str:
    """Return how far an entry is behind the best, with its interval."""
    comparison = selection.ranking.pairs[selection.ranking.best.key, ranked.key].comparison
    sign = -1 if selection.metric.lower_is_better else 1
    low, high = sorted((sign * comparison.ci_low, sign * comparison.ci_high))
    unit = f" {selection.metric.unit}" if selection.metric.unit else ""
    return f"{selection.format_value(sign * comparison.difference)}{unit} ({selection.format_interval(low, high)})"


def _format_measure(selection: Selection) -> str:
    return f"{selection.metric.title} of {_REGION_PHRASES.get(selection.region, f'the {selection.region}')}"


def _join(entries: list[RankedEntry]) -> str:
    """Name the first entries and count the others."""
    names = [escape_markdown(entry.title) for entry in entries]
    if len(names) > MAX_NAMED:
        names = [*names[: MAX_NAMED - 1], f"{len(names) - MAX_NAMED + 1} others"]
    return f"{', '.join(names[:-1])} and {names[-1]}"
