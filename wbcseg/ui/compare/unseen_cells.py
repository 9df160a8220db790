"""How networks do on cells that they have never seen: the part of the Compare page that answers which is better."""

from __future__ import annotations

import math
from collections import Counter
from typing import Final

import streamlit as st

from wbcseg.datasets import DATASET_NAMES
from wbcseg.evaluation import comparison
from wbcseg.evaluation.comparison import MetricSummary, PairwiseComparison
from wbcseg.export import encode_csv
from wbcseg.metrics import Comparison
from wbcseg.ui.compare import data
from wbcseg.ui.compare.data import StudyResult
from wbcseg.ui.compare.selection import Selection
from wbcseg.ui.components import charts
from wbcseg.ui.components.charts import Interval
from wbcseg.ui.components.table import show_table
from wbcseg.ui.formatting import escape_markdown, format_dataset_name, format_duration, get_local_id
from wbcseg.ui.glossary import GLOSSARY

HARDEST_COUNTS: Final = (10, 25, 50, 100)
"""How many of the hardest pictures are listed."""


def show_pairwise_comparisons(selection: Selection) -> None:
    """Say in sentences which network is better, by how much, and how sure that is."""
    pairs = data.compare_networks(selection.results, selection.metric.name, selection.region, selection.mode)
    st.subheader(
        "Which is better, by how much, and how sure are we?",
        help=f"**Paired comparison** {GLOSSARY['Paired comparison']}",
    )
    if not pairs:
        st.markdown("There is only one network in this test, so there is nothing to compare.")
    for pair in pairs:
        st.markdown(f"- {format_comparison(pair, selection)}")


def format_comparison(pair: PairwiseComparison, selection: Selection) -> str:
    """Write a comparison as a sentence for somebody who never heard of a p-value."""
    paired, lower_is_better = pair.comparison, selection.metric.lower_is_better
    if not paired.n_pairs:
        return f"{escape_markdown(pair.first)} and {escape_markdown(pair.second)} have no picture in common."
    wins, losses = count_wins_losses(paired, lower_is_better=lower_is_better)
    clear_winner = pair.get_winner(lower_is_better)
    # Where only the test on ranks speaks, who is ahead on more pictures can be behind on average.
    ahead = (
        wins > losses if pair.corrected_p < 0.05 and not clear_winner else (paired.difference > 0) != lower_is_better
    )
    first, second = (pair.first, pair.second) if ahead else (pair.second, pair.first)
    wins = wins if ahead else losses
    # From here on, more is in favour of the one that is named first.
    sign = 1 if ahead != lower_is_better else -1
    ends = sorted((sign * paired.ci_low, sign * paired.ci_high))
    difference_text = selection.format_value(sign * paired.difference) + (
        f" {selection.metric.unit}" if selection.metric.unit else ""
    )
    interval_text = f"{selection.format_value(ends[0])} to {selection.format_value(ends[1])}"
    winner, loser = escape_markdown(first), escape_markdown(second)
    if clear_winner:
        return (
            f"**{winner} is better than {loser}** by **{difference_text}** (95 % confidence: {interval_text}), on {wins} of {paired.n_pairs} "
            f"pictures. {format_p_value(pair.corrected_p)}"
        )
    if pair.corrected_p < 0.05:
        return (
            f"**{winner} is ahead of {loser} more often, but not clearly on average**: on {wins} of {paired.n_pairs} "
            f"pictures; the mean difference in its favour is {difference_text} (95 % confidence: {interval_text}). {format_p_value(pair.corrected_p)}"
        )
    return (
        f"**No clear difference** between {winner} and {loser}: {difference_text} in favour of the first (95 % confidence of the "
        f"difference: {interval_text}), on {wins} of {paired.n_pairs} pictures. {format_p_value(pair.corrected_p)}"
    )


def count_wins_losses(paired: Comparison, *, lower_is_better: bool) -> tuple[int, int]:
    """Return on how many pictures the first is better, and on how many the second."""
    return (paired.n_smaller, paired.n_larger) if lower_is_better else (paired.n_larger, paired.n_smaller)


def format_p_value(p: float) -> str:
    """Say what a corrected p-value means."""
    if math.isnan(p):
        return "They gave the same everywhere."
    if p < 0.001:
        return "Chance alone would bring that in less than 1 of 1,000 such tests (p < .001)."
    text = f"p = {p:.3f}".replace("0.", ".")
    return f"Chance alone would bring that, or more, in about {max(1, round(100 * p))} of 100 such tests ({text})."


