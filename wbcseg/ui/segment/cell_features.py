"""Measurements of the cells in the image of the page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from wbcseg.features import CellFeatures
from wbcseg.inference import BBox, ModelEntry
from wbcseg.labels import Labels
from wbcseg.metrics import REGIONS, score_marked
from wbcseg.pipeline import build_field_renderer, compute_cell_dice
from wbcseg.pipeline.merge import describe_edits
from wbcseg.results import CellResult, ImageReport, build_in_memory_loader
from wbcseg.ui import cache
from wbcseg.ui.cell_types import get_prior, select_prior
from wbcseg.ui.compare.feature_agreement import show_expected_error
from wbcseg.ui.components.cell_table import build_feature_table
from wbcseg.ui.components.downloads import show_download_buttons
from wbcseg.ui.components.pixel_size import offer_stated_pixel_size, select_pixel_size, warn_implausible_pixel_size
from wbcseg.ui.components.quality_help import show_feature_definitions
from wbcseg.ui.components.table import show_table
from wbcseg.ui.corrections import on_type_chosen, show_field_button
from wbcseg.ui.counting import show_cell_count
from wbcseg.ui.formatting import escape_markdown, get_mask_title
from wbcseg.ui.glossary import show_research_notice
from wbcseg.ui.segment.cell_list import LISTED_FEATURES, build_cell_list
from wbcseg.ui.segment.view import VIEWER_KEY, PredictView
from wbcseg.ui.viewer import CELL_LIST_KEY, show_cell_list


def show_cell_features(
    loaded_image: cache.LoadedImage,
    view: PredictView,
    entries: Mapping[str, ModelEntry],
    bar: DeltaGenerator,
    cells_place: DeltaGenerator,
    *,
    tta: bool,
) -> None:
    """Show the measurements of a crop's main cell, from the expert mask and each model, or of all cells of a field.

    Args:
        loaded_image: The image.
        view: The models' results.
        entries: The models by name.
        bar: Where the popover with the downloads goes.
        cells_place: Where the list of cells goes, with the details of the selected one.
        tta: Whether test-time averaging was used.
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
    with st.container(horizontal=True, vertical_alignment="bottom"):
        pixel_size = select_pixel_size(is_upload=loaded_image.is_upload)
        select_prior("segment_prior")
        offer_stated_pixel_size([loaded_image.pixel_size])
    with bar, st.popover("Download", icon=":material/download:"):
        show_download_buttons(
            lambda: [_build_image_report(loaded_image, view, entries)],
            entries,
            tta=tta,
            prior=get_prior(),
            image_names=[loaded_image.filename or loaded_image.sample.id],
        )
    warn_implausible_pixel_size((cell.features for cells in view.cells.values() for cell in cells), pixel_size)
    if whole_field:
        _show_field_features(loaded_image, view, entries, pixel_size, cells_place)
    else:
        if get_prior() is not None:
            _show_cell_list(view, view.cells, entries, pixel_size, cells_place)
        with st.container(key="workspace_measurements"):
            _show_crop_features(loaded_image, view, entries, pixel_size, expert_features)
        show_field_button([target.key for target in view.targets.values()])
    shown_entries = [entries[model_name] for model_name in view.predictions]
    show_feature_definitions(
        LISTED_FEATURES,
        shown_entries,
        with_colours=not whole_field,
    )
    show_expected_error(shown_entries, tta=tta)
    show_research_notice()


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
        stack_on_phone=len(features_by_title) > 2,
    )


def _show_field_features(
    loaded_image: cache.LoadedImage,
    view: PredictView,
    entries: Mapping[str, ModelEntry],
    pixel_size: float | None,
    cells_place: DeltaGenerator,
) -> None:
    for model_name, cells in view.cells.items():
        if len(view.cells) > 1:
            st.caption(escape_markdown(entries[model_name].title))
        show_cell_count(cells)
    scored_cells = _score_cells(loaded_image, view)
    if any(scored_cells.values()):
        _show_cell_list(view, scored_cells, entries, pixel_size, cells_place)


def _show_cell_list(
    view: PredictView,
    scored_cells: Mapping[str, tuple[CellResult, ...]],
    entries: Mapping[str, ModelEntry],
    pixel_size: float | None,
    cells_place: DeltaGenerator,
) -> None:
    """Show the cells with their types, which can be changed there; of a crop, only the type."""
    # Its height is there before the list is, so that nothing moves then.
    with cells_place, st.container(key=f"workspace_cells_{'field' if view.is_field_of_view else 'crop'}"):
        show_cell_list(build_cell_list(view, scored_cells, entries, pixel_size), on_type=_on_type)


def _on_type() -> None:
    on_type_chosen(VIEWER_KEY, st.session_state[CELL_LIST_KEY].get("type"))


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
        replace(cell, seen_in_training=cell.model in trained_models)
        for model_cells in _score_cells(loaded_image, view).values()
        for cell in model_cells
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


def _score_cells(loaded_image: cache.LoadedImage, view: PredictView) -> dict[str, tuple[CellResult, ...]]:
    """Return all cells by model, with their Dice if there is an expert mask."""
    mask = loaded_image.sample.mask
    if mask is None:
        return view.cells
    return {
        model_name: tuple(_score_cell(cell, mask, view.predictions[model_name].labels) for cell in cells)
        for model_name, cells in view.cells.items()
    }


def _score_cell(cell: CellResult, mask: Labels, labels: Labels) -> CellResult:
    if cell.offset is None:
        dice = score_marked(mask, labels).dice
    else:
        (left, top), cell_labels = cell.offset, cell.load()[1]
        bbox = BBox(top, left, top + cell_labels.shape[0], left + cell_labels.shape[1])
        dice = compute_cell_dice(mask, labels, bbox, cell_labels)
    return replace(cell, dice={region: dice[region] for region in REGIONS})
