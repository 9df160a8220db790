"""What figures and statuses of cells mean, and how far both can be relied on."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import streamlit as st

from wbcseg.errors import WbcsegError
from wbcseg.features import FEATURES
from wbcseg.inference import ModelEntry
from wbcseg.quality import OUT_OF_RANGE, REVIEW, QualityModel, load_quality_model
from wbcseg.quality.fit import BAD_DICE_BELOW
from wbcseg.ui import text
from wbcseg.ui.text import escape_markdown

MEAN_COLOUR_DEFINITION: Final = (
    "Mean red, green and blue of all pixels of the part, in the picture as it is stored, 0 to 255 each."
)


def show_feature_definitions(names: Collection[str], entries: Sequence[ModelEntry], *, colours: bool) -> None:
    """Offer, one click away, how figures are defined, and what the statuses mean where there are some.

    Args:
        names: The figures, of :data:`wbcseg.features.FEATURES`.
        entries: The models whose results are shown.
        colours: Whether mean colours are shown too.
    """
    with st.popover("How are these defined?", icon=":material/help:", type="tertiary"):
        figures = [f"**{FEATURES[name].title}** {escape_markdown(FEATURES[name].description)}" for name in names]
        figures += [f"**Mean colour (RGB)** {MEAN_COLOUR_DEFINITION}"] if colours else []
        st.markdown("\n\n".join(figures))
        said = describe_quality_accuracy(entries)
        if said:
            text.show_glossary_entries(*text.QUALITY_TERMS)
            st.markdown("\n\n".join(said))


def describe_quality_accuracy(entries: Sequence[ModelEntry]) -> list[str]:
    """Say how well the results of models are judged: a paragraph in Markdown for each that is.

    Args:
        entries: The models. Those of one architecture have one judge, and one paragraph.
    """
    judges: dict[str, tuple[str, QualityModel]] = {}
    for entry in entries:
        card = entry.card
        if card is None or card.architecture in judges:
            continue
        # Where its judge cannot be used, the page says so where the model is opened.
        with contextlib.suppress(WbcsegError):
            judge = load_quality_model(card)
            if judge is not None:
                judges[card.architecture] = entry.title, judge
    return [_format_quality_accuracy(title, judge.metrics) for title, judge in judges.values()]


def _format_quality_accuracy(title: str, figures: Mapping[str, Any]) -> str:
    bad, strangers, smears, copies = (figures[name] for name in ("bad", "strangers", "smears", "varied_bad"))
    good, good_copies = figures["pictures"] - bad, figures["varied_pictures"] - copies

    def marked(name: str, among: int) -> str:
        return f"{round(figures[name] * among)}"

    def told(prefix: str, wrong: int, right: int) -> str:
        others = f"{marked(f'{prefix}good_marked', right)} of {right} others were marked"
        if not wrong:
            return f"no result was bad (Dice of the whole cell below {BAD_DICE_BELOW}), and {others}"
        return (
            f"{marked(f'{prefix}bad_caught', wrong)} of {wrong} bad results (Dice of the whole cell below {BAD_DICE_BELOW}) were "
            f"marked “{REVIEW}” or “{OUT_OF_RANGE}”, and {others}"
        )

    return (
        f"**How reliable that is for {escape_markdown(title)}.** It was measured with networks of its kind on "
        f"{figures['pictures']} pictures from a laboratory that they had not learned from, and by formulas that had "
        f"not learned from those pictures: {told('', bad, good)}. In copies of the pictures with another stain, light "
        f"and focus, {told('varied_', copies, good_copies)}. Of {strangers} pictures that are no "
        f"smears, {marked('unlike_strangers', strangers)} were called “{OUT_OF_RANGE}”, and of {smears} smears "
        f"{marked('unlike_smears', smears)}."
    )
