"""Explain the measurements and the quality check, and how reliable the check is."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Sequence
from typing import Final

import streamlit as st

from wbcseg.errors import WbcsegError
from wbcseg.features import FEATURES
from wbcseg.inference import ModelEntry
from wbcseg.models.card_records import LaboratoryTest, QualityMetrics
from wbcseg.quality import OUT_OF_RANGE, REVIEW, STATUS_LABELS, QualityModel, load_quality_model
from wbcseg.quality.fit import BAD_DICE_BELOW
from wbcseg.ui import glossary
from wbcseg.ui.formatting import escape_markdown

MEAN_COLOUR_DEFINITION: Final = (
    "Mean red, green and blue of the pixels of nucleus or cytoplasm, 0 to 255 each, without colour correction."
)


def show_feature_definitions(
    feature_names: Collection[str], entries: Sequence[ModelEntry], *, with_colours: bool
) -> None:
    """Show a popover that defines the measurements and, where there is a quality check, explains its statuses.

    Args:
        feature_names: The measurements; keys of :data:`wbcseg.features.FEATURES`.
        entries: The models whose results are shown.
        with_colours: Whether mean colours are shown, too.
    """
    with st.popover("How are these defined?", icon=":material/help:", type="tertiary"):
        definitions = [
            f"**{FEATURES[name].title}** {escape_markdown(FEATURES[name].description)}" for name in feature_names
        ]
        definitions += [f"**Mean colour (RGB)** {MEAN_COLOUR_DEFINITION}"] if with_colours else []
        st.markdown("\n\n".join(definitions))
        accuracy_paragraphs = describe_quality_accuracy(entries)
        if accuracy_paragraphs:
            glossary.show_glossary_entries(*glossary.QUALITY_TERMS)
            st.markdown("\n\n".join(accuracy_paragraphs))


def describe_quality_accuracy(entries: Sequence[ModelEntry]) -> list[str]:
    """Describe how reliable the quality check is: a paragraph in Markdown for each architecture that has one.

    Args:
        entries: The models. Those of the same architecture share a quality model.
    """
    quality_models: dict[str, tuple[str, QualityModel]] = {}
    for entry in entries:
        card = entry.card
        if card.architecture in quality_models:
            continue
        # If it cannot be read, the page shows so where the model is loaded.
        with contextlib.suppress(WbcsegError):
            quality_model = load_quality_model(card)
            if quality_model is not None:
                quality_models[card.architecture] = entry.title, quality_model
    return [_format_quality_accuracy(title, quality_model.metrics) for title, quality_model in quality_models.values()]


def _format_quality_accuracy(title: str, metrics: QualityMetrics) -> str:
    def describe_flagged(images: int, bad: int, bad_flagged: float | None, good_flagged: float | None) -> str:
        good_text = f"{_format_count(good_flagged, images - bad)} of {images - bad} others were flagged"
        if not bad:
            return f"no result was bad (Dice of the whole cell below {BAD_DICE_BELOW}), and {good_text}"
        return (
            f"{_format_count(bad_flagged, bad)} of {bad} bad results (Dice of the whole cell below {BAD_DICE_BELOW}) "
            f"were flagged “{STATUS_LABELS[REVIEW]}” or “{STATUS_LABELS[OUT_OF_RANGE]}”, and {good_text}"
        )

    originals = describe_flagged(metrics.images, metrics.bad, metrics.bad_flagged, metrics.good_flagged)
    copies = describe_flagged(
        metrics.varied_images, metrics.varied_bad, metrics.varied_bad_flagged, metrics.varied_good_flagged
    )
    tested = (
        f"on {metrics.images} images that neither the network nor the check had seen"
        if metrics.laboratories
        else f"with networks of this type on {metrics.images} images from a site that neither the networks nor the "
        "check were trained on"
    )
    return (
        f"**How reliable the check is for {escape_markdown(title)}.** It was evaluated {tested}: {originals}. In "
        f"copies of these images with altered staining, illumination and focus, {copies}. Of {metrics.negatives} "
        f"images that are not smears, {_format_count(metrics.out_of_range_negatives, metrics.negatives)} were flagged "
        f"“{STATUS_LABELS[OUT_OF_RANGE]}”; of {metrics.smears} smears, "
        f"{_format_count(metrics.out_of_range_smears, metrics.smears)}.{_format_laboratories(metrics.laboratories)}"
    )


def _format_laboratories(tests: Sequence[LaboratoryTest]) -> str:
    """Return what a check that was fitted without a laboratory flagged of its results; empty if it was not tested."""
    if not tests:
        return ""
    good, bad = sum(test.good for test in tests), sum(test.bad for test in tests)
    good_flagged = sum(round(test.good * (test.good_flagged or 0)) for test in tests)
    bad_flagged = sum(round(test.bad * (test.bad_flagged or 0)) for test in tests)
    return (
        f" For each of {len(tests)} laboratories, a check that had not seen it flagged {bad_flagged} of {bad} bad "
        f"results (Dice below 0.85) and {good_flagged} of {good} good ones (at least 0.93)."
    )


def _format_count(fraction: float | None, total: int) -> str:
    return "0" if fraction is None else f"{round(fraction * total)}"
