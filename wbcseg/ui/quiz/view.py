"""What the viewer shows of the quiz: an empty mask to draw on, then the drawing beside the expert's mask."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import streamlit as st

from wbcseg.inference import Catalog, ModelEntry
from wbcseg.labels import Labels
from wbcseg.ui.cache import CachedPrediction, LoadedImage
from wbcseg.ui.components import score_tables
from wbcseg.ui.formatting import format_alt, get_mask_title
from wbcseg.ui.quiz import answers
from wbcseg.ui.segment.view import encode_view, remember_view, run_models
from wbcseg.ui.segment.viewer_props import TRAINED_BADGE, build_viewer_props
from wbcseg.ui.viewer import send_payload, show_viewer
from wbcseg.ui.viewer.payload import MASK, encode_prediction
from wbcseg.ui.viewer.props import MaskButtonProps, PanelProps, ViewerProps

VIEWER_KEY: Final = "quiz"
DRAWING: Final = "drawing"
"""Part of the payload, and key of the panel, that holds the user's mask."""

TITLE: Final = "Your mask"
_CHECK_BUTTON: Final = MaskButtonProps("Check", "Compare your mask with the expert's and the models'")


@dataclass(frozen=True, eq=False)
class QuizView:
    """What the page shows of a cell.

    Attributes:
        loaded_image: The image with its mask.
        digest: Identifies the payload.
        payload: Image and drawing; with the mask and the models' results once the drawing has been checked.
        props: What the viewer shows of it.
        labels: Class ids of the drawing and of each model, by title; empty while the cell is being drawn.
        trained_titles: Titles of the models that were trained on the image.
        problems: Why models could not segment the image, in Markdown.
    """

    loaded_image: LoadedImage
    digest: str
    payload: bytes
    props: ViewerProps
    labels: dict[str, Labels]
    trained_titles: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


def build_quiz_view(loaded_image: LoadedImage, entries: Sequence[ModelEntry], catalog: Catalog) -> QuizView:
    """Prepare what the browser needs. While the cell is being drawn, that is neither the mask nor a model's result.

    Args:
        loaded_image: The image with its mask.
        entries: The models to compare with.
        catalog: The catalog.
    """
    answer = answers.get_open_answer(loaded_image.sample.id)
    view = _build_question(loaded_image) if answer is None else _build_answer(loaded_image, answer, entries, catalog)
    remember_view(VIEWER_KEY, view.digest, loaded_image, view.props)
    return view


def _build_question(loaded_image: LoadedImage) -> QuizView:
    hidden = replace(loaded_image, sample=replace(loaded_image.sample, mask=None))
    drawing = _as_prediction(np.zeros(loaded_image.sample.size, np.uint8))
    digest, payload = encode_view(hidden, {DRAWING: drawing})
    props = build_viewer_props(hidden, digest, [], {}, {})
    panel = PanelProps(DRAWING, "model", TITLE, "Your mask: draw here", part=DRAWING)
    props = replace(props, panels=(panel,), default_panels=(DRAWING,), mask_button=_CHECK_BUTTON, starts_editing=True)
    return QuizView(loaded_image, digest, payload, props, {})


def _build_answer(
    loaded_image: LoadedImage, answer: answers.Answer, entries: Sequence[ModelEntry], catalog: Catalog
) -> QuizView:
    predictions, problems = run_models(loaded_image, entries, catalog, tta=False)
    digest, payload = encode_view(loaded_image, {DRAWING: _as_prediction(answer.labels), **predictions})
    trained = {
        entry.name: TRAINED_BADGE
        for entry in entries
        if entry.card.trained_on(loaded_image.sample.id, loaded_image.digest)
    }
    titles = {entry.name: entry.title for entry in entries if entry.name in predictions}
    labels = {name: prediction.labels for name, prediction in predictions.items()}
    props = build_viewer_props(loaded_image, digest, [], {}, {})
    # Keys of their own: which panels are shown on page Segment is another choice.
    panels = [
        *(replace(panel, key=f"quiz.{panel.key}") for panel in props.panels if panel.key == MASK),
        PanelProps("quiz.drawing", "model", TITLE, format_alt(TITLE, answer.labels), part=DRAWING),
        *(
            PanelProps(
                f"quiz.{name}", "model", title, format_alt(title, labels[name]), part=name, badge=trained.get(name)
            )
            for name, title in titles.items()
        ),
    ]
    errors = PanelProps(
        "quiz.errors",
        "errors",
        f"Errors ({TITLE.lower()})",
        "Errors of your mask: false negatives blue, false positives orange, wrong class pink",
        part=DRAWING,
    )
    props = replace(props, panels=(*panels, errors), default_panels=tuple(panel.key for panel in panels))
    return QuizView(
        loaded_image,
        digest,
        payload,
        props,
        {TITLE: answer.labels} | {title: labels[name] for name, title in titles.items()},
        tuple(titles[name] for name in trained if name in titles),
        problems,
    )


def _as_prediction(labels: Labels) -> CachedPrediction:
    probabilities = np.dstack([np.where(labels == class_id, 255, 0) for class_id in (1, 2)]).astype(np.uint8)
    return CachedPrediction(labels, encode_prediction(labels, probabilities), (), False)


def show_quiz(view: QuizView) -> None:
    """Show the viewer."""
    show_viewer(view.props, on_image=_ignore, on_mask=_on_drawing_sent, on_cells=_ignore, key=VIEWER_KEY)
    send_payload(view.digest, view.payload, view.loaded_image.sample.image)


def _ignore() -> None:
    """Take nothing over: the viewer of the quiz has no strip and no cells to correct."""


def _on_drawing_sent() -> None:
    value = st.session_state[VIEWER_KEY].get("mask")
    digest, loaded_image, _ = st.session_state[f"{VIEWER_KEY}_state"]
    if isinstance(value, Mapping) and value.get("digest") == digest:
        answers.check_drawing(dict(value), loaded_image)


def show_details(view: QuizView) -> None:
    """Show what to do or, once the drawing has been checked, how it compares; and the scores so far."""
    truth = view.loaded_image.sample.mask
    if truth is None:
        return
    answers.show_problem()
    if not view.labels:
        st.markdown(
            "**Paint the nucleus and the cytoplasm** of the white cell in the middle. Everything else is background. "
            "Then press *Check*: the expert's mask and the models' results appear beside yours."
        )
        st.caption("Brush, polygon, fill and erase are above the image; press ? for the keys. Nothing is stored.")
        st.caption("For a class: share the address of this page, and everybody draws this cell.")
    else:
        for problem in view.problems:
            st.warning(problem, icon=":material/error:")
        st.button(
            "Try again",
            icon=":material/restart_alt:",
            on_click=answers.try_again,
            args=(view.loaded_image.sample.id,),
        )
        mask_title = get_mask_title(view.loaded_image.sample.id)
        score_tables.show_score_tables(truth, view.labels, mask_title, view.trained_titles)
        if mask_title == "Expert mask":
            st.caption(
                "An expert's mask is one person's opinion: between two experts, the Dice was .95 for the nucleus and "
                ".74 for the cytoplasm."
            )
    answers.show_scores()
