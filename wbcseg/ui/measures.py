"""The figures of the cell that is shown."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from wbcseg.classes import Labels
from wbcseg.export import Finding, held
from wbcseg.measurement import MEASURES, CellMeasures
from wbcseg.metrics import REGIONS, score
from wbcseg.prediction import ModelEntry, is_field
from wbcseg.prediction.tidying import tidied
from wbcseg.ui import store
from wbcseg.ui.choose import MEASURE
from wbcseg.ui.table import show_table
from wbcseg.ui.take_away import ask_scale, figure_text, offer_files, titled
from wbcseg.ui.words import as_text, mask_name

SHOWN = (
    *("nucleus_area", "cytoplasm_area", "cell_area", "nucleus_to_cell", "nucleus_to_cytoplasm"),
    *("cell_perimeter", "cell_circularity", "nucleus_solidity", "nucleus_eccentricity", "lobes", "touches_border"),
)
"""Figures that the page shows; the table to take away has all."""


def show_measures(picture: store.Shown, results: Mapping[str, Labels], entries: Mapping[str, ModelEntry]) -> None:
    """Show the figures of a crop's main cell, by the expert's mask where there is one and by every model.

    Args:
        picture: The picture.
        results: Class ids by the model's name.
        entries: The models by name.
    """
    if not results:
        return
    if is_field(picture.sample.image):
        st.page_link(
            MEASURE, label="The figures of every cell of a field: the page Measure", icon=":material/table_view:"
        )
        return
    st.subheader("Figures of the cell", help="Of the main cell: other pieces do not count.")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        micrometres = ask_scale()
        cells = {name: tidied(labels) for name, labels in results.items()}
        careful = bool(st.session_state.get("careful"))
        offer_files(lambda: _findings(picture, results, cells), entries, micrometres, careful=careful)
    columns: dict[str, CellMeasures | None] = {}
    if picture.sample.mask is not None:
        columns[mask_name(picture.sample.id)] = store.measured(picture, tidied(picture.sample.mask))
    columns |= {entries[name].title: store.measured(picture, cell) for name, cell in cells.items()}
    rows = [
        [titled(name, micrometres), *(figure_text(name, found, micrometres) for found in columns.values())]
        for name in SHOWN
    ]
    show_table(["", *map(as_text, columns)], rows, "measures")
    with st.popover("How are these defined?", icon=":material/help:", type="tertiary"):
        st.markdown("\n\n".join(f"**{MEASURES[name].title}** {as_text(MEASURES[name].meaning)}" for name in SHOWN))


def _findings(picture: store.Shown, results: Mapping[str, Labels], cells: Mapping[str, Labels]) -> list[Finding]:
    sample = picture.sample
    found = []
    for name, labels in results.items():
        cell = cells[name]
        dice = {} if sample.mask is None else dict(score(sample.mask, labels).dice)
        found.append(
            Finding(
                picture.name or sample.id.replace("/", "-"),
                held(sample.image, cell),
                name,
                store.measured(picture, cell),
                sample.size,
                scores={region: dice[region] for region in REGIONS if region in dice},
            )
        )
    return found
