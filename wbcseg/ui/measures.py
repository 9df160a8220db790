"""The figures of the cells in the picture that is shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import streamlit as st

from wbcseg.analysis import outcome_of_field
from wbcseg.export import Finding
from wbcseg.measurement import MEASURES, CellMeasures
from wbcseg.metrics import REGIONS, score
from wbcseg.prediction import ModelEntry, is_field
from wbcseg.ui import store
from wbcseg.ui.cell_table import rows_of, table_html
from wbcseg.ui.closer import show_large
from wbcseg.ui.looking import Look
from wbcseg.ui.table import show_table
from wbcseg.ui.take_away import ask_scale, figure_text, offer_files, titled
from wbcseg.ui.words import as_text, mask_name

SHOWN: Final = (
    *("nucleus_area", "cytoplasm_area", "cell_area", "nucleus_to_cell", "nucleus_to_cytoplasm"),
    *("cell_perimeter", "cell_circularity", "nucleus_solidity", "nucleus_eccentricity", "lobes", "touches_border"),
)
"""Figures that the page shows; the table to take away has all."""


def show_measures(picture: store.Shown, look: Look, entries: Mapping[str, ModelEntry]) -> None:
    """Show the figures of a crop's main cell, by the expert's mask and by every model, or of all cells of a field.

    Args:
        picture: The picture.
        look: What the models make of it.
        entries: The models by name.
    """
    if not look.results:
        return
    is_large = is_field(picture.sample.image)
    title = "Figures of the cells" if is_large else "Figures of the cell"
    st.subheader(title, help=None if is_large else "Of the main cell: other pieces do not count.")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        micrometres = ask_scale()
        name = _choose_model(entries) if is_large else ""
        careful = bool(st.session_state.get("careful"))
        offer_files(lambda: _scored(picture, look), entries, micrometres, careful=careful)
    if is_large:
        _show_field(picture, look, name, micrometres)
    else:
        _show_crop(picture, look, entries, micrometres)


def _choose_model(entries: Mapping[str, ModelEntry]) -> str:
    names = list(entries)
    return st.selectbox("Cells found by", names, format_func=lambda name: entries[name].title, width=260)


def _show_crop(picture: store.Shown, look: Look, entries: Mapping[str, ModelEntry], micrometres: float | None) -> None:
    sample = picture.sample
    columns: dict[str, CellMeasures | None] = {}
    if sample.mask is not None:
        columns[mask_name(sample.id)] = store.expert_measures(picture.digest, sample.image, sample.mask)
    columns |= {entries[name].title: cells[0].measures for name, cells in look.findings.items()}
    rows = [
        [titled(name, micrometres), *(figure_text(name, found, micrometres) for found in columns.values())]
        for name in SHOWN
    ]
    show_table(["", *map(as_text, columns)], rows, "Figures of the cell")
    with st.popover("How are these defined?", icon=":material/help:", type="tertiary"):
        st.markdown("\n\n".join(f"**{MEASURES[name].title}** {as_text(MEASURES[name].meaning)}" for name in SHOWN))


def _show_field(picture: store.Shown, look: Look, name: str, micrometres: float | None) -> None:
    cells = look.findings.get(name, ())
    if not cells:
        st.markdown("No white cell was found.")
        return
    field = outcome_of_field(cells[0].name, picture.sample.image, look.results[name].labels, cells)
    rows = rows_of([field])
    show_large(rows[0])
    st.html(table_html(rows[1:], rows, micrometres, "Cells of the field of view"))


def _scored(picture: store.Shown, look: Look) -> Sequence[Finding]:
    """Return all cells; those of a crop with their Dice, where there is an expert's mask."""
    mask = picture.sample.mask
    found = []
    for name, cells in look.findings.items():
        whole = {} if mask is None or is_field(mask) else score(mask, look.results[name].labels).dice
        for one in cells:
            found.append(replace(one, scores={region: whole[region] for region in REGIONS if region in whole}))
    return found
