"""How networks do on unseen cells, and which is better: a tab of the Compare page."""

from __future__ import annotations

import math
from collections import Counter
from typing import Final
from urllib.parse import quote

import streamlit as st

from wbcseg.datasets import DATASETS
from wbcseg.evaluation import comparison
from wbcseg.evaluation.comparison import PairwiseComparison
from wbcseg.evaluation.study_result import CrossValidationResult
from wbcseg.metrics import Comparison
from wbcseg.ui.compare import data
from wbcseg.ui.compare.selection import Selection
from wbcseg.ui.components import charts
from wbcseg.ui.components.charts import Interval, get_network_style
from wbcseg.ui.components.table import show_table
from wbcseg.ui.formatting import (
    escape_markdown,
    format_dataset_name,
    format_duration,
    format_integer,
    get_local_id,
    pluralise,
)
from wbcseg.ui.glossary import GLOSSARY

HARDEST_COUNTS: Final = (10, 25, 50, 100)
"""Numbers of hardest images to choose from."""


def show_pairwise_comparisons(selection: Selection) -> None:
    """Show in sentences which network is better, by how much, and how certain that is."""
    pairs = data.compare_networks(selection.results, selection.metric.name, selection.region, selection.mode)
    st.subheader(
        "Which is better, by how much, and how certain is it?",
        help=f"**Paired comparison** {GLOSSARY['Paired comparison']}",
    )
    if not pairs:
        st.markdown("There is only one network in this study, so there is nothing to compare.")
    for pair in pairs:
        st.markdown(f"- {format_comparison(pair, selection)}")


def format_comparison(pair: PairwiseComparison, selection: Selection) -> str:
    """Describe a comparison in a sentence for readers who do not know p-values."""
    paired, lower_is_better = pair.comparison, selection.metric.lower_is_better
    if not paired.n_pairs:
        return f"{escape_markdown(pair.first)} and {escape_markdown(pair.second)} have no images in common."
    wins, losses = count_wins_losses(paired, lower_is_better=lower_is_better)
    clear_winner = pair.get_winner(lower_is_better)
    # Where only the rank test is significant, the network that wins on more images may be worse on average.
    first_leads = (
        wins > losses if pair.corrected_p < 0.05 and not clear_winner else (paired.difference > 0) != lower_is_better
    )
    leader, other = (pair.first, pair.second) if first_leads else (pair.second, pair.first)
    wins = wins if first_leads else losses
    # Below, a positive difference favours the leader.
    sign = 1 if first_leads != lower_is_better else -1
    low, high = sorted((sign * paired.ci_low, sign * paired.ci_high))
    unit = f" {selection.metric.unit}" if selection.metric.unit else ""
    difference_text = f"{selection.format_value(sign * paired.difference)}{unit}"
    interval_text = f"95% confidence interval {selection.format_value(low)} to {selection.format_value(high)}"
    images_text = f"on {wins} of {paired.n_pairs} images"
    leader, other = escape_markdown(leader), escape_markdown(other)
    if clear_winner:
        return (
            f"**{leader} is better than {other}** by **{difference_text}** ({interval_text}), {images_text}. "
            f"{format_p_value(pair.corrected_p)}"
        )
    if pair.corrected_p < 0.05:
        return (
            f"**{leader} is better than {other} more often, but not clearly on average**: {images_text}; the mean "
            f"difference in its favour is {difference_text} ({interval_text}). {format_p_value(pair.corrected_p)}"
        )
    return (
        f"**No clear difference** between {leader} and {other}: {difference_text} in favour of the first "
        f"({interval_text}), {images_text}. {format_p_value(pair.corrected_p)}"
    )


def count_wins_losses(paired: Comparison, *, lower_is_better: bool) -> tuple[int, int]:
    """Return the numbers of images on which the first and the second network is better."""
    return (paired.n_smaller, paired.n_larger) if lower_is_better else (paired.n_larger, paired.n_smaller)


