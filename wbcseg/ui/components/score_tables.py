"""Figures as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import streamlit as st

from wbcseg.labels import CLASSES, PALETTES, Labels, Palette
from wbcseg.metrics import score
from wbcseg.ui.components.table import show_table
from wbcseg.ui.text import GLOSSARY, escape_markdown, format_percent, format_score
from wbcseg.visualization import compute_class_fractions

REGION_ROWS: Final = {"Nucleus": "nucleus", "Cytoplasm": "cytoplasm", "Whole cell": "cell", "Background": "background"}


def show_score_tables(truth: Labels, results: Mapping[str, Labels], against: str, trained: Sequence[str] = ()) -> None:
    """Show Dice and Jaccard of each model's result against the true mask.

    Args:
        truth: The true mask, ``uint8[H, W]`` of class ids.
        results: Class ids of the same shape, by the model's title.
        against: What the true mask is called.
        trained: Titles of the models that were trained on this picture.
    """
    scores = {title: score(truth, classes) for title, classes in results.items()}
    with st.grid(2, min_column_width=330, gap="medium"):
        for name in ("Dice", "Jaccard"):
            with st.container():
                st.subheader(
                    f"{name} against the {against.lower()}", help=f"{GLOSSARY[name]}\n\n**n/a** {GLOSSARY['n/a']}"
                )
                columns = [getattr(one, name.lower()) for one in scores.values()]
                show_table(
                    ["", *(_format_heading(title, title in trained) for title in scores)],
                    [[row, *(format_score(column[key]) for column in columns)] for row, key in REGION_ROWS.items()],
                    name,
                    stacks=len(scores) > 3,
                )
    if trained:
        st.markdown(
            ":orange[:material/school:] Trained on this picture, or on another of the same cell: "
            f"{escape_markdown('; '.join(trained))}. A score here flatters such a model.",
            help=GLOSSARY["Trained on"],
        )


def show_class_fractions(classes: Labels, palette_name: str) -> None:
    """Show how much of a picture each class takes, in per cent and pixels, beside the class's colour."""
    palette = PALETTES[palette_name]
    shares = compute_class_fractions(classes)
    with st.container(gap="small"):
        for kind in reversed(CLASSES):
            share = shares[kind.name]
            pixels = f"{round(share * classes.size):,}".replace(",", "\u202f")
            name = f"{format_swatch(palette, kind.id)} {kind.name.capitalize()}"
            st.markdown(f"{name}  \n**{format_percent(share)}** · {pixels} pixels")


def format_swatch(palette: Palette, class_id: int) -> str:
    """Return a small square in the colour of a class, as Markdown."""
    return f':color[■]{{foreground="{palette.to_hex(class_id)}"}}'


def _format_heading(title: str, trained: bool) -> str:
    # A hyphen that does not break: on a phone, names break between their words only.
    name = escape_markdown(title.replace("-", "\u2011"))
    return f"{name} :orange[:material/school:]" if trained else name
