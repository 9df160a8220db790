"""Explain the measurements and the quality check, and how reliable the check is."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import streamlit as st

from wbcseg.errors import WbcsegError
from wbcseg.features import FEATURES
from wbcseg.inference import ModelEntry
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


def _format_quality_accuracy(title: str, accuracy: Mapping[str, Any]) -> str:
    bad_count, negative_count, smear_count, bad_copy_count = (
        accuracy[name] for name in ("bad", "negatives", "smears", "varied_bad")
    )
    good_count, good_copy_count = accuracy["images"] - bad_count, accuracy["varied_images"] - bad_copy_count

    def format_flagged(name: str, total: int) -> str:
        return f"{round(accuracy[name] * total)}"

    def describe_flagged(prefix: str, bad_total: int, good_total: int) -> str:
        good_text = f"{format_flagged(f'{prefix}good_flagged', good_total)} of {good_total} others were flagged"
        if not bad_total:
            return f"no result was bad (Dice of the whole cell below {BAD_DICE_BELOW}), and {good_text}"
        return (
            f"{format_flagged(f'{prefix}bad_flagged', bad_total)} of {bad_total} bad results (Dice of the whole cell "
            f"below {BAD_DICE_BELOW}) were flagged “{STATUS_LABELS[REVIEW]}” or “{STATUS_LABELS[OUT_OF_RANGE]}”, and "
            f"{good_text}"
        )

    return (
        f"**How reliable the check is for {escape_markdown(title)}.** It was evaluated with networks of this type on "
        f"{accuracy['images']} images from a site that neither the networks nor the check were trained on: "
        f"{describe_flagged('', bad_count, good_count)}. In copies of these images with altered staining, illumination "
        f"and focus, {describe_flagged('varied_', bad_copy_count, good_copy_count)}. Of {negative_count} images that "
        f"are not smears, {format_flagged('out_of_range_negatives', negative_count)} were flagged "
        f"“{STATUS_LABELS[OUT_OF_RANGE]}”; of {smear_count} smears, "
        f"{format_flagged('out_of_range_smears', smear_count)}."
    )
