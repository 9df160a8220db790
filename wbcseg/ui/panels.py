"""One picture beside the expert's mask and what each model makes of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

import streamlit as st

from wbcseg import images
from wbcseg.classes import CLASSES, PALETTES, Labels
from wbcseg.drawing import class_shares
from wbcseg.errors import WbcsegError
from wbcseg.prediction import Catalog, ModelEntry
from wbcseg.ui import store
from wbcseg.ui.picture import show_png
from wbcseg.ui.scores import shares_list, swatch
from wbcseg.ui.words import GLOSSARY, as_text, mask_name, percent, short_title, size_text, stem

STYLES: Final = {"Overlay": "overlay", "Colours": "colours", "Outlines": "outlines"}
PANEL_WIDTH: Final = 165
"""Narrowest panel in pixels: two fit beside each other on a phone."""

MOST_AT_FIRST: Final = 3
"""Models that are shown unasked where none was shipped."""

MOST_PANELS: Final = 6
"""Panels beside each other on a wide screen."""


def choose_view() -> store.View:
    """Ask how the classes are to be shown."""
    style = st.segmented_control(
        "Show as",
        list(STYLES),
        default="Overlay",
        required=True,
        key="view",
        bind="query-params",
        help=f"**Overlay** {GLOSSARY['Overlay']}\n\n**Colours** Every pixel in the colour of its class.\n\n"
        "**Outlines** The borders of nucleus and cell on the picture.",
    )
    opacity = st.slider(
        "Strength of the overlay",
        0,
        100,
        40,
        5,
        format="%d %%",
        key="opacity",
        bind="query-params",
        disabled=style != "Overlay",
        width=200,
        help="0 % shows the picture alone, 100 % the colours alone.",
    )
    return store.View(STYLES[style], opacity / 100, choose_palette())


def choose_palette(label_visibility: Literal["visible", "collapsed"] = "visible") -> str:
    """Ask for the colours of the classes. Return a key of :data:`wbcseg.classes.PALETTES`."""
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


def choose_models(models: Catalog) -> list[ModelEntry]:
    """Ask which of the models that can be used are to be shown."""
    usable = {entry.name: entry for entry in reversed(models.usable)}  # of two with one name, the first counts
    if not usable:
        return []
    names = list(reversed(usable))
    chosen = st.pills(
        "Models",
        names,
        selection_mode="multi",
        default=[name for name in names if usable[name].shipped] or names[:MOST_AT_FIRST],
        key="models",
        bind="query-params",
        help=GLOSSARY["Model"],
    )
    return [usable[name] for name in names if name in chosen]


def choose_care() -> bool:
    """Ask whether models look carefully."""
    return st.toggle("Careful", key="careful", bind="query-params", help=GLOSSARY["Careful"])


def describe(picture: store.Shown) -> None:
    """Show what is known of a picture in one line."""
    sample = picture.sample
    name, _, _ = sample.id.partition("/")
    parts = [images.shown(picture.name)] if picture.own else [f"{short_title(name)}, {stem(sample.id)}"]
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


def show_panels(
    picture: store.Shown, view: store.View, entries: Sequence[ModelEntry], models: Catalog
) -> dict[str, Labels]:
    """Show the picture, the expert's mask where there is one, and every model's segmentation.

    Returns:
        The class ids of each model that could be used, by its title, in order.
    """
    mask = picture.sample.mask
    results: dict[str, Labels] = {}
    count = 1 + (mask is not None) + len(entries)
    grid = st.grid(min(count, MOST_PANELS), min_column_width=PANEL_WIDTH, gap=("medium", "small"))
    with grid.cell():
        panel("Picture", store.drawn(picture, view), "The picture as it was photographed")
    if mask is not None:
        with grid.cell():
            name = mask_name(picture.sample.id)
            panel(name, store.drawn(picture, view, mask), _alt(name, mask), GLOSSARY[name])
    for entry in entries:
        with grid.cell():
            classes = _model_panel(picture, view, entry, models)
        if classes is not None:
            results[entry.title] = classes
    return results


def show_sample(picture: store.Shown, palette: str) -> None:
    """Show a picture of a data set, its mask, both together, and how much each class takes."""
    mask = picture.sample.mask
    with st.grid(2, min_column_width=150) as grid:
        with grid.cell():
            panel("Picture", store.drawn(picture, store.View()), "The picture as it was photographed")
        if mask is None:
            return
        with grid.cell():
            name = mask_name(picture.sample.id)
            panel(name, store.drawn(picture, store.View("colours", 1, palette), mask), _alt(name, mask), GLOSSARY[name])
        with grid.cell():
            panel("Overlay", store.drawn(picture, store.View("overlay", 0.4, palette), mask), _alt("Overlay", mask))
        with grid.cell():
            st.markdown("**Share of each class**")
            shares_list(mask, palette)


def example(name: str, sample_id: str) -> None:
    """Show a sample picture beside the same picture with its classes marked."""
    left, right = st.columns(2, gap="small", wrap=False)
    with st.skeleton(height=PANEL_WIDTH):
        picture = store.shown(name, sample_id)
    mask = picture.sample.mask
    show_png(store.drawn(picture, store.View()), "A drawn white blood cell among red cells", where=left)
    marked = store.drawn(picture, store.View("overlay", 0.5), mask)
    show_png(marked, "The same cell, its nucleus marked blue and its cytoplasm green", where=right)


def panel(heading: str, png: bytes, alt: str, help_text: str | None = None) -> None:
    """Show one picture under its heading."""
    with st.container(gap="xsmall"):
        st.markdown(f"**{as_text(heading)}**", help=help_text)
        show_png(png, alt)


def _model_panel(picture: store.Shown, view: store.View, entry: ModelEntry, models: Catalog) -> Labels | None:
    heading = entry.title
    try:
        with st.spinner(f"{as_text(heading)} is looking…"):
            classes = store.labels(picture, entry.name, models)
    except WbcsegError as problem:
        st.markdown(f"**{as_text(heading)}**")
        st.warning(as_text(str(problem)), icon=":material/error:")
        return None
    panel(heading, store.drawn(picture, view, classes), _alt(heading, classes))
    with st.container(gap=None):
        if not picture.own and entry.card is not None:
            _training_mark(entry.card.saw(picture.sample.id))
        st.download_button(
            "Save mask",
            data=lambda: store.mask_file(classes),
            file_name=f"{_file_stem(picture)}-{entry.name}.png",
            mime="image/png",
            icon=":material/download:",
            type="tertiary",
            key=f"save_{entry.name}",
            on_click="ignore",
            help="A PNG of the picture's size in the grey codes 0 (background), 128 (cytoplasm) and 255 (nucleus).",
        )
    return classes


def _file_stem(picture: store.Shown) -> str:
    return images.safe_stem(picture.name if picture.own else stem(picture.sample.id), set())


def _training_mark(trained: bool) -> None:
    """Say whether a model has learned from the cell: in words and with a sign, not by colour alone."""
    if trained:
        st.markdown(
            ":orange-badge[:material/school: Trained on this cell]",
            help="This model was trained on this picture, or on another one of the same cell: its score here flatters "
            "it.",
        )
    else:
        st.markdown(":gray-badge[:material/visibility_off: Not in its training]", help=GLOSSARY["Trained on"])


def _alt(heading: str, classes: Labels) -> str:
    shares = class_shares(classes)
    return f"{heading}: nucleus {percent(shares['nucleus'])}, cytoplasm {percent(shares['cytoplasm'])} of the picture"
