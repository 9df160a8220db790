"""Figures of cells in words, and the files that can be taken away."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from typing import Final

import streamlit as st

from wbcseg.export import CELLS_FILE, build_cell_rows, build_results_zip, encode_csv
from wbcseg.features import FEATURES, CellFeatures
from wbcseg.inference import ModelEntry
from wbcseg.results import Results, group_by_image
from wbcseg.ui.components.pixel_size import CURRENT_PIXEL_SIZE
from wbcseg.ui.state import get_saved_choices

DISPLAYED_FEATURES: Final = (
    *("nucleus_area", "cytoplasm_area", "cell_area", "nucleus_to_cell", "nucleus_to_cytoplasm"),
    *(
        "cell_perimeter",
        "nucleus_perimeter",
        "cell_circularity",
        "nucleus_solidity",
        "nucleus_eccentricity",
        "nucleus_lobes",
    ),
)
"""Figures of a cell that the pages show, besides its colours and whether it is cut; the files to take away have all."""

COLOURED_PARTS: Final = ("nucleus", "cytoplasm")
"""Parts of a cell whose mean colour is measured."""


def show_download_buttons(
    get_results: Callable[[], Results],
    entries: Mapping[str, ModelEntry],
    *,
    tta: bool,
    page: int = 0,
    second_entry: ModelEntry | None = None,
    reading_context: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> None:
    """Offer figures, report, and everything as downloads; each is made when it is asked for, in the scale given last.

    Args:
        get_results: Returns the pictures with what was found in them, or the cells alone.
        entries: The models by name.
        tta: Whether the models looked carefully.
        page: Which page of TIFF files with several was chosen, from 0.
        second_entry: The model whose opinion was asked for as well, or ``None``.
        reading_context: Entered while pictures are read one by one.
    """
    choices = get_saved_choices()

    def build_report(results: Results, pixel_size: float | None) -> bytes:
        with reading_context():
            return _build_report(results, _list_settings(results, entries, tta, page, second_entry), pixel_size)

    def build_zip() -> bytes:
        results, pixel_size = get_results(), choices.get(CURRENT_PIXEL_SIZE)
        with reading_context():
            return build_results_zip(results, pixel_size=pixel_size, report=build_report(results, pixel_size))

    st.download_button(
        "Figures (CSV)",
        lambda: encode_csv(build_cell_rows(get_results(), pixel_size=choices.get(CURRENT_PIXEL_SIZE))),
        CELLS_FILE,
        "text/csv",
        icon=":material/table:",
        on_click="ignore",
    )
    st.download_button(
        "Report (PDF)",
        lambda: build_report(get_results(), choices.get(CURRENT_PIXEL_SIZE)),
        "report.pdf",
        "application/pdf",
        icon=":material/picture_as_pdf:",
        on_click="ignore",
    )
    st.download_button(
        "Everything (zip)",
        build_zip,
        "cells.zip",
        "application/zip",
        icon=":material/folder_zip:",
        on_click="ignore",
        help="Masks, overlays, outlines for QuPath (GeoJSON) and as COCO, all figures as CSV, the report.",
    )


def format_feature_label(name: str, pixel_size: float | None) -> str:
    """Return what a figure is called, with its unit."""
    unit = "px" if pixel_size is None else "µm"
    return f"{FEATURES[name].title}{ {0: '', 1: f' ({unit})', 2: f' ({unit}²)'}[FEATURES[name].power] }"


def format_feature(name: str, features: CellFeatures | None, pixel_size: float | None) -> str:
    """Write a figure of a cell; a dash where it is not defined."""
    value = features.to_units(pixel_size)[name] if features else math.nan
    if math.isnan(value):
        return "–"
    if name == "touches_edge":
        return "yes" if value else "no"
    spec = FEATURES[name]
    digits = spec.decimals if pixel_size is None or not spec.power else 1
    return f"{value:,.{digits}f}".replace(",", "\u202f")


def format_mean_colour(part: str, features: CellFeatures | None) -> str:
    """Write the mean colour of a part of a cell as a small square and its red, green and blue, in Markdown.

    Args:
        part: One of :data:`COLOURED_PARTS`.
        features: The figures of the cell, or ``None`` where there is none.

    Returns:
        A dash where the cell has no such part.
    """
    values = [features.values[f"{part}_{channel}"] if features else math.nan for channel in ("red", "green", "blue")]
    if any(map(math.isnan, values)):
        return "–"
    red, green, blue = (round(value) for value in values)
    # Blanks that do not vanish make a field of the colour behind them; the table draws its edge.
    return f':color[\u00a0\u00a0\u00a0\u00a0]{{background="#{red:02x}{green:02x}{blue:02x}"}} {red}, {green}, {blue}'


def build_feature_table(all_features: Sequence[CellFeatures | None], pixel_size: float | None) -> list[list[str]]:
    """Return the figures of cells as the rows of a table: a title, and what each cell has, in Markdown.

    Args:
        all_features: The figures of each cell; ``None`` where none was found.
        pixel_size: Side of a pixel in µm, or ``None``.
    """
    rows = [
        [
            format_feature_label(name, pixel_size),
            *(format_feature(name, features, pixel_size) for features in all_features),
        ]
        for name in DISPLAYED_FEATURES
    ]
    rows += [
        [f"{part.capitalize()}, mean colour (RGB)", *(format_mean_colour(part, features) for features in all_features)]
        for part in COLOURED_PARTS
    ]
    border_feature = "touches_edge"
    return [
        *rows,
        [
            format_feature_label(border_feature, pixel_size),
            *(format_feature(border_feature, features, pixel_size) for features in all_features),
        ],
    ]


def _list_settings(
    results: Results, entries: Mapping[str, ModelEntry], tta: bool, page: int, second_entry: ModelEntry | None
) -> list[tuple[str, str]]:
    """Return how the figures were got, as a report tells it."""
    model_names = dict.fromkeys(model for image in group_by_image(results) for model in image.models)
    settings = [("Model", _describe_model(entries[name])) for name in model_names]
    settings += [("Second opinion", _describe_model(second_entry))] if second_entry else []
    settings.append(("Prediction", "careful" if tta else "one look"))
    return [*settings, ("TIFF page", str(page + 1))] if page else settings


def _describe_model(entry: ModelEntry) -> str:
    card = entry.card
    return f"{entry.name}: {entry.title}, file {card.files['model'].sha256[:8]}, of {card.created[:10]}"


def _build_report(results: Results, settings: Sequence[tuple[str, str]], pixel_size: float | None) -> bytes:
    # Here and not above: it needs a library that no other page does.
    from wbcseg.export.pdf import build_pdf_report

    return build_pdf_report(results, date=datetime.now(UTC), settings=settings, pixel_size=pixel_size)
