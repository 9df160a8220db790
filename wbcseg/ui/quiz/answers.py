"""The drawings that a session has had checked, and their scores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean
from typing import Final

import numpy as np
import streamlit as st

from wbcseg.labels import Labels, decode_rle
from wbcseg.metrics import CELL, score_marked
from wbcseg.ui.cache import LoadedImage
from wbcseg.ui.components.table import show_table
from wbcseg.ui.formatting import (
    escape_markdown,
    format_dataset_name,
    format_mean,
    format_region,
    get_local_id,
    pluralise,
)

REGIONS: Final = ("nucleus", "cytoplasm", CELL)

MAX_ANSWERS: Final = 200
"""Checked drawings that a session keeps."""

_ANSWERS_KEY: Final = "quiz_answers"
_OPEN_KEY: Final = "quiz_open"
_PROBLEM_KEY: Final = "quiz_problem"


@dataclass(frozen=True, eq=False)
class Answer:
    """A drawing that was checked.

    Attributes:
        sample_id: Id of the image.
        labels: What was drawn, ``uint8[H, W]`` of class ids.
        dice: Its Dice by region; NaN where neither the drawing nor the mask has the region.
    """

    sample_id: str
    labels: Labels
    dice: Mapping[str, float]


def get_answers() -> dict[str, Answer]:
    """Return the last answer to each image of this session, by the image's id."""
    answers: dict[str, Answer] = st.session_state.setdefault(_ANSWERS_KEY, {})
    return answers


def get_open_answer(sample_id: str) -> Answer | None:
    """Return the answer to show; ``None`` while the cell is being drawn."""
    return get_answers().get(sample_id) if sample_id in st.session_state.get(_OPEN_KEY, ()) else None


def check_drawing(value: object, loaded_image: LoadedImage) -> None:
    """Score a drawing, and keep it.

    Args:
        value: What the browser sent: a dictionary with the drawing's run lengths as ``rle``.
        loaded_image: The image with its mask.
    """
    height, width = loaded_image.sample.size
    truth = loaded_image.sample.mask
    if truth is None:
        return
    try:
        labels = decode_rle(value.get("rle") if isinstance(value, dict) else None, width, height)
    except ValueError as error:
        st.session_state[_PROBLEM_KEY] = f"The drawing could not be read. {error}"
        return
    if not labels.any():
        st.session_state[_PROBLEM_KEY] = "Nothing is drawn yet. Paint the nucleus, then the cytoplasm around it."
        return
    answers, sample_id = get_answers(), loaded_image.sample.id
    answers.pop(sample_id, None)
    while len(answers) >= MAX_ANSWERS:
        answers.pop(next(iter(answers)))
    dice = score_marked(truth, labels).dice
    answers[sample_id] = Answer(sample_id, labels, {region: dice[region] for region in REGIONS})
    st.session_state.setdefault(_OPEN_KEY, set()).add(sample_id)


def try_again(sample_id: str) -> None:
    """Let the user draw a cell again. The score of the last drawing stays until the next one is checked."""
    st.session_state.get(_OPEN_KEY, set()).discard(sample_id)


def clear_answers() -> None:
    """Forget all drawings and scores."""
    get_answers().clear()
    st.session_state.pop(_OPEN_KEY, None)


def show_problem() -> None:
    """Show why the last drawing could not be checked."""
    problem = st.session_state.pop(_PROBLEM_KEY, None)
    if problem:
        st.warning(escape_markdown(problem), icon=":material/draw:")


def show_scores() -> None:
    """Show the Dice of every cell that was drawn in this session, and their mean."""
    answers = get_answers()
    if not answers:
        return
    st.subheader("Your scores")
    rows = [
        [_format_cell(answer.sample_id), *(format_mean(answer.dice[region]) for region in REGIONS)]
        for answer in reversed(answers.values())
    ]
    means = [_compute_mean([answer.dice[region] for answer in answers.values()]) for region in REGIONS]
    count = pluralise(len(answers), "cell")
    rows.append([f"**Mean of {count}**", *(f"**{format_mean(mean)}**" for mean in means)])
    show_table(["Dice", *map(format_region, REGIONS)], rows, "Your scores")
    st.button("Clear scores", icon=":material/delete:", on_click=clear_answers, type="tertiary")


def _format_cell(sample_id: str) -> str:
    dataset_name = sample_id.partition("/")[0]
    return escape_markdown(f"{format_dataset_name(dataset_name)}, {get_local_id(sample_id)}")


def _compute_mean(values: list[float]) -> float | None:
    known = [value for value in values if not np.isnan(value)]
    return fmean(known) if known else None
