"""Static panels of an image and its mask, and the choices that several pages share."""

from __future__ import annotations

from dataclasses import dataclass
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
    format_alt,
    format_dataset_name,
    format_size,
    get_local_id,
    get_mask_title,
)
from wbcseg.ui.glossary import GLOSSARY
from wbcseg.visualization import MAX_DISPLAY_WIDTH, colorize, overlay, resize_for_display, shrink_to_fit

MIN_PANEL_SIDE: Final = 480
"""Small images are enlarged to at least this many pixels, so that the browser does not blur them."""

MIN_PANEL_WIDTH: Final = 165
"""Minimum width of a panel in pixels: two fit side by side on a phone."""


@dataclass(frozen=True)
class OverlayStyle:
    """How the classes are drawn.

    Attributes:
        mode: ``"overlay"`` or ``"colours"``.
        opacity: Opacity of the overlay, 0 to 1.
        palette: A key of :data:`wbcseg.labels.PALETTES`.
    """

    mode: str = "overlay"
    opacity: float = 0.5
    palette: str = "thesis"


def select_palette(label_visibility: Literal["visible", "collapsed"] = "visible") -> str:
    """Ask for a palette. Return a key of :data:`wbcseg.labels.PALETTES`."""
    titles = {palette.title: name for name, palette in PALETTES.items()}
    title = st.segmented_control(
        "Colours",
        list(titles),
        default=next(iter(titles)),
        required=True,
        key="palette",
        label_visibility=label_visibility,
        bind="query-params",
        help="The colours of the thesis (red, green, blue), or colours that are distinguishable with all common types "
        "of colour blindness.",
    )
    return titles[title]


def select_models(catalog: Catalog, dataset_name: str | None) -> list[ModelEntry]:
    """Ask which of the usable models to show.

    Args:
        catalog: All models.
        dataset_name: The image's data set, or ``None`` for an upload. Images that suit different models have separate
            choices.
    """
    usable_entries = {entry.name: entry for entry in catalog.usable}
    if not usable_entries:
        return []
    default_names = [entry.name for entry in catalog.select_defaults_for(dataset_name)]
    is_special = any(not usable_entries[name].card.two_stage for name in default_names)
    chosen = st.pills(
        "Models",
        usable_entries,
        selection_mode="multi",
        default=default_names,
        format_func=lambda name: usable_entries[name].title,
        wrap=True,
        key="models" if is_special else "general_models",
        bind="query-params",
        help=GLOSSARY["Model"],
    )
    return [entry for name, entry in usable_entries.items() if name in chosen]


def select_tta() -> bool:
    """Ask whether to use test-time averaging."""
    return st.toggle("Test-time averaging", key="tta", bind="query-params", help=GLOSSARY["Test-time averaging"])


def show_image_caption(loaded_image: cache.LoadedImage) -> None:
    """Show an image's name, cell type and size in one line."""
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
    """Show the colour of each class."""
    palette = PALETTES[palette_name]
    st.markdown(
        "\u2003".join(
            f"{format_swatch(palette, pixel_class.id)} {pixel_class.name.capitalize()}"
            for pixel_class in reversed(CLASSES)
        ),
        width="content",
    )


def show_sample(loaded_image: cache.LoadedImage, palette_name: str) -> None:
    """Show an image of a data set, its mask, the overlay, and how much of the image each class covers."""
    mask = loaded_image.sample.mask
    with st.grid(2, min_column_width=150) as grid:
        with grid.cell():
            show_panel("Image", render_png(loaded_image, OverlayStyle()), "The original image")
        if mask is None:
            return
        with grid.cell():
            mask_title = get_mask_title(loaded_image.sample.id)
            show_panel(
                mask_title,
                render_png(loaded_image, OverlayStyle("colours", 1, palette_name), mask),
                format_alt(mask_title, mask),
                GLOSSARY[mask_title],
            )
        with grid.cell():
            show_panel(
                "Overlay",
                render_png(loaded_image, OverlayStyle("overlay", 0.4, palette_name), mask),
                format_alt("Overlay", mask),
            )
        with grid.cell():
            st.markdown("**Class fractions**")
            show_class_fractions(mask, palette_name)


def show_example(dataset_name: str, sample_id: str) -> None:
    """Show a sample image beside the same image with its overlay."""
    left, right = st.columns(2, gap="small", wrap=False)
    with st.skeleton(height=MIN_PANEL_WIDTH):
        loaded_image = cache.load_image(dataset_name, sample_id)
    mask = loaded_image.sample.mask
    show_png(
        render_png(loaded_image, OverlayStyle()),
        "A synthetic white blood cell among red blood cells",
        container=left,
    )
    annotated = render_png(loaded_image, OverlayStyle("overlay", 0.5), mask)
    show_png(annotated, "The same cell with its nucleus in blue and its cytoplasm in green", container=right)


def show_panel(heading: str, png: bytes, alt: str, help_text: str | None = None) -> None:
    """Show an image under its heading."""
    with st.container(gap="xsmall"):
        st.markdown(f"**{escape_markdown(heading)}**", help=help_text)
        show_png(png, alt)


def render_png(loaded_image: cache.LoadedImage, style: OverlayStyle, labels: Labels | None = None) -> bytes:
    """Draw an image with its classes as a PNG that is sharp at any screen size.

    Args:
        loaded_image: The image.
        style: How to draw the classes.
        labels: ``uint8[H, W]`` of class ids, or ``None`` for the image alone.
    """
    if labels is None:
        return _render(loaded_image, OverlayStyle(), "", None)
    return _render(loaded_image, style, cache.compute_digest(labels.tobytes()), labels)


@cache.cache_by_image("data", max_size="36MiB", max_session_entries=16)
def _render(
    loaded_image: cache.LoadedImage,
    style: OverlayStyle,
    labels_digest: str,  # noqa: ARG001 (part of the cache key)
    _labels: Labels | None,
) -> bytes:
    image = loaded_image.sample.image
    if _labels is None:
        return io.encode_png(resize_for_display(image, MIN_PANEL_SIDE))
    palette = PALETTES[style.palette]
    # Coloured first, enlarged afterwards: the same image in a tenth of the time.
    shrunk_image, shrunk_labels = shrink_to_fit(image, MAX_DISPLAY_WIDTH), shrink_to_fit(_labels, MAX_DISPLAY_WIDTH)
    is_opaque = style.mode == "colours"
    rendered = (
        colorize(shrunk_labels, palette) if is_opaque else overlay(shrunk_image, shrunk_labels, palette, style.opacity)
    )
    return io.encode_png(resize_for_display(rendered, MIN_PANEL_SIDE))
