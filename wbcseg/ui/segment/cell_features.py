"""The figures of the cells in the picture that is shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import streamlit as st

from wbcseg.features import CellFeatures
from wbcseg.inference import BBox, ModelEntry, is_field_of_view
from wbcseg.labels import Labels
from wbcseg.metrics import REGIONS, score
from wbcseg.pipeline import build_field_renderer, build_field_result, compute_cell_dice
from wbcseg.results import CellResult, ImageReport, build_in_memory_loader
from wbcseg.ui import cache
from wbcseg.ui.batch.detail import render_annotated_png, show_annotated
from wbcseg.ui.compare.feature_agreement import show_expected_error
from wbcseg.ui.components import cell_table
from wbcseg.ui.components.cell_table import Row, build_rows
from wbcseg.ui.components.downloads import (
    DISPLAYED_FEATURES,
    build_feature_table,
    select_pixel_size,
    show_download_buttons,
    warn_implausible_pixel_size,
)
from wbcseg.ui.components.quality_help import show_feature_definitions
from wbcseg.ui.components.table import show_table
from wbcseg.ui.segment.view import PredictView
from wbcseg.ui.text import escape_markdown, get_mask_title, show_research_notice
from wbcseg.visualization import RgbImage


def show_cell_features(picture: cache.LoadedImage, look: PredictView, entries: Mapping[str, ModelEntry]) -> None:
    """Show the figures of a crop's main cell, by the expert's mask and by every model, or of all cells of a field.

    Args:
        picture: The picture.
        look: What the models make of it.
        entries: The models by name.
    """
    if not look.predictions:
        return
    is_large = is_field_of_view(picture.sample.image)
    title = "Figures of the cells" if is_large else "Figures of the cell"
    st.subheader(title, help=None if is_large else "Of the main cell: other pieces do not count.")
    expert = None if is_large else cache.extract_expert_features(picture)
    if expert is None and not any(one.features for cells in look.cells.values() for one in cells):
        st.markdown("No white cell was found, so there is nothing to measure.")
        return
    careful = bool(st.session_state.get("careful"))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        micrometres = select_pixel_size(own=picture.is_upload)
        name = _select_model(look, entries) if is_large else ""
        show_download_buttons(lambda: [_build_image_report(picture, look, entries)], entries, careful=careful)
    warn_implausible_pixel_size((one.features for cells in look.cells.values() for one in cells), micrometres)
    if is_large:
        _show_field_features(picture, look, name, micrometres)
    else:
        _show_crop_features(picture, look, entries, micrometres, expert)
    shown = [entries[name] for name in look.predictions]
    show_feature_definitions(
        cell_table.TABLE_FEATURES if is_large else (*DISPLAYED_FEATURES, "touches_border"), shown, colours=not is_large
    )
    show_expected_error(shown, careful=careful)
    show_research_notice()


def _select_model(look: PredictView, entries: Mapping[str, ModelEntry]) -> str:
    names = list(look.predictions)
    if len(names) == 1:
        return names[0]
    return st.selectbox("Cells found by", names, format_func=lambda name: entries[name].title, width=260)


def _show_crop_features(
    picture: cache.LoadedImage,
    look: PredictView,
    entries: Mapping[str, ModelEntry],
    micrometres: float | None,
    expert: CellFeatures | None,
) -> None:
    columns: dict[str, CellFeatures | None] = {}
    if picture.sample.mask is not None:
        columns[get_mask_title(picture.sample.id)] = expert
    columns |= {entries[name].title: cells[0].features for name, cells in look.cells.items()}
    rows = build_feature_table(list(columns.values()), micrometres)
    show_table(["", *map(escape_markdown, columns)], rows, "Figures of the cell", stacks=len(columns) > 3)


def _show_field_features(picture: cache.LoadedImage, look: PredictView, name: str, micrometres: float | None) -> None:
    cells = look.cells[name]
    if not cells:
        st.markdown("No white cell was found.")
        return
    rows, png = _render_field(look.digest, name, picture.sample.image, look.predictions[name].labels, cells)
    show_annotated(rows[0], png)
    caption = "Cells of the field of view"
    st.html(cell_table.render_table_html(rows[1:], rows, micrometres, caption, named=False))


@st.cache_resource(max_entries=3, show_spinner=False, scope="session")
def _render_field(
    digest: str,  # noqa: ARG001 (it and the name are the key)
    name: str,  # noqa: ARG001
    _image: RgbImage,
    _labels: Labels,
    _cells: Sequence[CellResult],
) -> tuple[list[Row], bytes]:
    """Draw a field of view and its cells: their rows, that of the whole field first, and the field as a PNG."""
    rows = build_rows([build_field_result(_cells[0].image_name, _image, _labels, _cells)])
    return rows, render_annotated_png(rows[0])


def _build_image_report(
    picture: cache.LoadedImage, look: PredictView, entries: Mapping[str, ModelEntry]
) -> ImageReport:
    """Return the picture with what every model found in it."""
    image = picture.sample.image
    digest = picture.digest
    trained = {name for name in look.cells if (c := entries[name].card) and c.trained_on(picture.sample.id, digest)}
    findings = tuple(replace(one, seen_in_training=one.model in trained) for one in _score_cells(picture, look))
    name = findings[0].image_name if findings else picture.filename or picture.sample.id
    drawn = {}
    for model, result in look.predictions.items() if is_field_of_view(image) else ():
        outcome = build_field_result(name, image, result.labels, look.cells[model])
        drawn[model] = build_field_renderer(build_in_memory_loader(image, result.labels), outcome.boxes)
    notes = list(picture.notices)
    if trained and picture.sample.mask is not None:
        notes.append(f"Trained on this picture, so that the overlap (Dice) flatters: {', '.join(sorted(trained))}.")
    return ImageReport(
        name, (image.shape[0], image.shape[1]), findings, tuple(look.cells), note=" ".join(notes), field_renderers=drawn
    )


def _score_cells(picture: cache.LoadedImage, look: PredictView) -> Sequence[CellResult]:
    """Return all cells, with their Dice where there is an expert's mask."""
    mask = picture.sample.mask
    if mask is None:
        return [one for cells in look.cells.values() for one in cells]
    found = []
    for name, cells in look.cells.items():
        for one in cells:
            labels = look.predictions[name].labels
            if one.offset is None:
                dice = score(mask, labels).dice
            else:
                (left, top), cell = one.offset, one.load()[1]
                place = BBox(top, left, top + cell.shape[0], left + cell.shape[1])
                dice = compute_cell_dice(mask, labels, place, cell)
            found.append(replace(one, dice={region: dice[region] for region in REGIONS}))
    return found