def format_p_value(p: float) -> str:
    """Explain a corrected p-value."""
    if math.isnan(p):
        return "Both gave the same result on every image."
    if p < 0.001:
        return "By chance alone, this would happen in fewer than 1 of 1,000 such tests (p\u00a0<\u00a0.001)."
    text = f"p\u00a0=\u00a0{p:.3f}".replace("0.", ".")
    return f"By chance alone, this or more would happen in about {max(1, round(100 * p))} of 100 such tests ({text})."


def show_means(selection: Selection) -> None:
    """Show mean, confidence interval, size and training time of every network."""
    summaries = data.summarise_networks(selection.results, selection.metric.name, selection.region, selection.mode)
    header = ["Network", "Mean", "±", "95% confidence", "Images", "CPU time", "Parameters"]
    rows = []
    for result in selection.results:
        summary = summaries[result.architecture]
        rows.append(
            [
                escape_markdown(result.title),
                f"**{selection.format_value(summary.mean)}**",
                selection.format_value(summary.standard_error),
                f"{selection.format_value(summary.ci_low)} to {selection.format_value(summary.ci_high)}",
                format_integer(summary.n_images),
                format_duration(_compute_mean_cpu_seconds(result)),
                format_integer(result.parameters),
            ]
        )
    st.subheader(
        "Means",
        help="  \n".join(f"**{term}** {GLOSSARY[term]}" for term in ("±", "Confidence interval", "CPU time")),
    )
    show_table(header, rows, "Means")
    n_undefined = max(summary.n_undefined for summary in summaries.values())
    if n_undefined:
        st.caption(f"In {pluralise(n_undefined, 'image')}, the class is in neither mask; such images do not count.")


def show_per_image(selection: Selection) -> None:
    """Show the metric of every image for every network."""
    values_by_title = {
        result.title: comparison.collect_metric(result, selection.metric.name, selection.region, selection.mode)
        for result in selection.results
    }
    cell_types = {
        image_id: cell_type
        for result in selection.results
        for image_id, cell_type in comparison.get_cell_types(result).items()
    }
    styles = {result.title: get_network_style(result.architecture) for result in selection.results}
    st.subheader(
        "Image by image",
        help="Each point is one image. The box spans the middle half of them, its line is the median.",
    )
    charts.show_plotly_chart(
        charts.draw_box_plot(values_by_title, cell_types, selection.axis_title, styles),
        "distributions",
        f"{selection.axis_title} of every image, as points beside a box of the middle half, for "
        f"{', '.join(values_by_title)}",
    )


def show_paired_differences(selection: Selection) -> None:
    """Show the mean difference of every pair of networks with its confidence interval."""
    pairs = data.compare_networks(selection.results, selection.metric.name, selection.region, selection.mode)
    if not pairs:
        return
    st.subheader(
        "Differences on the same images",
        help="\n\n".join(
            f"**{term}** {GLOSSARY[term]}" for term in ("Paired comparison", "Confidence interval", "p-value")
        ),
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
            f"{selection.format_value(pair.comparison.difference, show_sign=True)}, better on {better} and worse on "
            f"{worse} of {pair.comparison.n_pairs} images",
        )
        for pair, (better, worse) in zip(pairs, win_losses, strict=True)
    ]
    charts.show_plotly_chart(
        charts.draw_interval_plot(rows, f"Difference of {selection.axis_title}", mark_zero=True),
        "differences",
        "Difference of every pair of networks with its 95% confidence interval: "
        + "; ".join(f"{row.label} {selection.format_value(row.value, show_sign=True)}" for row in rows),
    )
    note = " Lower is better here: a negative difference favours the first network." if lower_is_better else ""
    st.caption(f"An interval that excludes zero (the dotted line) indicates a real difference.{note}")


def show_cell_types(selection: Selection) -> None:
    """Show the metric by cell type."""
    summaries_by_architecture = data.summarise_cell_types(
        selection.results, selection.metric.name, selection.region, selection.mode
    )
    titles = selection.titles
    rows = [
        Interval(
            f"{cell_type.capitalize()}, {summary.n_images}",
            titles[architecture],
            summary.mean,
            summary.ci_low,
            summary.ci_high,
            f"{selection.format_value(summary.mean)} on {pluralise(summary.n_images, 'image')}",
            get_network_style(architecture),
        )
        for architecture, summaries in summaries_by_architecture.items()
        for cell_type, summary in summaries.items()
        if summary.n_images
    ]
    st.subheader(
        "By cell type",
        help="With the number of images. The cell types are those of the data set, whose authors note that no expert "
        "verified them. No interval is drawn for fewer than ten images.",
    )
    charts.show_plotly_chart(
        charts.draw_interval_plot(rows, selection.axis_title, show_legend=True),
        "cell_types",
        f"Mean {selection.axis_title} by cell type with 95% confidence intervals, for {', '.join(titles.values())}",
    )


