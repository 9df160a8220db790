"""How good the default model is, at home and at laboratories that it never saw: one answer from the result files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import streamlit as st

from wbcseg.errors import WbcsegError
from wbcseg.evaluation import comparison, cross_validation
from wbcseg.evaluation.cross_site import CROSS_SITE_FOLDER, load_cross_site_result
from wbcseg.evaluation.fields.result import FieldScore, load_fields_result
from wbcseg.evaluation.study_result import CrossSiteResult
from wbcseg.evaluation.types import TypeScore, load_types_result
from wbcseg.inference import ModelEntry
from wbcseg.metrics.proportions import compute_wilson_interval
from wbcseg.ui import cache
from wbcseg.ui.cell_types import PRIOR_TITLES, get_type_model
from wbcseg.ui.compare.cell_types import DATA_SETS, TEST_TITLES
from wbcseg.ui.compare.cell_types import TAB_TITLE as TYPES_TAB
from wbcseg.ui.compare.cross_site import TAB_TITLE as CROSS_SITE_TAB
from wbcseg.ui.formatting import escape_markdown, format_dataset_name, pluralise

SAME_NETWORK: Final = "the same network, trained without Zheng"
"""Name among the compared type models: the shipped one's network, which learned no type from Zheng 1 and 2."""

ZHENG: Final = ("zheng-1", "zheng-2")

FIELD_TITLES: Final = {
    "composed": "composed fields, harder than most",
    "raabin-fields": "Raabin (Qazvin and Tehran)",
    "lisc-fields": "LISC (Tehran)",
}
"""Titles of the tests of the cell detector that the answer is made of. Nothing was learned from the last two."""

HOME_FIELDS: Final = "composed"

CLEAR_DROP: Final = 0.05
"""From which difference on something is said to be weaker at other laboratories."""


@dataclass(frozen=True)
class Figure:
    """A score, and what it was measured on.

    Attributes:
        value: The score, 0 to 1.
        text: The score as text.
        place: The images.
        is_home: Whether the model learned from other images of this laboratory.
    """

    value: float
    text: str
    place: str
    is_home: bool


@dataclass(frozen=True)
class Part:
    """One of the questions that the answer consists of.

    Attributes:
        title: What is asked.
        unit: What the scores are.
        figures: The scores.
        note: How the scores elsewhere were obtained.
    """

    title: str
    unit: str
    figures: tuple[Figure, ...]
    note: str

    def select(self, *, is_home: bool) -> list[Figure]:
        """Return the scores at home, or those at laboratories never seen."""
        return [figure for figure in self.figures if figure.is_home == is_home]

    @property
    def drop(self) -> float | None:
        """By how much the worst score elsewhere is below the worst at home; ``None`` without both."""
        home, elsewhere = ([figure.value for figure in self.select(is_home=each)] for each in (True, False))
        return min(home) - min(elsewhere) if home and elsewhere else None


def show_answer() -> None:
    """Show in a sentence for each part how good the default model is; the figures behind it unfold."""
    entry = cache.load_catalog().default_model
    if entry is None:
        return
    parts = [part for part in (_describe_outlines(entry), _describe_finding(), _describe_types()) if part.figures]
    if not parts:
        return
    question = "**How well does the default model work at a laboratory it has never seen?**"
    st.markdown(f"{question}  \n{summarise(entry.title, parts)}")
    with st.expander("The figures", icon=":material/table_chart:"), st.container(key="compare_answer"):
        for column, part in zip(st.columns(len(parts)), parts, strict=True):
            with column, st.container(border=True, gap="xsmall", height="stretch"):
                _show_part(part)
        st.caption(f"More in the tabs *{CROSS_SITE_TAB}* and *{TYPES_TAB}*.")


def summarise(title: str, parts: Sequence[Part]) -> str:
    """Return the answer in a sentence for each part, in Markdown.

    Args:
        title: Title of the model.
        parts: The parts.
    """
    sentences = [f"**{escape_markdown(title)}** is what *Segment* and *Batch* start with."]
    for part in parts:
        home, elsewhere = part.select(is_home=True), part.select(is_home=False)
        if part.drop is None:
            sentences.append(f"{part.title}: not tested at other laboratories.")
            continue
        texts = f"{_join(elsewhere)} at laboratories never seen, {_join(home)} at home"
        if part.drop >= 2 * CLEAR_DROP:
            sentences.append(f"**{part.title}: much weaker elsewhere, {texts}. Check each of them there.**")
        else:
            grade = "weaker" if part.drop >= CLEAR_DROP else "hardly weaker" if part.drop >= 0.005 else "no weaker"
            sentences.append(f"{part.title}: {grade} elsewhere, {texts}.")
    return " ".join(sentences)


