"""A picture and its mask as still panels, and the choices that pages share."""

from __future__ import annotations

from typing import Final, Literal

import streamlit as st

from wbcseg import io
from wbcseg.inference import Catalog, ModelEntry
from wbcseg.labels import CLASSES, PALETTES, Labels
from wbcseg.ui import cache
from wbcseg.ui.components.image import show_png
from wbcseg.ui.components.score_tables import format_swatch, show_class_fractions
from wbcseg.ui.text import (
    GLOSSARY,
    escape_markdown,
    format_dataset_name,
    format_percent,
    format_size,
    get_local_id,
    get_mask_title,
)
from wbcseg.visualization import compute_class_fractions

MIN_PANEL_WIDTH: Final = 165
"""Narrowest panel in pixels: two fit beside each other on a phone."""


def select_palette(label_visibility: Literal["visible", "collapsed"] = "visible") -> str:
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


def select_models(models: Catalog, dataset: str | None) -> list[ModelEntry]:
    """Ask which of the models that can be used are to be shown.

    Args:
        models: All of them.
        dataset: What the picture is of, or ``None`` for a reader's own. Where other models suit, they are chosen apart.
    """
    usable = {entry.name: entry for entry in reversed(models.usable)}  # of two with one name, the first counts
    if not usable:
        return []
    names = list(reversed(usable))
    suited = list(dict.fromkeys(entry.name for entry in models.select_defaults_for(dataset)))
    is_special = any(not card.two_stage for name in suited if (card := usable[name].card))
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


def select_tta() -> bool:
    """Ask whether models look carefully."""
    return st.toggle("Careful", key="careful", bind="query-params", help=GLOSSARY["Careful"])


def show_image_caption(picture: cache.LoadedImage) -> None:
    """Show what is known of a picture in one line."""
    sample = picture.sample
    name, _, _ = sample.id.partition("/")
    parts = (
        [io.format_display_name(picture.filename)]
        if picture.is_upload
        else [f"{format_dataset_name(name)}, {get_local_id(sample.id)}"]
    )
    if sample.cell_type is not None:
        parts.append(sample.cell_type)
    parts.append(f"{format_size(sample.size)} pixels")
    st.markdown(" · ".join(escape_markdown(part) for part in parts), width="content")


def show_legend(palette_name: str) -> None:
    """Show which colour is which class."""
    palette = PALETTES[palette_name]
    st.markdown(
        "\u2003".join(f"{format_swatch(palette, kind.id)} {kind.name.capitalize()}" for kind in reversed(CLASSES)),
        width="content",
    )


def show_sample(picture: cache.LoadedImage, palette: str) -> None:
    """Show a picture of a data set, its mask, both together, and how much each class takes."""
    mask = picture.sample.mask
    with st.grid(2, min_column_width=150) as grid:
        with grid.cell():
            show_panel("Picture", cache.render_png(picture, cache.OverlayStyle()), "The picture as it was photographed")
        if mask is None:
            return
        with grid.cell():
            name = get_mask_title(picture.sample.id)
            show_panel(
                name,
                cache.render_png(picture, cache.OverlayStyle("colours", 1, palette), mask),
                _format_alt(name, mask),
                GLOSSARY[name],
            )
        with grid.cell():
            show_panel(
                "Overlay",
                cache.render_png(picture, cache.OverlayStyle("overlay", 0.4, palette), mask),
                _format_alt("Overlay", mask),
            )
        with grid.cell():
            st.markdown("**Share of each class**")
            show_class_fractions(mask, palette)


def show_example(name: str, sample_id: str) -> None:
    """Show a sample picture beside the same picture with its classes marked."""
    left, right = st.columns(2, gap="small", wrap=False)
    with st.skeleton(height=MIN_PANEL_WIDTH):
        picture = cache.load_image(name, sample_id)
    mask = picture.sample.mask
    show_png(cache.render_png(picture, cache.OverlayStyle()), "A drawn white blood cell among red cells", where=left)
    marked = cache.render_png(picture, cache.OverlayStyle("overlay", 0.5), mask)
    show_png(marked, "The same cell, its nucleus marked blue and its cytoplasm green", where=right)


def show_panel(heading: str, png: bytes, alt: str, help_text: str | None = None) -> None:
    """Show one picture under its heading."""
    with st.container(gap="xsmall"):
        st.markdown(f"**{escape_markdown(heading)}**", help=help_text)
        show_png(png, alt)


def _format_alt(heading: str, classes: Labels) -> str:
    shares = compute_class_fractions(classes)
    return f"{heading}: nucleus {format_percent(shares['nucleus'])}, cytoplasm {format_percent(shares['cytoplasm'])} of the picture"
