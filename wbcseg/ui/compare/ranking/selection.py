"""What the reader compares on unseen cells: the study, metric, region and prediction mode."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import streamlit as st

from wbcseg.evaluation.comparison import MODE_LABELS, list_available_metrics
from wbcseg.evaluation.entries.entry import Entry, Group
from wbcseg.evaluation.entries.ranking import Ranking, Scores
from wbcseg.evaluation.metric_specs import METRICS, MetricSpec
from wbcseg.evaluation.study_result import PredictionMode
from wbcseg.training import PRESETS
from wbcseg.ui.compare.ranking import groups
from wbcseg.ui.compare.ranking.groups import GroupKey
from wbcseg.ui.compare.result_files import show_not_computed
from wbcseg.ui.formatting import MISSING_TEXT, escape_markdown, format_region, pluralise
from wbcseg.ui.glossary import GLOSSARY
from wbcseg.ui.train.fields import format_dataset

PREDICTION_MODES: Final[dict[str, PredictionMode]] = {
    MODE_LABELS[mode].capitalize(): mode for mode in sorted(MODE_LABELS, reverse=True)
}
"""Prediction modes by label, test-time averaging first."""

RECIPE_TITLES: Final = {
    "compact": "our recipe",
    "comparison": "our recipe, equal size",
    "thorough": "our longer recipe",
    "thesis": "the thesis' recipe",
    "quick": "the quick recipe",
}

COMMAND: Final = "wbcseg cross-validate --folds 5 --dataset zheng-1"


@dataclass(frozen=True)
class Selection:
    """What to compare.

    Attributes:
        study: Name of the study, or of the data and split of one's own runs.
        entries: What is compared.
        metric: The metric.
        region: The region it is of.
        mode: Single pass or test-time averaging.
        key: Key of the entries in the caches.
    """

    study: str
    entries: tuple[Entry, ...]
    metric: MetricSpec
    region: str
    mode: PredictionMode
    key: GroupKey | None = None

    @cached_property
    def ranking(self) -> Ranking:
        """The entries from the best to the worst."""
        return groups.rank(self._get_key(), self.metric.name, self.region, self.mode)

    @cached_property
    def scores(self) -> Scores:
        """The metric of every image."""
        return self.load_scores(self.metric.name, self.region)

    def load_scores(self, metric: str, region: str) -> Scores:
        """Return another metric of every image."""
        return groups.load_scores(self._get_key(), metric, region, self.mode)

    @cached_property
    def ranked_entries(self) -> tuple[Entry, ...]:
        """The entries, the best first: their order in every chart and table."""
        by_key = {entry.key: entry for entry in self.entries}
        return tuple(by_key[key] for key in self.ranking.keys)

    @property
    def axis_title(self) -> str:
        """Title of a chart axis."""
        unit = f" ({self.metric.unit})" if self.metric.unit else ""
        return f"{self.metric.title}, {format_region(self.region).lower()}{unit}"

    def format_value(self, value: float, *, show_sign: bool = False, digits: int | None = None) -> str:
        """Format a value of the metric."""
        if math.isnan(value):
            return MISSING_TEXT
        digits = digits or (2 if self.metric.unit else 4)
        return f"{value:{'+' if show_sign else ''}.{digits}f}".replace("-", "−")

    def format_interval(self, low: float, high: float) -> str:
        """Format an interval of the metric; empty without one."""
        return "" if math.isnan(low) else f"{self.format_value(low)} to {self.format_value(high)}"

    def _get_key(self) -> GroupKey:
        if self.key is None:
            raise ValueError("A selection without a key has no ranking.")
        return self.key


def select_mode(key: str, *, in_address: bool) -> PredictionMode:
    """Show a control for the prediction mode.

    Args:
        key: Key of the control.
        in_address: Whether the choice is a parameter of the page's address.
    """
    label = st.segmented_control(
        "Prediction",
        list(PREDICTION_MODES),
        default=next(iter(PREDICTION_MODES)),
        required=True,
        key=key,
        bind="query-params" if in_address else None,
        help=GLOSSARY["Test-time averaging"],
    )
    return PREDICTION_MODES[label]


def select_comparison() -> Selection | None:
    """Show controls for what to compare; the choices are in the address. Returns ``None`` if there are no results."""
    all_groups = groups.load_groups()
    if not all_groups:
        show_not_computed(COMMAND)
        return None
    names = sorted(all_groups, key=lambda name: (all_groups[name].is_own, -len(all_groups[name].entries)))
    titles = {name: format_group(all_groups[name]) for name in names}
    with st.container(horizontal=True, vertical_alignment="bottom", key="compare_switches"):
        group = all_groups[
            st.selectbox(
                "Data set and training",
                names,
                format_func=titles.__getitem__,
                key="study",
                bind="query-params",
                width=260,
                help=f"{GLOSSARY['Cross-validation']}\n\n**Recipe** {GLOSSARY['Recipe']}",
            )
        ]
        own_keys = _select_own(group)
        entries = group.select(own_keys)
        available = list_available_metrics([entry.result for entry in entries])
        metric = METRICS[
            st.selectbox(
                "Metric",
                [metric.name for metric in available],
                format_func=lambda name: METRICS[name].title,
                key="metric",
                bind="query-params",
                width=150,
                help="\n\n".join(f"**{metric.title}** {metric.description}" for metric in available),
            )
        ]
        region = st.segmented_control(
            "Class",
            metric.regions,
            format_func=format_region,
            default=metric.regions[0],
            required=True,
            key=f"region_{len(metric.regions)}_{metric.regions[0].partition(' ')[0]}",
            bind="query-params",
        )
        mode = select_mode("mode", in_address=True)
    return Selection(group.name, entries, metric, region, mode, groups.get_key(group.name, own_keys))


def format_group(group: Group) -> str:
    """Describe a group of entries in a few words: data, recipe and kind of test."""
    if group.is_own:
        dataset, _, rest = group.name.partition(", ")
        return f"My runs · {format_dataset(dataset)} · {rest.rpartition(', ')[0]}"
    results = [entry.result for entry in group.entries]
    config, trainings = results[0].config, results[0].trainings
    preset = next((preset for preset in (*PRESETS, *RECIPE_TITLES) if f"-{preset}-" in group.name), "")
    recipe = RECIPE_TITLES.get(preset, preset or "custom recipe")
    split_kind = f"{len(trainings)} random splits" if config.get("unused_fraction") else f"{len(trainings)} folds"
    filters = sorted({result.config["base_filters"] for result in results if "base_filters" in result.config})
    filters_text = f", {filters[0]} base filters" if len(filters) == 1 else ""
    return f"{format_dataset(config['dataset'])} · {recipe}{filters_text} · {split_kind}"


def _select_own(group: Group) -> tuple[str, ...]:
    """Offer one's own runs that may join the comparison."""
    if not group.own:
        return ()
    titles = {entry.key: entry.title for entry in group.own}
    return tuple(
        st.multiselect(
            "My runs",
            list(titles),
            format_func=titles.__getitem__,
            key=f"own_{group.name}",
            width=240,
            placeholder="Add",
            help="Runs that were trained on the same data with one of these splits. Everything is then compared on the "
            "held-out images of these runs only.",
        )
    )


def describe_images(selection: Selection) -> str:
    """Say in a sentence or two on which images the entries are compared."""
    ranking = selection.ranking
    own = [entry for entry in selection.entries if entry.is_own]
    text = f"{pluralise(ranking.n_images, 'image')} of cells that no network was trained on"
    if len(own) == len(selection.entries):
        text = f"{pluralise(ranking.n_images, 'held-out image')} of your own runs"
    if ranking.n_left_out:
        text += f"; {pluralise(ranking.n_left_out, 'image')} that only some were tested on are left out"
    if any(entry.result.config.get("split") in ("leaky", "thesis") for entry in own):
        text += ". Copies of some of them may be in training, so these scores may be optimistic"
    return f"{escape_markdown(text)}."
