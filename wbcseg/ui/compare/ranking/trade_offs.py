"""What quality costs: the metric against time and size, with the Pareto front."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from wbcseg.evaluation.entries.cost import COSTS, Costs, CostSpec, collect_costs, find_pareto_front
from wbcseg.ui.compare.ranking import figures
from wbcseg.ui.compare.ranking.rows import build_row
from wbcseg.ui.compare.ranking.selection import Selection
from wbcseg.ui.components.charts import show_plotly_chart
from wbcseg.ui.formatting import escape_markdown, format_significant
from wbcseg.ui.glossary import GLOSSARY


def show_trade_off(selection: Selection, *, is_time: bool) -> None:
    """Show the metric against a time, or against a size.

    Args:
        selection: What is compared.
        is_time: Whether the costs are times.
    """
    specs = [spec for spec in COSTS.values() if spec.is_time == is_time]
    costs = {spec.name: collect_costs(selection.ranked_entries, spec) for spec in specs}
    available = [spec for spec in specs if len(costs[spec.name].values) > 1]
    kind = "time" if is_time else "size"
    st.subheader(f"Quality and {kind}", help=f"**Pareto front** {GLOSSARY['Pareto front']}")
    if not available:
        labels = " ".join(_describe_elsewhere(selection, item) for item in costs.values() if item.elsewhere)
        st.caption(labels or f"The {kind} of these entries was not recorded, or there is only one.")
        return
    titles = {spec.name: spec.title.partition(" (")[0] for spec in available}
    name = st.segmented_control(
        f"Cost, {kind}",
        list(titles),
        format_func=titles.__getitem__,
        default=available[0].name,
        required=True,
        key=f"cost_{kind}_{'_'.join(titles)}",
        label_visibility="collapsed",
    )
    _show_chart(selection, COSTS[name], costs[name], kind)


def _show_chart(selection: Selection, spec: CostSpec, costs: Costs, kind: str) -> None:
    shown = [
        (entry, ranked)
        for entry, ranked in zip(selection.ranked_entries, selection.ranking.entries, strict=True)
        if entry.key in costs.values
    ]
    rows = []
    for entry, ranked in shown:
        mean = selection.format_value(ranked.summary.mean)
        note = f"{mean}; {spec.title}: {format_significant(costs.values[entry.key])}"
        rows.append(
            build_row(selection, entry, ranked.summary.mean, ranked.summary.ci_low, ranked.summary.ci_high, note)
        )
    scores = {entry.key: ranked.summary.mean for entry, ranked in shown}
    front = find_pareto_front(costs.values, scores, lower_is_better=selection.metric.lower_is_better)
    keys = [entry.key for entry, _ in shown]
    figure = figures.draw_trade_off(
        rows,
        [costs.values[key] for key in keys],
        [keys.index(key) for key in front],
        spec.title,
        f"Mean {selection.axis_title}",
    )
    alt = f"Mean {selection.axis_title} against {spec.title}: " + "; ".join(f"{row.title} {row.note}" for row in rows)
    show_plotly_chart(figure, f"trade_off_{kind}", alt)
    titles = {entry.key: f"{row.number} {row.title}" for (entry, _), row in zip(shown, rows, strict=True)}
    text = f"On the Pareto front (dashed), no other is better and cheaper: {_join([titles[key] for key in front])}."
    if costs.processor:
        text += f" Processor time on {escape_markdown(costs.processor)}."
    if costs.elsewhere:
        text += f" {_describe_elsewhere(selection, costs)}"
    if costs.unknown:
        text += f" Not known: {_join([entry.title for entry in selection.entries if entry.key in costs.unknown])}."
    st.caption(text)


def _describe_elsewhere(selection: Selection, costs: Costs) -> str:
    """Say which entries' times come from another machine."""
    titles = {entry.key: entry.title for entry in selection.entries}
    others = "; ".join(
        f"{escape_markdown(titles[key])} on {escape_markdown(label)}" for key, label in costs.elsewhere.items()
    )
    return f"Times are comparable on the same processor only. Measured on another one: {others}."


def _join(titles: Sequence[str]) -> str:
    return escape_markdown(", ".join(titles))
