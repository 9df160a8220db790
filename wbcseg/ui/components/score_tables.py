"""Scores and class fractions as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import streamlit as st

from wbcseg.labels import CLASSES, PALETTES, Labels, Palette
from wbcseg.metrics import CELL, score_marked
from wbcseg.ui.components.table import show_table
from wbcseg.ui.formatting import escape_markdown, format_percent, format_region, format_score, pluralise
from wbcseg.ui.glossary import GLOSSARY
from wbcseg.visualization import compute_class_fractions

SCORED_REGIONS: Final = ("nucleus", "cytoplasm", CELL, "background")


def show_score_tables(
    truth: Labels, labels_by_model: Mapping[str, Labels], mask_title: str, trained_models: Sequence[str] = ()
) -> None:
    """Show Dice and Jaccard of each result against the reference mask.

    Args:
        truth: The reference mask, ``uint8[H, W]`` of class ids.
        labels_by_model: The results, class ids of the same shape, by model title.
        mask_title: Title of the reference mask.
        trained_models: Titles of the models that were trained on this image.
    """
    scores = {title: score_marked(truth, labels) for title, labels in labels_by_model.items()}
    with st.grid(2, min_column_width=330, gap="medium"):
        for name in ("Dice", "Jaccard"):
            with st.container():
                st.subheader(
                    f"{name} against the {mask_title.lower()}", help=f"{GLOSSARY[name]}\n\n**n/a** {GLOSSARY['n/a']}"
                )
                columns = [getattr(model_scores, name.lower()) for model_scores in scores.values()]
                show_table(
                    ["", *(_format_heading(title, title in trained_models) for title in scores)],
                    [
                        [format_region(region), *(format_score(column[region]) for column in columns)]
                        for region in SCORED_REGIONS
                    ],
                    name,
                    stack_on_phone=len(scores) > 2,
                )
    if trained_models:
        st.markdown(
            ":orange[:material/school:] Scores may be optimistic (seen in training): "
            f"{escape_markdown('; '.join(trained_models))}.",
            help=GLOSSARY["Seen in training"],
        )


def show_class_fractions(labels: Labels, palette_name: str) -> None:
    """Show how much of an image each class covers, in per cent and pixels."""
    palette = PALETTES[palette_name]
    fractions = compute_class_fractions(labels)
    with st.container(gap="small"):
        for pixel_class in reversed(CLASSES):
            fraction = fractions[pixel_class.name]
            pixel_text = pluralise(round(fraction * labels.size), "pixel")
            name = f"{format_swatch(palette, pixel_class.id)} {pixel_class.name.capitalize()}"
            st.markdown(f"{name}  \n**{format_percent(fraction)}** · {pixel_text}")


def format_swatch(palette: Palette, class_id: int) -> str:
    """Return a square in the colour of a class, as Markdown."""
    return f':color[■]{{foreground="{palette.to_hex(class_id)}"}}'


def _format_heading(title: str, is_trained: bool) -> str:
    # With non-breaking hyphens, names break only between words on a phone.
    name = escape_markdown(title.replace("-", "\u2011"))
    return f"{name} :orange[:material/school:]" if is_trained else name