def show_means(selection: Selection) -> None:
    """Show mean, interval, size and time of every network."""
    summaries = data.summarize_networks(selection.results, selection.metric.name, selection.region, selection.mode)
    header = ["Network", "Mean", "±", "95 % confidence", "Pictures", "Processor time", "Parameters"]
    rows = [
        [
            escape_markdown(result["title"]),
            f"**{selection.format_value(summary.mean)}**",
            selection.format_value(summary.standard_error),
            f"{selection.format_value(summary.ci_low)} to {selection.format_value(summary.ci_high)}",
            _format_image_count(summary),
            _format_time(result),
            f"{result['parameters']:,}".replace(",", "\u202f"),
        ]
        for result, summary in zip(selection.results, summaries.values(), strict=True)
    ]
    st.subheader(
        "Means",
        help="  \n".join(f"**{word}** {GLOSSARY[word]}" for word in ("±", "Confidence interval", "Processor time")),
    )
    show_table(header, rows, "Means")
    undefined = max(summary.n_undefined for summary in summaries.values())
    if undefined:
        st.caption(f"In {undefined} pictures the class is in neither mask; those do not count.")


def show_per_image(selection: Selection) -> None:
    """Show every picture's figure of every network."""
    values_by_network = {
        item["title"]: comparison.collect_metric(item, selection.metric.name, selection.region, selection.mode)
        for item in selection.results
    }
    cell_type_by_image = {
        item: cell_type for result in selection.results for item, cell_type in comparison.get_cell_types(result).items()
    }
    st.subheader(
        "Picture by picture",
        help="Each point is one picture. The box holds the middle half of them, its line the median.",
    )
    charts.show_plotly_chart(
        charts.draw_box_plot(values_by_network, cell_type_by_image, selection.axis_title),
        "distributions",
        f"{selection.axis_title} of every picture, as points beside a box of the middle half, for {', '.join(values_by_network)}",
    )


def show_paired_differences(selection: Selection) -> None:
    """Show the difference of every pair with its interval."""
    pairs = data.compare_networks(selection.results, selection.metric.name, selection.region, selection.mode)
    if not pairs:
        return
    st.subheader(
        "Differences on the same pictures",
        help=f"**Paired comparison** {GLOSSARY['Paired comparison']}\n\n**Confidence interval** {GLOSSARY['Confidence interval']}\n\n"
        f"**p-value** {GLOSSARY['p-value']}",
    )
    lower_is_better = selection.metric.lower_is_better
    win_losses = [count_wins_losses(pair.comparison, lower_is_better=lower_is_better) for pair in pairs]
    rows = [
        Interval(
            f"{pair.first} minus {pair.second}",
            "",
            pair.comparison.difference,
            pair.comparison.ci_low,
            pair.comparison.ci_high,
            f"{selection.format_value(pair.comparison.difference, show_sign=True)}, better on {better} and worse on {worse} of "
            f"{pair.comparison.n_pairs} pictures",
        )
        for pair, (better, worse) in zip(pairs, win_losses, strict=True)
    ]
    charts.show_plotly_chart(
        charts.draw_interval_plot(rows, f"Difference of {selection.axis_title}", mark_zero=True),
        "differences",
        "Difference of every two networks with its 95 % confidence interval: "
        + "; ".join(f"{row.label} {selection.format_value(row.value, show_sign=True)}" for row in rows),
    )
    note = " Here less is better: a network with a negative difference is ahead." if lower_is_better else ""
    st.caption(f"An interval that does not touch the dotted line speaks for a true difference.{note}")


def show_cell_types(selection: Selection) -> None:
    """Show the figure by cell type."""
    summaries_by_network = data.summarize_cell_types(
        selection.results, selection.metric.name, selection.region, selection.mode
    )
    rows = [
        Interval(
            f"{cell_type.capitalize()}, {summary.n_images}",
            title,
            summary.mean,
            summary.ci_low,
            summary.ci_high,
            f"{selection.format_value(summary.mean)} on {summary.n_images} pictures",
        )
        for title, summaries in summaries_by_network.items()
        for cell_type, summary in summaries.items()
        if summary.n_images
    ]
    st.subheader(
        "By cell type",
        help="With the number of pictures. The cell types were given by the data's authors, who warn that no expert "
        "checked them. No interval is drawn for fewer than ten pictures: it would say little.",
    )
    charts.show_plotly_chart(
        charts.draw_interval_plot(rows, selection.axis_title, show_legend=True),
        "cell_types",
        f"Mean {selection.axis_title} by cell type with 95 % confidence intervals, for {', '.join(summaries_by_network)}",
    )


