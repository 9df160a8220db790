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
from wbcseg.ui.formatting import (
    escape_markdown,
    format_dataset_name,
    format_percent,
    format_size,
    get_local_id,
    get_mask_title,
)
from wbcseg.ui.glossary import GLOSSARY
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


def select_models(catalog: Catalog, dataset_name: str | None) -> list[ModelEntry]:
    """Ask which of the models that can be used are to be shown.

    Args:
        catalog: All of them.
        dataset_name: What the picture is of, or ``None`` for a reader's own. Where other models suit, they are chosen apart.
    """
    usable_entries = {entry.name: entry for entry in reversed(catalog.usable)}  # of two with one name, the first counts
    if not usable_entries:
        return []
    names = list(reversed(usable_entries))
    default_names = list(dict.fromkeys(entry.name for entry in catalog.select_defaults_for(dataset_name)))
    is_special = any(not card.two_stage for name in default_names if (card := usable_entries[name].card))
    chosen = st.pills(
        "Models",
        names,
        selection_mode="multi",
        default=default_names,
        key="models" if is_special else "general_models",
        bind="query-params",
        help=GLOSSARY["Model"],
    )
    return [usable_entries[name] for name in names if name in chosen]


def select_tta() -> bool:
    """Ask whether models look carefully."""
    return st.toggle("Test-time averaging", key="tta", bind="query-params", help=GLOSSARY["Test-time averaging"])


def show_image_caption(loaded_image: cache.LoadedImage) -> None:
    """Show what is known of a picture in one line."""
    sample = loaded_image.sample
    dataset_name, _, _ = sample.id.partition("/")
    parts = (
        [io.format_display_name(loaded_image.filename)]
        if loaded_image.is_upload
        else [f"{format_dataset_name(dataset_name)}, {get_local_id(sample.id)}"]
    )
    if sample.cell_type is not None:
        parts.append(sample.cell_type)
    parts.append(f"{format_size(sample.size)} pixels")
    st.markdown(" · ".join(escape_markdown(part) for part in parts), width="content")


def show_legend(palette_name: str) -> None:
    """Show which colour is which class."""
    palette = PALETTES[palette_name]
    st.markdown(
        "\u2003".join(
            f"{format_swatch(palette, pixel_class.id)} {pixel_class.name.capitalize()}"
            for pixel_class in reversed(CLASSES)
        ),
        width="content",
    )


def show_sample(loaded_image: cache.LoadedImage, palette_name: str) -> None:
    """Show a picture of a data set, its mask, both together, and how much each class takes."""
    mask = loaded_image.sample.mask
    with st.grid(2, min_column_width=150) as grid:
        with grid.cell():
            show_panel(
                "Picture", cache.render_png(loaded_image, cache.OverlayStyle()), "The picture as it was photographed"
            )
        if mask is None:
            return
        with grid.cell():
            mask_title = get_mask_title(loaded_image.sample.id)
            show_panel(
                mask_title,
                cache.render_png(loaded_image, cache.OverlayStyle("colours", 1, palette_name), mask),
                _format_alt(mask_title, mask),
                GLOSSARY[mask_title],
            )
        with grid.cell():
            show_panel(
                "Overlay",
                cache.render_png(loaded_image, cache.OverlayStyle("overlay", 0.4, palette_name), mask),
                _format_alt("Overlay", mask),
            )
        with grid.cell():
            st.markdown("**Share of each class**")
            show_class_fractions(mask, palette_name)


def show_example(dataset_name: str, sample_id: str) -> None:
    """Show a sample picture beside the same picture with its classes marked."""
    left, right = st.columns(2, gap="small", wrap=False)
    with st.skeleton(height=MIN_PANEL_WIDTH):
        loaded_image = cache.load_image(dataset_name, sample_id)
    mask = loaded_image.sample.mask
    show_png(
        cache.render_png(loaded_image, cache.OverlayStyle()), "A drawn white blood cell among red cells", container=left
    )
    annotated = cache.render_png(loaded_image, cache.OverlayStyle("overlay", 0.5), mask)
    show_png(annotated, "The same cell, its nucleus marked blue and its cytoplasm green", container=right)


def show_panel(heading: str, png: bytes, alt: str, help_text: str | None = None) -> None:
    """Show one picture under its heading."""
    with st.container(gap="xsmall"):
        st.markdown(f"**{escape_markdown(heading)}**", help=help_text)
        show_png(png, alt)


def _format_alt(heading: str, labels: Labels) -> str:
    fractions = compute_class_fractions(labels)
    return f"{heading}: nucleus {format_percent(fractions['nucleus'])}, cytoplasm {format_percent(fractions['cytoplasm'])} of the picture"
