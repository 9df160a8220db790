"""Measurements of the cells in the image of the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import streamlit as st

from wbcseg.features import CellFeatures
from wbcseg.inference import BBox, ModelEntry
from wbcseg.labels import Labels
from wbcseg.metrics import REGIONS, score
from wbcseg.pipeline import build_field_renderer, build_field_result, compute_cell_dice
from wbcseg.pipeline.edits import describe_edits
from wbcseg.results import CellResult, ImageReport, build_in_memory_loader
from wbcseg.ui import cache
from wbcseg.ui.compare.feature_agreement import show_expected_error
from wbcseg.ui.components import cell_table
from wbcseg.ui.components.cell_table import DISPLAYED_FEATURES, EDGE_FEATURE, Row, build_feature_table, build_rows
from wbcseg.ui.components.downloads import show_download_buttons
from wbcseg.ui.components.pixel_size import offer_stated_pixel_size, select_pixel_size, warn_implausible_pixel_size
from wbcseg.ui.components.quality_help import show_feature_definitions
from wbcseg.ui.components.table import show_table
from wbcseg.ui.corrections import show_field_button
from wbcseg.ui.counting import select_edge_rule, show_cell_count
from wbcseg.ui.formatting import escape_markdown, get_mask_title
from wbcseg.ui.glossary import show_research_notice
from wbcseg.ui.segment.view import PredictView
from wbcseg.visualization import RgbImage


def show_cell_features(loaded_image: cache.LoadedImage, view: PredictView, entries: Mapping[str, ModelEntry]) -> None:
    """Show the measurements of a crop's main cell, from the expert mask and each model, or of all cells of a field.

    Args:
        loaded_image: The image.
        view: The models' results.
        entries: The models by name.
    """
    if not view.predictions:
        return
    whole_field = view.is_field_of_view
    st.subheader("Measurements", help=None if whole_field else "Of the main cell; other objects do not count.")
    expert_features = None if whole_field else cache.extract_expert_features(loaded_image)
    if not whole_field and expert_features is None and not any(cells[0].features for cells in view.cells.values()):
        st.warning(
            "No white blood cell found, so there are no measurements. Check the image.", icon=":material/search:"
        )
        return
    tta = bool(st.session_state.get("tta"))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        pixel_size = select_pixel_size(is_upload=loaded_image.is_upload)
        offer_stated_pixel_size([loaded_image.pixel_size])
        model_name = _select_model(view, entries) if whole_field else ""
        if whole_field:
            select_edge_rule()
        show_download_buttons(lambda: [_build_image_report(loaded_image, view, entries)], entries, tta=tta)
    warn_implausible_pixel_size((cell.features for cells in view.cells.values() for cell in cells), pixel_size)
    if whole_field:
        _show_field_features(loaded_image, view, model_name, pixel_size)
    else:
        _show_crop_features(loaded_image, view, entries, pixel_size, expert_features)
        show_field_button([target.key for target in view.targets.values()])
    shown_entries = [entries[model_name] for model_name in view.predictions]
    show_feature_definitions(
        cell_table.TABLE_FEATURES if whole_field else (*DISPLAYED_FEATURES, EDGE_FEATURE),
        shown_entries,
        with_colours=not whole_field,
    )
    show_expected_error(shown_entries, tta=tta)
    show_research_notice()


def _select_model(view: PredictView, entries: Mapping[str, ModelEntry]) -> str:
    model_names = list(view.predictions)
    if len(model_names) == 1:
        return model_names[0]
    return st.selectbox("Cells found by", model_names, format_func=lambda name: entries[name].title, width=260)


def _show_crop_features(
    loaded_image: cache.LoadedImage,
    view: PredictView,
    entries: Mapping[str, ModelEntry],
    pixel_size: float | None,
    expert_features: CellFeatures | None,
) -> None:
    features_by_title: dict[str, CellFeatures | None] = {}
    if loaded_image.sample.mask is not None:
        features_by_title[get_mask_title(loaded_image.sample.id)] = expert_features
    features_by_title |= {entries[name].title: cells[0].features for name, cells in view.cells.items()}
    rows = build_feature_table(list(features_by_title.values()), pixel_size)
    show_table(
        ["", *map(escape_markdown, features_by_title)],
        rows,
        "Measurements",
        stack_on_phone=len(features_by_title) > 3,
    )


def _show_field_features(
    loaded_image: cache.LoadedImage, view: PredictView, model_name: str, pixel_size: float | None
) -> None:
    cells, corrected = view.cells[model_name], view.corrected[model_name]
    show_cell_count(cells)
    if not cells:
        return
    digest = corrected.map_payload[0] if corrected.map_payload else view.digest
    rows = _build_field_rows(digest, model_name, loaded_image.sample.image, corrected.prediction.labels, cells)
    caption = "Cells of the field of view"
    st.html(cell_table.render_table_html(rows[1:], rows, pixel_size, caption, with_name=False))


@st.cache_resource(max_entries=3, show_spinner=False, scope="session")
def _build_field_rows(
    digest: str,  # noqa: ARG001 (part of the cache key)
    model_name: str,  # noqa: ARG001
    _image: RgbImage,
    _labels: Labels,
    _cells: Sequence[CellResult],
) -> list[Row]:
    """Return the table rows of a field of view and its cells, the field first."""
    return build_rows([build_field_result(_cells[0].image_name, _image, _labels, _cells)])


def _build_image_report(
    loaded_image: cache.LoadedImage, view: PredictView, entries: Mapping[str, ModelEntry]
) -> ImageReport:
    """Return the image with the cells that each model found, for downloads."""
    image = loaded_image.sample.image
    digest = loaded_image.digest
    trained_models = {
        model_name for model_name in view.cells if entries[model_name].card.trained_on(loaded_image.sample.id, digest)
    }
    cells = tuple(
        replace(cell, seen_in_training=cell.model in trained_models) for cell in _score_cells(loaded_image, view)
    )
    filename = cells[0].image_name if cells else loaded_image.filename or loaded_image.sample.id
    field_images = {
        model: build_field_renderer(build_in_memory_loader(image, prediction.labels), view.cells[model])
        for model, prediction in view.predictions.items()
        if view.is_field_of_view
    }
    notes = list(loaded_image.notices)
    for model, corrected in view.corrected.items():
        if text := describe_edits(corrected.corrections.edits):
            notes.append(f"{entries[model].title}: {text}")
    if trained_models and loaded_image.sample.mask is not None:
        notes.append(f"Seen in training, so the Dice is optimistic: {', '.join(sorted(trained_models))}.")
    return ImageReport(
        filename,
        (image.shape[0], image.shape[1]),
        cells,
        tuple(view.cells),
        note=" ".join(notes),
        field_renderers=field_images,
    )


def _score_cells(loaded_image: cache.LoadedImage, view: PredictView) -> Sequence[CellResult]:
    """Return all cells, with their Dice if there is an expert mask."""
    mask = loaded_image.sample.mask
    if mask is None:
        return [cell_result for cells in view.cells.values() for cell_result in cells]
    scored = []
    for model_name, cells in view.cells.items():
        for cell_result in cells:
            labels = view.predictions[model_name].labels
            if cell_result.offset is None:
                dice = score(mask, labels).dice
            else:
                (left, top), cell_labels = cell_result.offset, cell_result.load()[1]
                bbox = BBox(top, left, top + cell_labels.shape[0], left + cell_labels.shape[1])
                dice = compute_cell_dice(mask, labels, bbox, cell_labels)
            scored.append(replace(cell_result, dice={region: dice[region] for region in REGIONS}))
    return scored
