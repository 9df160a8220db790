"""The figures of the cells in the picture that is shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import streamlit as st

from wbcseg.features import CellMeasures
from wbcseg.inference import ModelEntry, Place, is_field
from wbcseg.labels import Labels
from wbcseg.metrics import REGIONS, score
from wbcseg.pipeline import dice_in_field, field_drawer, outcome_of_field
from wbcseg.results import Examined, Finding, held
from wbcseg.ui import cache
from wbcseg.ui.batch.detail import large_png, show_large
from wbcseg.ui.compare.feature_agreement import say_agreement
from wbcseg.ui.components import cell_table
from wbcseg.ui.components.cell_table import Row, rows_of
from wbcseg.ui.components.downloads import FIGURES, ask_scale, doubt_scale, figures_table, offer_files
from wbcseg.ui.components.quality_help import show_definitions
from wbcseg.ui.components.table import show_table
from wbcseg.ui.segment.view import Look
from wbcseg.ui.text import as_text, mask_name, notice
from wbcseg.visualization import Rgb


def show_measures(picture: cache.Shown, look: Look, entries: Mapping[str, ModelEntry]) -> None:
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
    expert = None if is_large else cache.expert_measures(picture)
    if expert is None and not any(one.measures for cells in look.findings.values() for one in cells):
        st.markdown("No white cell was found, so there is nothing to measure.")
        return
    careful = bool(st.session_state.get("careful"))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        micrometres = ask_scale(own=picture.own)
        name = _choose_model(look, entries) if is_large else ""
        offer_files(lambda: [_examined(picture, look, entries)], entries, careful=careful)
    doubt_scale((one.measures for cells in look.findings.values() for one in cells), micrometres)
    if is_large:
        _show_field(picture, look, name, micrometres)
    else:
        _show_crop(picture, look, entries, micrometres, expert)
    shown = [entries[name] for name in look.results]
    show_definitions(cell_table.SHOWN if is_large else (*FIGURES, "touches_border"), shown, colours=not is_large)
    say_agreement(shown, careful=careful)
    notice()


def _choose_model(look: Look, entries: Mapping[str, ModelEntry]) -> str:
    names = list(look.results)
    if len(names) == 1:
        return names[0]
    return st.selectbox("Cells found by", names, format_func=lambda name: entries[name].title, width=260)


def _show_crop(
    picture: cache.Shown,
    look: Look,
    entries: Mapping[str, ModelEntry],
    micrometres: float | None,
    expert: CellMeasures | None,
) -> None:
    columns: dict[str, CellMeasures | None] = {}
    if picture.sample.mask is not None:
        columns[mask_name(picture.sample.id)] = expert
    columns |= {entries[name].title: cells[0].measures for name, cells in look.findings.items()}
    rows = figures_table(list(columns.values()), micrometres)
    show_table(["", *map(as_text, columns)], rows, "Figures of the cell", stacks=len(columns) > 3)


def _show_field(picture: cache.Shown, look: Look, name: str, micrometres: float | None) -> None:
    cells = look.findings[name]
    if not cells:
        st.markdown("No white cell was found.")
        return
    rows, png = _drawn(look.digest, name, picture.sample.image, look.results[name].labels, cells)
    show_large(rows[0], png)
    caption = "Cells of the field of view"
    st.html(cell_table.table_html(rows[1:], rows, micrometres, caption, named=False))


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


def _examined(picture: cache.Shown, look: Look, entries: Mapping[str, ModelEntry]) -> Examined:
    """Return the picture with what every model found in it."""
    image = picture.sample.image
    digest = picture.digest
    trained = {name for name in look.findings if (c := entries[name].card) and c.saw(picture.sample.id, digest)}
    findings = tuple(replace(one, flatters=one.model in trained) for one in _scored(picture, look))
    name = findings[0].name if findings else picture.name or picture.sample.id
    drawn = {}
    for model, result in look.results.items() if is_field(image) else ():
        outcome = outcome_of_field(name, image, result.labels, look.findings[model])
        drawn[model] = field_drawer(held(image, result.labels), outcome.boxes)
    notes = list(picture.notices)
    if trained and picture.sample.mask is not None:
        notes.append(f"Trained on this picture, so that the overlap (Dice) flatters: {', '.join(sorted(trained))}.")
    return Examined(
        name, (image.shape[0], image.shape[1]), findings, tuple(look.findings), note=" ".join(notes), drawn=drawn
    )


def _scored(picture: cache.Shown, look: Look) -> Sequence[Finding]:
    """Return all cells, with their Dice where there is an expert's mask."""
    mask = picture.sample.mask
    if mask is None:
        return [one for cells in look.findings.values() for one in cells]
    found = []
    for name, cells in look.findings.items():
        for one in cells:
            labels = look.results[name].labels
            if one.place is None:
                dice = score(mask, labels).dice
            else:
                (left, top), cell = one.place, one.load()[1]
                place = Place(top, left, top + cell.shape[0], left + cell.shape[1])
                dice = dice_in_field(mask, labels, place, cell)
            found.append(replace(one, scores={region: dice[region] for region in REGIONS}))
    return found