def show_time_and_quality(selection: Selection) -> None:
    """Show the metric against the CPU time of a training run."""
    summaries = data.summarise_networks(selection.results, selection.metric.name, selection.region, selection.mode)
    st.subheader("Training time and quality", help=f"**CPU time** {GLOSSARY['CPU time']}")
    timed_results = [result for result in selection.results if _compute_mean_cpu_seconds(result) is not None]
    if not timed_results:
        st.caption("The CPU time of these runs was not recorded.")
        return
    hardware_labels = [comparison.format_hardware_label(result.environment) for result in timed_results]
    most_common, count = Counter(hardware_labels).most_common(1)[0]
    if count < len(timed_results):
        hardware_text = "; ".join(
            f"{escape_markdown(result.title)} on {escape_markdown(hardware)}"
            for result, hardware in zip(timed_results, hardware_labels, strict=True)
        )
        drawn_text = f" The chart shows those on {escape_markdown(most_common)}." if count > 1 else ""
        st.caption(
            "Times are comparable on the same hardware only, and these networks were trained on different hardware: "
            f"{hardware_text}.{drawn_text}"
        )
        if count == 1:
            return
    rows = []
    for result, hardware in zip(timed_results, hardware_labels, strict=True):
        seconds, summary = _compute_mean_cpu_seconds(result), summaries[result.architecture]
        if hardware == most_common and seconds is not None:
            note = f"{selection.format_value(summary.mean)} after {format_duration(seconds)}"
            style = get_network_style(result.architecture)
            title = result.title
            rows.append(
                (seconds / 60, Interval(title, title, summary.mean, summary.ci_low, summary.ci_high, note, style))
            )
    charts.show_plotly_chart(
        charts.draw_scatter(rows, "CPU time of a training run (minutes)", selection.axis_title),
        "times",
        f"{selection.axis_title} against the CPU time of a training run: "
        + "; ".join(f"{row.group} {row.note}" for _, row in rows),
    )


def show_hardest(selection: Selection) -> None:
    """List the images on which the worst network scores lowest, each with a link to Segment."""
    images = comparison.rank_hardest(selection.results, selection.metric.name, selection.region, selection.mode)
    st.subheader("Hardest images", help="By the network with the worst score on each. The numbers link to Segment.")
    count = st.segmented_control(
        "How many",
        HARDEST_COUNTS,
        default=HARDEST_COUNTS[0],
        required=True,
        key="hardest",
        bind="query-params",
        label_visibility="collapsed",
    )
    titles = selection.titles
    is_linkable = selection.results[0].config["dataset"] in DATASETS
    rows = [
        [
            _format_link(image.id) if is_linkable else escape_markdown(get_local_id(image.id)),
            escape_markdown(image.cell_type.capitalize()),
            *(selection.format_value(image.scores[architecture]) for architecture in titles),
        ]
        for image in images[:count]
    ]
    show_table(["Image", "Cell type", *map(escape_markdown, titles.values())], rows, "Hardest images")
    st.caption(
        "These scores are of networks that were not trained on the cell. Segment uses the shipped models, each trained "
        "on four fifths of Dataset 1; it shows which images a model has seen in training."
    )


def _format_link(sample_id: str) -> str:
    dataset_name, _, number = sample_id.partition("/")
    return f"[{number}](segment?dataset={quote(format_dataset_name(dataset_name))}&image={number})"


def _compute_mean_cpu_seconds(result: CrossValidationResult) -> float | None:
    cpu_seconds = [seconds for training in result.trainings if (seconds := training.cpu_seconds) is not None]
    return sum(cpu_seconds) / len(cpu_seconds) if len(cpu_seconds) == len(result.trainings) else None
