"""The figures of the cells in the picture that is shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import streamlit as st

from wbcseg.analysis import field_drawer, outcome_of_field
from wbcseg.classes import Labels
from wbcseg.drawing import Rgb
from wbcseg.export import Examined, Finding, held
from wbcseg.measurement import MEASURES, CellMeasures
from wbcseg.metrics import REGIONS, score
from wbcseg.prediction import ModelEntry, is_field
from wbcseg.ui import store
from wbcseg.ui.cell_table import Row, rows_of, table_html
from wbcseg.ui.closer import large_png, show_large
from wbcseg.ui.looking import Look
from wbcseg.ui.table import show_table
from wbcseg.ui.take_away import ask_scale, figure_text, offer_files, titled
from wbcseg.ui.words import as_text, mask_name

SHOWN: Final = (
    *("nucleus_area", "cytoplasm_area", "cell_area", "nucleus_to_cell", "nucleus_to_cytoplasm"),
    *("cell_perimeter", "cell_circularity", "nucleus_solidity", "nucleus_eccentricity", "lobes", "touches_border"),
)
"""Figures of a crop that the page shows; the table to take away has all."""


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
        name = _choose_model(look, entries) if is_large else ""
        careful = bool(st.session_state.get("careful"))
        offer_files(lambda: [_examined(picture, look)], entries, micrometres, careful=careful)
    if is_large:
        _show_field(picture, look, name, micrometres)
    else:
        _show_crop(picture, look, entries, micrometres)


def _choose_model(look: Look, entries: Mapping[str, ModelEntry]) -> str:
    names = list(look.results)
    if len(names) == 1:
        return names[0]
    return st.selectbox("Cells found by", names, format_func=lambda name: entries[name].title, width=260)


def _show_crop(picture: store.Shown, look: Look, entries: Mapping[str, ModelEntry], micrometres: float | None) -> None:
    sample = picture.sample
    columns: dict[str, CellMeasures | None] = {}
    if sample.mask is not None:
        columns[mask_name(sample.id)] = store.expert_measures(picture)
    columns |= {entries[name].title: cells[0].measures for name, cells in look.findings.items()}
    rows = [
        [titled(name, micrometres), *(figure_text(name, found, micrometres) for found in columns.values())]
        for name in SHOWN
    ]
    show_table(["", *map(as_text, columns)], rows, "Figures of the cell")
    with st.popover("How are these defined?", icon=":material/help:", type="tertiary"):
        st.markdown("\n\n".join(f"**{MEASURES[name].title}** {as_text(MEASURES[name].meaning)}" for name in SHOWN))


def _show_field(picture: store.Shown, look: Look, name: str, micrometres: float | None) -> None:
    cells = look.findings[name]
    if not cells:
        st.markdown("No white cell was found.")
        return
    rows, png = _drawn(look.digest, name, picture.sample.image, look.results[name].labels, cells)
    show_large(rows[0], png)
    st.html(table_html(rows[1:], rows, micrometres, "Cells of the field of view"))


@st.cache_resource(max_entries=3, show_spinner=False, scope="session")
def _drawn(
    digest: str,  # noqa: ARG001 (it and the name are the key)
    name: str,  # noqa: ARG001
    _image: Rgb,
    _labels: Labels,
    _cells: Sequence[Finding],
) -> tuple[list[Row], bytes]:
    """Draw a field of view and its cells: their rows, that of the whole field first, and the field as a PNG."""
    rows = rows_of([outcome_of_field(_cells[0].name, _image, _labels, _cells)])
    return rows, large_png(rows[0])


def _examined(picture: store.Shown, look: Look) -> Examined:
    """Return the picture with what every model found in it."""
    image = picture.sample.image
    findings = tuple(_scored(picture, look))
    name = findings[0].name if findings else picture.name or picture.sample.id
    drawn = {}
    for model, result in look.results.items() if is_field(image) else ():
        outcome = outcome_of_field(name, image, result.labels, look.findings[model])
        drawn[model] = field_drawer(held(image, result.labels), outcome.boxes)
    note = " ".join(picture.notices)
    return Examined(name, (image.shape[0], image.shape[1]), findings, tuple(look.findings), note=note, drawn=drawn)


def _scored(picture: store.Shown, look: Look) -> Sequence[Finding]:
    """Return all cells, with their Dice where there is an expert's mask."""
    mask = picture.sample.mask
    if mask is None:
        return [one for cells in look.findings.values() for one in cells]
    found = []
    for name, cells in look.findings.items():
        for one in cells:
            labels, truth = look.results[name].labels, mask
            if one.place is not None:
                left, top = one.place
                labels = one.load()[1]
                truth = mask[top : top + labels.shape[0], left : left + labels.shape[1]]
            dice = score(truth, labels).dice
            found.append(replace(one, scores={region: dice[region] for region in REGIONS}))
    return found
