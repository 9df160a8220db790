"""Figures of cells in words, and the files that can be taken away."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from typing import Final

import streamlit as st

from wbcseg.export import build_feature_rows, build_results_zip, encode_csv
from wbcseg.features import FEATURES, CellFeatures
from wbcseg.inference import ModelEntry
from wbcseg.results import Results, group_by_image

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


PLAUSIBLE_DIAMETER: Final = (4.0, 40.0)
"""Least and greatest diameter of a white cell in µm, with a wide margin, beyond which a scale is doubted."""

_PIXEL_SIZE_KEY: Final = "scale_now"


class _PixelSizeHolder:
    """The scale that a reader gave last, in this visit.

    A file to take away is made when its button is clicked, by what an earlier run of the page left behind: that asks
    here.
    """

    value: float | None = None


def select_pixel_size(*, is_upload: bool = True, in_address: bool = True) -> float | None:
    """Ask for the side of a pixel in µm. Return it, or ``None`` where it is not known.

    Args:
        is_upload: Whether it is of the reader's own pictures, which share a microscope and a camera, on all pages.
        in_address: Whether the address says it. A button of a page where it does cannot lead to another page.
    """
    key = "micrometres" if in_address else "micrometres_here"
    source_changed = st.session_state.get("scale_is_own", is_upload) != is_upload
    st.session_state["scale_is_own"] = is_upload
    # Streamlit forgets it on the way to another page.
    if (key in st.session_state and source_changed) or (key not in st.session_state and key not in st.query_params):
        st.session_state[key] = st.session_state.get("kept_micrometres") if is_upload else None
    value = st.number_input(
        "Micrometres a pixel",
        min_value=0.001,
        max_value=100.0,
        value=None,
        step=0.01,
        format="%.4g",
        placeholder="not known",
        key=key,
        bind="query-params" if in_address else None,
        width=190,
        help="Your microscope and camera decide it. Without it, figures are in pixels.",
        on_change=_save_pixel_size,
        args=(key,),
    )
    if is_upload:
        st.session_state["kept_micrometres"] = value
    _get_pixel_size_holder().value = None if value is None else float(value)
    return _get_pixel_size_holder().value


def warn_implausible_pixel_size(all_features: Iterable[CellFeatures | None], pixel_size: float | None) -> None:
    """Say so where a scale makes cells smaller or larger than white blood cells are.

    Args:
        all_features: The figures of each cell; ``None`` where none was found.
        pixel_size: Side of a pixel in µm, or ``None``.
    """
    areas = [features.values["cell_area"] for features in all_features if features]
    if pixel_size is None or not areas:
        return
    diameter = 2.0 * math.sqrt(statistics.median(areas) / math.pi) * pixel_size
    if not PLAUSIBLE_DIAMETER[0] <= diameter <= PLAUSIBLE_DIAMETER[1]:
        st.warning(
            f"With {pixel_size:g} µm a pixel, cells would be {diameter:.3g} µm wide; white blood cells have 6 to 25 µm. "
            "Check the scale.",
            icon=":material/straighten:",
        )


def _save_pixel_size(key: str) -> None:
    value = st.session_state.get(key)
    _get_pixel_size_holder().value = None if value is None else float(value)


def _get_pixel_size_holder() -> _PixelSizeHolder:
    holder: _PixelSizeHolder = st.session_state.setdefault(_PIXEL_SIZE_KEY, _PixelSizeHolder())
    return holder


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
    holder = _get_pixel_size_holder()

    def build_report(results: Results, pixel_size: float | None) -> bytes:
        with reading_context():
            return _build_report(results, _list_settings(results, entries, tta, page, second_entry), pixel_size)

    def build_zip() -> bytes:
        results, pixel_size = get_results(), holder.value
        with reading_context():
            return build_results_zip(results, pixel_size=pixel_size, report=build_report(results, pixel_size))

    st.download_button(
        "Figures (CSV)",
        lambda: encode_csv(build_feature_rows(get_results(), pixel_size=holder.value)),
        "figures.csv",
        "text/csv",
        icon=":material/table:",
        on_click="ignore",
    )
    st.download_button(
        "Report (PDF)",
        lambda: build_report(get_results(), holder.value),
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
    version_text = f", file {card.files['model'].sha256[:8]}, of {card.created[:10]}" if card else ""
    return f"{entry.name}: {entry.title}{version_text}"


def _build_report(results: Results, settings: Sequence[tuple[str, str]], pixel_size: float | None) -> bytes:
    # Here and not above: it needs a library that no other page does.
    from wbcseg.export.pdf import build_pdf_report

    return build_pdf_report(results, date=datetime.now(UTC), settings=settings, pixel_size=pixel_size)
