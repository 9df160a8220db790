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
    *("cell_perimeter", "nucleus_perimeter", "cell_circularity", "nucleus_solidity", "nucleus_eccentricity", "lobes"),
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


def select_pixel_size(*, own: bool = True, in_address: bool = True) -> float | None:
    """Ask for the side of a pixel in µm. Return it, or ``None`` where it is not known.

    Args:
        own: Whether it is of the reader's own pictures, which share a microscope and a camera, on all pages.
        in_address: Whether the address says it. A button of a page where it does cannot lead to another page.
    """
    key = "micrometres" if in_address else "micrometres_here"
    others = st.session_state.get("scale_is_own", own) != own
    st.session_state["scale_is_own"] = own
    # Streamlit forgets it on the way to another page.
    if (key in st.session_state and others) or (key not in st.session_state and key not in st.query_params):
        st.session_state[key] = st.session_state.get("kept_micrometres") if own else None
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
    if own:
        st.session_state["kept_micrometres"] = value
    _get_pixel_size_holder().value = None if value is None else float(value)
    return _get_pixel_size_holder().value


def warn_implausible_pixel_size(cells: Iterable[CellFeatures | None], micrometres: float | None) -> None:
    """Say so where a scale makes cells smaller or larger than white blood cells are.

    Args:
        cells: The figures of each cell; ``None`` where none was found.
        micrometres: Side of a pixel in µm, or ``None``.
    """
    areas = [one.values["cell_area"] for one in cells if one]
    if micrometres is None or not areas:
        return
    across = 2.0 * math.sqrt(statistics.median(areas) / math.pi) * micrometres
    if not PLAUSIBLE_DIAMETER[0] <= across <= PLAUSIBLE_DIAMETER[1]:
        st.warning(
            f"With {micrometres:g} µm a pixel, cells would be {across:.3g} µm wide; white blood cells have 6 to 25 µm. "
            "Check the scale.",
            icon=":material/straighten:",
        )


def _save_pixel_size(key: str) -> None:
    value = st.session_state.get(key)
    _get_pixel_size_holder().value = None if value is None else float(value)


def _get_pixel_size_holder() -> _PixelSizeHolder:
    held: _PixelSizeHolder = st.session_state.setdefault(_PIXEL_SIZE_KEY, _PixelSizeHolder())
    return held


def show_download_buttons(
    found: Callable[[], Results],
    entries: Mapping[str, ModelEntry],
    *,
    careful: bool,
    page: int = 0,
    second: ModelEntry | None = None,
    reading: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> None:
    """Offer figures, report, and everything as downloads; each is made when it is asked for, in the scale given last.

    Args:
        found: Returns the pictures with what was found in them, or the cells alone.
        entries: The models by name.
        careful: Whether the models looked carefully.
        page: Which page of TIFF files with several was chosen, from 0.
        second: The model whose opinion was asked for as well, or ``None``.
        reading: Entered while pictures are read one by one.
    """
    scale = _get_pixel_size_holder()

    def report(cells: Results, micrometres: float | None) -> bytes:
        with reading():
            return _build_report(cells, _list_settings(cells, entries, careful, page, second), micrometres)

    def everything() -> bytes:
        cells, micrometres = found(), scale.value
        with reading():
            return build_results_zip(cells, micrometres=micrometres, report=report(cells, micrometres))

    st.download_button(
        "Figures (CSV)",
        lambda: encode_csv(build_feature_rows(found(), micrometres=scale.value)),
        "figures.csv",
        "text/csv",
        icon=":material/table:",
        on_click="ignore",
    )
    st.download_button(
        "Report (PDF)",
        lambda: report(found(), scale.value),
        "report.pdf",
        "application/pdf",
        icon=":material/picture_as_pdf:",
        on_click="ignore",
    )
    st.download_button(
        "Everything (zip)",
        everything,
        "cells.zip",
        "application/zip",
        icon=":material/folder_zip:",
        on_click="ignore",
        help="Masks, overlays, outlines for QuPath (GeoJSON) and as COCO, all figures as CSV, the report.",
    )


def format_feature_label(name: str, micrometres: float | None) -> str:
    """Return what a figure is called, with its unit."""
    unit = "px" if micrometres is None else "µm"
    return f"{FEATURES[name].title}{ {0: '', 1: f' ({unit})', 2: f' ({unit}²)'}[FEATURES[name].power] }"


def format_feature(name: str, found: CellFeatures | None, micrometres: float | None) -> str:
    """Write a figure of a cell; a dash where it is not defined."""
    value = found.to_units(micrometres)[name] if found else math.nan
    if math.isnan(value):
        return "–"
    if name == "touches_border":
        return "yes" if value else "no"
    one = FEATURES[name]
    digits = one.decimals if micrometres is None or not one.power else 1
    return f"{value:,.{digits}f}".replace(",", "\u202f")


def format_mean_colour(part: str, found: CellFeatures | None) -> str:
    """Write the mean colour of a part of a cell as a small square and its red, green and blue, in Markdown.

    Args:
        part: One of :data:`COLOURED_PARTS`.
        found: The figures of the cell, or ``None`` where there is none.

    Returns:
        A dash where the cell has no such part.
    """
    values = [found.values[f"{part}_{channel}"] if found else math.nan for channel in ("red", "green", "blue")]
    if any(map(math.isnan, values)):
        return "–"
    red, green, blue = (round(value) for value in values)
    # Blanks that do not vanish make a field of the colour behind them; the table draws its edge.
    return f':color[\u00a0\u00a0\u00a0\u00a0]{{background="#{red:02x}{green:02x}{blue:02x}"}} {red}, {green}, {blue}'


def build_feature_table(cells: Sequence[CellFeatures | None], micrometres: float | None) -> list[list[str]]:
    """Return the figures of cells as the rows of a table: a title, and what each cell has, in Markdown.

    Args:
        cells: The figures of each cell; ``None`` where none was found.
        micrometres: Side of a pixel in µm, or ``None``.
    """
    rows = [
        [format_feature_label(name, micrometres), *(format_feature(name, one, micrometres) for one in cells)]
        for name in DISPLAYED_FEATURES
    ]
    rows += [
        [f"{part.capitalize()}, mean colour (RGB)", *(format_mean_colour(part, one) for one in cells)]
        for part in COLOURED_PARTS
    ]
    last = "touches_border"
    return [
        *rows,
        [format_feature_label(last, micrometres), *(format_feature(last, one, micrometres) for one in cells)],
    ]


def _list_settings(
    found: Results, entries: Mapping[str, ModelEntry], careful: bool, page: int, second: ModelEntry | None
) -> list[tuple[str, str]]:
    """Return how the figures were got, as a report tells it."""
    names = dict.fromkeys(model for picture in group_by_image(found) for model in picture.models)
    told = [("Model", _describe_model(entries[name])) for name in names]
    told += [("Second opinion", _describe_model(second))] if second else []
    told.append(("Prediction", "careful" if careful else "one look"))
    return [*told, ("TIFF page", str(page + 1))] if page else told


def _describe_model(entry: ModelEntry) -> str:
    card = entry.card
    version = f", file {card.files['model'].sha256[:8]}, of {card.created[:10]}" if card else ""
    return f"{entry.name}: {entry.title}{version}"


def _build_report(found: Results, settings: Sequence[tuple[str, str]], micrometres: float | None) -> bytes:
    # Here and not above: it needs a library that no other page does.
    from wbcseg.export.pdf import build_pdf_report

    return build_pdf_report(found, when=datetime.now(UTC), settings=settings, micrometres=micrometres)
