"""Static panels of an image and its mask, and the choices that several pages share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import streamlit as st

from wbcseg import io
from wbcseg.datasets.sample import MarkedCell
from wbcseg.inference import Catalog, ModelEntry
from wbcseg.labels import CLASSES, PALETTES, Labels
from wbcseg.ui import cache
from wbcseg.ui.components.image import show_png
from wbcseg.ui.components.score_tables import format_swatch, show_class_fractions
from wbcseg.ui.components.table import show_table
from wbcseg.ui.formatting import (
    escape_markdown,
    format_alt,
    format_dataset_name,
    format_size,
    get_local_id,
    get_mask_title,
)
from wbcseg.ui.glossary import GLOSSARY
from wbcseg.visualization import MAX_DISPLAY_WIDTH, colorize, draw_box, overlay, resize_for_display, shrink_to_fit

MIN_PANEL_SIDE: Final = 480
"""Small images are enlarged to at least this many pixels, so that the browser does not blur them."""

MIN_PANEL_WIDTH: Final = 165
"""Minimum width of a panel in pixels: two fit side by side on a phone."""

FAST: Final = "fast"
AVERAGED: Final = "averaged"
SPEED_LABELS: Final = {FAST: "Fast", AVERAGED: "Slightly more accurate, about 8× slower"}
"""Labels of the choice between a single pass and test-time averaging."""


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


def select_models(catalog: Catalog) -> list[ModelEntry]:
    """Ask which of the usable models to show; the recommended one comes first and is selected at first.

    Args:
        catalog: All models.
    """
    recommended = catalog.default_model
    if recommended is None:
        return []
    usable_entries = {recommended.name: recommended} | {entry.name: entry for entry in catalog.usable}
    names_by_title = {entry.title: name for name, entry in usable_entries.items()}
    _adopt_old_link("general_models", "models", names_by_title, is_multiple=True)
    chosen = st.pills(
        "Models",
        usable_entries,
        selection_mode="multi",
        default=[recommended.name],
        format_func=lambda name: usable_entries[name].title,
        wrap=True,
        key="models",
        bind="query-params",
        help=GLOSSARY["Model"],
    )
    reason = "trained on several laboratories" if recommended.card.two_stage else "the first of the usable models"
    st.caption(f"Recommended: {escape_markdown(recommended.title)}, {reason}. Add others to compare.")
    return [entry for name, entry in usable_entries.items() if name in chosen]


def select_speed() -> bool:
    """Ask whether to be fast or slightly more accurate. Return whether to use test-time averaging."""
    _adopt_old_link("tta", "speed", {"true": AVERAGED})
    choice = st.segmented_control(
        "Speed",
        [FAST, AVERAGED],
        default=FAST,
        required=True,
        format_func=SPEED_LABELS.__getitem__,
        key="speed",
        bind="query-params",
        help=f"The slower choice uses test-time averaging. {GLOSSARY['Test-time averaging']}",
    )
    return choice == AVERAGED


def select_refinement(catalog: Catalog, entries: Sequence[ModelEntry]) -> tuple[Catalog, list[ModelEntry]]:
    """Ask whether a conditional random field follows the models. Return the catalog and the models as chosen.

    Args:
        catalog: All models.
        entries: The selected ones.
    """
    if not st.toggle(
        "CRF refinement", key="crf", bind="query-params", help=GLOSSARY["Conditional random field"] + " Off by default."
    ):
        return catalog, list(entries)
    refined = catalog.with_crf()
    return refined, [refined.get(entry.name) for entry in entries]


def _adopt_old_link(old_key: str, key: str, values: Mapping[str, str], *, is_multiple: bool = False) -> None:
    """Let a link that was made when a query parameter had another name set the one of today.

    Args:
        old_key: The name that it had.
        key: The name that it has, and the key of its widget.
        values: The widget's values by those of the old parameter.
        is_multiple: Whether the widget has several values.
    """
    if old_key not in st.query_params:
        return
    adopted = [values[value] for value in st.query_params.get_all(old_key) if value in values]
    del st.query_params[old_key]
    if adopted and key not in st.query_params and key not in st.session_state:
        st.session_state[key] = adopted if is_multiple else adopted[0]


def show_image_caption(loaded_image: cache.LoadedImage) -> None:
    """Show an image's name, cell type and size in one line; below it, what an example shows and who made it."""
    sample = loaded_image.sample
    dataset_name, _, _ = sample.id.partition("/")
    parts = (
        [io.format_display_name(loaded_image.filename)]
        if loaded_image.is_upload
        else [f"{format_dataset_name(dataset_name)}, {get_local_id(sample.id)}"]
    )
    # The captions of examples say it.
    if sample.cell_type is not None and not sample.caption:
        parts.append(sample.cell_type)
    parts.append(f"{format_size(sample.size)} pixels")
    st.markdown(" · ".join(escape_markdown(part) for part in parts), width="content")
    if sample.caption:
        st.caption(f"{escape_markdown(sample.caption)} {escape_markdown(sample.source)}.")


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
    mask, cells = loaded_image.sample.mask, loaded_image.sample.cells
    # An image alone has the whole width.
    with st.grid(1 if mask is None and not cells else 2, min_column_width=150) as grid:
        with grid.cell():
            show_panel("Image", render_png(loaded_image, OverlayStyle()), "The original image")
        if mask is None:
            for cell in cells:
                with grid.cell():
                    _show_marked_cell(loaded_image, cell)
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


def _show_marked_cell(loaded_image: cache.LoadedImage, cell: MarkedCell) -> None:
    """Show the box of a cell and what its data set says of it."""
    marked = draw_box(loaded_image.sample.image, cell.box)
    png = io.encode_png(resize_for_display(marked, MIN_PANEL_SIDE))
    show_panel("Box", png, f"The image with a box around the {cell.cell_type or 'cell'}")
    stated = {"type": cell.cell_type or "", "subtype": cell.subtype or "", **cell.attributes}
    rows = [(name.replace("_", " ").capitalize(), value) for name, value in stated.items() if value]
    show_table(["Attribute", "Value"], [[escape_markdown(text) for text in row] for row in rows], "Attributes")


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
