"""What figures and statuses of cells mean, and how far both can be relied on."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import streamlit as st

from wbcseg.errors import WbcsegError
from wbcseg.features import MEASURES
from wbcseg.inference import ModelEntry
from wbcseg.quality import CHECK, UNLIKE, Judge, judge_of
from wbcseg.quality.fit import BAD
from wbcseg.ui import text
from wbcseg.ui.text import as_text

COLOUR: Final = "Mean red, green and blue of all pixels of the part, in the picture as it is stored, 0 to 255 each."


def show_definitions(names: Collection[str], entries: Sequence[ModelEntry], *, colours: bool) -> None:
    """Offer, one click away, how figures are defined, and what the statuses mean where there are some.

    Args:
        names: The figures, of :data:`wbcseg.features.MEASURES`.
        entries: The models whose results are shown.
        colours: Whether mean colours are shown too.
    """
    with st.popover("How are these defined?", icon=":material/help:", type="tertiary"):
        figures = [f"**{MEASURES[name].title}** {as_text(MEASURES[name].meaning)}" for name in names]
        figures += [f"**Mean colour (RGB)** {COLOUR}"] if colours else []
        st.markdown("\n\n".join(figures))
        said = reliability(entries)
        if said:
            text.define(*text.STATUSES)
            st.markdown("\n\n".join(said))


def reliability(entries: Sequence[ModelEntry]) -> list[str]:
    """Say how well the results of models are judged: a paragraph in Markdown for each that is.

    Args:
        entries: The models. Those of one architecture have one judge, and one paragraph.
    """
    judges: dict[str, tuple[str, Judge]] = {}
    for entry in entries:
        card = entry.card
        if card is None or card.architecture in judges:
            continue
        # Where its judge cannot be used, the page says so where the model is opened.
        with contextlib.suppress(WbcsegError):
            judge = judge_of(card)
            if judge is not None:
                judges[card.architecture] = entry.title, judge
    return [_reliability(title, judge.figures) for title, judge in judges.values()]


def _reliability(title: str, figures: Mapping[str, Any]) -> str:
    bad, strangers, smears, copies = (figures[name] for name in ("bad", "strangers", "smears", "varied_bad"))
    good, good_copies = figures["pictures"] - bad, figures["varied_pictures"] - copies

    def marked(name: str, among: int) -> str:
        return f"{round(figures[name] * among)}"

    def told(prefix: str, wrong: int, right: int) -> str:
        others = f"{marked(f'{prefix}good_marked', right)} of {right} others were marked"
        if not wrong:
            return f"no result was bad (Dice of the whole cell below {BAD}), and {others}"
        return (
            f"{marked(f'{prefix}bad_caught', wrong)} of {wrong} bad results (Dice of the whole cell below {BAD}) were "
            f"marked “{CHECK}” or “{UNLIKE}”, and {others}"
        )

    return (
        f"**How reliable that is for {as_text(title)}.** It was measured with networks of its kind on "
        f"{figures['pictures']} pictures from a laboratory that they had not learned from, and by formulas that had "
        f"not learned from those pictures: {told('', bad, good)}. In copies of the pictures with another stain, light "
        f"and focus, {told('varied_', copies, good_copies)}. Of {strangers} pictures that are no "
        f"smears, {marked('unlike_strangers', strangers)} were called “{UNLIKE}”, and of {smears} smears "
        f"{marked('unlike_smears', smears)}."
    )