def _show_part(part: Part) -> None:
    st.markdown(f"**{part.title}**, {part.unit}")
    lines = [
        f"- **{figure.text}** {place}: {figure.place}"
        for is_home, place in ((True, "at home"), (False, "never seen"))
        for figure in part.select(is_home=is_home)
    ]
    st.markdown("\n".join(lines))
    st.caption(part.note)


def _join(figures: Sequence[Figure]) -> str:
    texts = list(dict.fromkeys(figure.text for figure in figures))
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} and {texts[-1]}"


def _describe_outlines(entry: ModelEntry) -> Part:
    metrics = entry.card.test_metrics
    figures = []
    if (dice := metrics.regions["cell"].dice) is not None:
        place = format_dataset_name(entry.card.dataset.removesuffix("+synthetic"))
        figures.append(Figure(dice, f"{dice:.2f}", f"{metrics.images} held-out cells of {place}", True))
    for result in _list_cross_site():
        if result.in_domain is None or result.in_domain.model != entry.name:
            continue
        for index, training in enumerate(result.trainings):
            values = comparison.collect_metric(result.select_training(index), "dice", "cell", "single")
            mean = comparison.summarise_values(list(values.values())).mean
            place = f"{pluralise(training.tested, 'cell')} of {format_dataset_name(training.tested_on)}"
            figures.append(Figure(mean, f"{mean:.2f}", place, False))
    note = "Never seen: the same network, trained on the other laboratory alone."
    return Part("Outlines", "mean Dice of the whole cell", tuple(figures), note)


def _describe_finding() -> Part:
    result = load_fields_result()
    scores = [score for score in (result.scores if result else ()) if score.name in FIELD_TITLES and score.cells]
    note = "These fields helped to choose the detector's thresholds."
    return Part("Finding cells", "share of the white cells found", tuple(map(_format_field_score, scores)), note)


def _format_field_score(score: FieldScore) -> Figure:
    share = score.detected / score.cells
    place = f"{score.detected} of {score.cells}, {score.false} false; {FIELD_TITLES[score.name]}"
    return Figure(share, _format_share(share), place, score.name == HOME_FIELDS)


def _describe_types() -> Part:
    result, model = load_types_result(), get_type_model()
    if result is None or model is None:
        return Part("Cell types", "", (), "")
    prior = model.card.calibration.prior
    learned = {data.name for data in model.card.training_data}
    tests = [(score, DATA_SETS.get(score.name, score.name) in learned) for score in result.scores]
    # Of Zheng, the shipped model has seen most cells: the network that has seen none says more.
    others = [score for score in result.comparison.get(SAME_NETWORK, ()) if score.name in ZHENG]
    tests = [(score, is_home) for score, is_home in tests if not (others and score.name in ZHENG)]
    tests += [(score, False) for score in others]
    figures = [_format_type_score(score, is_home) for score, is_home in tests if score.prior == prior]
    note = f"With 95 % intervals, prior *{PRIOR_TITLES[prior]}*."
    if others:
        note += " Zheng: the same network, trained without it."
    return Part("Cell types", "share typed correctly", tuple(filter(None, figures)), note)


def _format_type_score(score: TypeScore, is_home: bool) -> Figure | None:
    if score.accuracy is None:
        return None
    low, high = compute_wilson_interval(round(score.accuracy * score.cells), score.cells)
    interval = f"{100 * low:.0f} to {100 * high:.0f}"
    place = f"{interval}; {pluralise(score.cells, 'cell')} of {TEST_TITLES.get(score.name, score.name)}"
    return Figure(score.accuracy, _format_share(score.accuracy), place, is_home)


def _format_share(share: float) -> str:
    return f"{100 * share:.0f}\N{NO-BREAK SPACE}%"


@st.cache_resource(show_spinner=False)
def _list_cross_site() -> list[CrossSiteResult]:
    results = []
    for path in cross_validation.list_study_files(CROSS_SITE_FOLDER):
        try:
            results.append(load_cross_site_result(path))
        except WbcsegError:
            # The tab of these results says why.
            continue
    return results
