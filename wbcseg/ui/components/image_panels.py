"""A picture and its mask as still panels, and the choices that pages share."""

from __future__ import annotations

from typing import Final, Literal

import streamlit as st

from wbcseg import io
from wbcseg.inference import Catalog, ModelEntry
from wbcseg.labels import CLASSES, PALETTES, Labels
from wbcseg.ui import cache
from wbcseg.ui.components.image import show_png
from wbcseg.ui.components.score_tables import shares_list, swatch
from wbcseg.ui.text import GLOSSARY, as_text, mask_name, percent, short_title, size_text, stem
from wbcseg.visualization import class_shares

PANEL_WIDTH: Final = 165
"""Narrowest panel in pixels: two fit beside each other on a phone."""


def choose_palette(label_visibility: Literal["visible", "collapsed"] = "visible") -> str:
    """Ask for the colours of the classes. Return a key of :data:`wbcseg.labels.PALETTES`."""
    titles = {palette.title: name for name, palette in PALETTES.items()}
    title = st.segmented_control(
        "Colours",
        list(titles),
        default=next(iter(titles)),
        required=True,
        key="palette",
        label_visibility=label_visibility,
        bind="query-params",
        help="Those of the thesis (red, green, blue), or ones that can be told apart with every common kind of colour "
        "blindness.",
    )
    return titles[title]


def choose_models(models: Catalog, dataset: str | None) -> list[ModelEntry]:
    """Ask which of the models that can be used are to be shown.

    Args:
        models: All of them.
        dataset: What the picture is of, or ``None`` for a reader's own. Where other models suit, they are chosen apart.
    """
    usable = {entry.name: entry for entry in reversed(models.usable)}  # of two with one name, the first counts
    if not usable:
        return []
    names = list(reversed(usable))
    suited = list(dict.fromkeys(entry.name for entry in models.suited(dataset)))
    is_special = any(not card.framed for name in suited if (card := usable[name].card))
    chosen = st.pills(
        "Models",
        names,
        selection_mode="multi",
        default=suited,
        key="models" if is_special else "general_models",
        bind="query-params",
        help=GLOSSARY["Model"],
    )
    return [usable[name] for name in names if name in chosen]


def choose_care() -> bool:
    """Ask whether models look carefully."""
    return st.toggle("Careful", key="careful", bind="query-params", help=GLOSSARY["Careful"])


def describe(picture: cache.Shown) -> None:
    """Show what is known of a picture in one line."""
    sample = picture.sample
    name, _, _ = sample.id.partition("/")
    parts = [io.shown(picture.name)] if picture.own else [f"{short_title(name)}, {stem(sample.id)}"]
    if sample.cell_type is not None:
        parts.append(sample.cell_type)
    parts.append(f"{size_text(sample.size)} pixels")
    st.markdown(" · ".join(as_text(part) for part in parts), width="content")


def legend(palette_name: str) -> None:
    """Show which colour is which class."""
    palette = PALETTES[palette_name]
    st.markdown(
        "\u2003".join(f"{swatch(palette, kind.id)} {kind.name.capitalize()}" for kind in reversed(CLASSES)),
        width="content",
    )


def show_sample(picture: cache.Shown, palette: str) -> None:
    """Show a picture of a data set, its mask, both together, and how much each class takes."""
    mask = picture.sample.mask
    with st.grid(2, min_column_width=150) as grid:
        with grid.cell():
            panel("Picture", cache.drawn(picture, cache.View()), "The picture as it was photographed")
        if mask is None:
            return
        with grid.cell():
            name = mask_name(picture.sample.id)
            panel(name, cache.drawn(picture, cache.View("colours", 1, palette), mask), _alt(name, mask), GLOSSARY[name])
        with grid.cell():
            panel("Overlay", cache.drawn(picture, cache.View("overlay", 0.4, palette), mask), _alt("Overlay", mask))
        with grid.cell():
            st.markdown("**Share of each class**")
            shares_list(mask, palette)


def example(name: str, sample_id: str) -> None:
    """Show a sample picture beside the same picture with its classes marked."""
    left, right = st.columns(2, gap="small", wrap=False)
    with st.skeleton(height=PANEL_WIDTH):
        picture = cache.shown(name, sample_id)
    mask = picture.sample.mask
    show_png(cache.drawn(picture, cache.View()), "A drawn white blood cell among red cells", where=left)
    marked = cache.drawn(picture, cache.View("overlay", 0.5), mask)
    show_png(marked, "The same cell, its nucleus marked blue and its cytoplasm green", where=right)


def panel(heading: str, png: bytes, alt: str, help_text: str | None = None) -> None:
    """Show one picture under its heading."""
    with st.container(gap="xsmall"):
        st.markdown(f"**{as_text(heading)}**", help=help_text)
        show_png(png, alt)


def _alt(heading: str, classes: Labels) -> str:
    shares = class_shares(classes)
    return f"{heading}: nucleus {percent(shares['nucleus'])}, cytoplasm {percent(shares['cytoplasm'])} of the picture"