def show_time_and_quality(selection: Selection) -> None:
    """Show quality against the time of a training."""
    summaries = data.summarize_networks(selection.results, selection.metric.name, selection.region, selection.mode)
    st.subheader("Time and quality", help=f"**CPU time** {GLOSSARY['CPU time']}")
    rows = [
        (
            seconds / 60,
            Interval(
                result["title"],
                result["title"],
                summary.mean,
                summary.ci_low,
                summary.ci_high,
                f"{selection.format_value(summary.mean)} after {format_duration(seconds)}",
            ),
        )
        for result, summary in zip(selection.results, summaries.values(), strict=True)
        if (seconds := _compute_mean_cpu_seconds(result)) is not None
    ]
    if not rows:
        st.caption("The time of these trainings was not recorded.")
        return
    hardware_by_network = {result["title"]: comparison.format_hardware_label(result) for result in selection.results}
    most_common, count = Counter(hardware_by_network.values()).most_common(1)[0]
    if count < len(hardware_by_network):
        hardware_text = "; ".join(
            f"{escape_markdown(title)} on {escape_markdown(hardware)}"
            for title, hardware in hardware_by_network.items()
        )
        st.caption(f"Only times of one machine compare, and the networks were trained on several: {hardware_text}.")
        rows = [(x, row) for x, row in rows if hardware_by_network[row.group] == most_common]
        if count == 1:
            return
    charts.show_plotly_chart(
        charts.draw_scatter(rows, "Processor time of a training (minutes)", selection.axis_title),
        "times",
        f"{selection.axis_title} against the processor time of a training: "
        + "; ".join(f"{row.group} {row.note}" for _, row in rows),
    )


def show_hardest(selection: Selection) -> None:
    """List the pictures on which the worst network is worst, each with a link to Predict."""
    rows = comparison.rank_hardest(selection.results, selection.metric.name, selection.region, selection.mode)
    st.subheader(
        "The hardest pictures", help="By the network that does worst on each. Each number is a link to Predict."
    )
    count = st.segmented_control(
        "How many",
        HARDEST_COUNTS,
        default=HARDEST_COUNTS[0],
        required=True,
        key="worst",
        bind="query-params",
        label_visibility="collapsed",
    )
    titles = [result["title"] for result in selection.results]
    is_linkable = selection.results[0]["config"]["dataset"] in DATASET_NAMES
    table = [
        [
            _format_link(row.id) if is_linkable else escape_markdown(get_local_id(row.id)),
            escape_markdown(row.cell_type.capitalize()),
            *(selection.format_value(row.scores[result["architecture"]]) for result in selection.results),
        ]
        for row in rows[:count]
    ]
    show_table(["Picture", "Cell type", *map(escape_markdown, titles)], table, "Pictures with the lowest Dice")
    st.caption(
        "The figures are of networks that never saw the cell. Predict shows the shipped models, of which each has "
        "learned from four fifths of Dataset 1: it says so where a picture is one of them."
    )


def show_downloads(selection: Selection) -> None:
    """Offer everything behind the page as tables."""
    st.subheader("Take away")
    with st.container(horizontal=True):
        st.download_button(
            "Every picture (CSV)",
            lambda: encode_csv(comparison.build_score_rows(selection.results)),
            f"{selection.study}-pictures.csv",
            "text/csv",
            icon=":material/download:",
            on_click="ignore",
        )
        st.download_button(
            "Differences of the networks (CSV)",
            lambda: encode_csv(comparison.build_comparison_rows(selection.results)),
            f"{selection.study}-differences.csv",
            "text/csv",
            icon=":material/download:",
            on_click="ignore",
        )


def _format_link(sample_id: str) -> str:
    dataset_name, _, number = sample_id.partition("/")
    return f"[{number}](predict?set={format_dataset_name(dataset_name).replace(' ', '%20')}&picture={number})"


def _format_image_count(summary: MetricSummary) -> str:
    return str(summary.n_images)


def _compute_mean_cpu_seconds(result: StudyResult) -> float | None:
    cpu_seconds = [training["cpu_seconds"] for training in result["trainings"]]
    return None if None in cpu_seconds else float(sum(cpu_seconds) / len(cpu_seconds))


def _format_time(result: StudyResult) -> str:
    seconds = _compute_mean_cpu_seconds(result)
    return "–" if seconds is None else format_duration(seconds)
