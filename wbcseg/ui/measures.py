"""The figures of the cell that is shown, and what can be taken away."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import streamlit as st

from wbcseg.classes import Labels
from wbcseg.export import Finding, bundle, csv_bytes, figure_rows
from wbcseg.measurement import MEASURES, CellMeasures
from wbcseg.metrics import REGIONS, score
from wbcseg.prediction import ModelEntry
from wbcseg.prediction.segmenter import LARGEST_CROP
from wbcseg.prediction.tidying import tidied
from wbcseg.ui import store
from wbcseg.ui.table import show_table
from wbcseg.ui.words import as_text, mask_name

SHOWN = (
    *("nucleus_area", "cytoplasm_area", "cell_area", "nucleus_to_cell", "nucleus_to_cytoplasm"),
    *("cell_perimeter", "cell_circularity", "nucleus_solidity", "nucleus_eccentricity", "lobes", "touches_border"),
)
"""Figures that the page shows; the table to take away has all."""


def show_measures(picture: store.Shown, results: Mapping[str, Labels], entries: Mapping[str, ModelEntry]) -> None:
    """Show the figures of the main cell, by the expert's mask where there is one and by every model.

    Args:
        picture: The picture.
        results: Class ids by the model's name.
        entries: The models by name.
    """
    if not results or max(picture.sample.size) > LARGEST_CROP:
        return
    st.subheader("Figures of the cell", help="Of the main cell: other pieces do not count.")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        micrometres = _ask_scale()
        cells = {name: tidied(labels) for name, labels in results.items()}
        _offer(lambda: _findings(picture, results, cells), entries, micrometres)
    columns: dict[str, CellMeasures | None] = {}
    if picture.sample.mask is not None:
        columns[mask_name(picture.sample.id)] = store.measured(picture, tidied(picture.sample.mask))
    columns |= {entries[name].title: store.measured(picture, cell) for name, cell in cells.items()}
    rows = [
        [_titled(name, micrometres), *(_shown(name, found, micrometres) for found in columns.values())]
        for name in SHOWN
    ]
    show_table(["", *map(as_text, columns)], rows, "measures")
    with st.popover("How are these defined?", icon=":material/help:", type="tertiary"):
        st.markdown("\n\n".join(f"**{MEASURES[name].title}** {as_text(MEASURES[name].meaning)}" for name in SHOWN))


def _ask_scale() -> float | None:
    value = st.number_input(
        "Micrometres a pixel",
        min_value=0.001,
        max_value=100.0,
        value=None,
        step=0.01,
        format="%.4g",
        placeholder="not known",
        key="micrometres",
        bind="query-params",
        width=190,
        help="Your microscope and camera decide it. Without it, figures are in pixels.",
    )
    return None if value is None else float(value)


def _findings(picture: store.Shown, results: Mapping[str, Labels], cells: Mapping[str, Labels]) -> list[Finding]:
    sample = picture.sample
    found = []
    for name, labels in results.items():
        cell = cells[name]
        dice = {} if sample.mask is None else dict(score(sample.mask, labels).dice)
        found.append(
            Finding(
                picture.name or sample.id.replace("/", "-"),
                sample.image,
                cell,
                name,
                store.measured(picture, cell),
                scores={region: dice[region] for region in REGIONS if region in dice},
            )
        )
    return found


def _offer(findings: Callable[[], list[Finding]], entries: Mapping[str, ModelEntry], micrometres: float | None) -> None:
    st.download_button(
        "Figures (CSV)",
        lambda: csv_bytes(figure_rows(findings(), micrometres=micrometres)),
        "figures.csv",
        "text/csv",
        icon=":material/table:",
        on_click="ignore",
    )
    st.download_button(
        "Report (PDF)",
        lambda: _report(findings(), entries, micrometres),
        "report.pdf",
        "application/pdf",
        icon=":material/picture_as_pdf:",
        on_click="ignore",
    )
    st.download_button(
        "Everything (zip)",
        lambda: _bundle(findings(), entries, micrometres),
        "cells.zip",
        "application/zip",
        icon=":material/folder_zip:",
        on_click="ignore",
        help="Masks, overlays, outlines for QuPath (GeoJSON) and as COCO, all figures as CSV, the report.",
    )


def _bundle(findings: list[Finding], entries: Mapping[str, ModelEntry], micrometres: float | None) -> bytes:
    return bundle(findings, micrometres=micrometres, report=_report(findings, entries, micrometres))


def _report(findings: list[Finding], entries: Mapping[str, ModelEntry], micrometres: float | None) -> bytes:
    # Here and not above: it needs a library that no other page does.
    from wbcseg.export.report import pdf_report

    models = []
    for name in dict.fromkeys(finding.model for finding in findings):
        card = entries[name].card
        version = f", file {card.files['model'].sha256[:8]}, of {card.created[:10]}" if card else ""
        models.append(("Model", f"{name}: {entries[name].title}{version}"))
    settings = [*models, ("Prediction", "careful" if st.session_state.get("careful") else "one look")]
    return pdf_report(findings, when=datetime.now(UTC), settings=settings, micrometres=micrometres)


def _titled(name: str, micrometres: float | None) -> str:
    unit = "px" if micrometres is None else "µm"
    return f"{MEASURES[name].title}{ {0: '', 1: f' ({unit})', 2: f' ({unit}²)'}[MEASURES[name].power] }"


def _shown(name: str, found: CellMeasures | None, micrometres: float | None) -> str:
    value = found.scaled(micrometres)[name] if found else math.nan
    if math.isnan(value):
        return "–"
    if name == "touches_border":
        return "yes" if value else "no"
    one = MEASURES[name]
    digits = one.digits if micrometres is None or not one.power else 1
    return f"{value:,.{digits}f}".replace(",", "\u202f")
