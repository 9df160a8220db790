"""Segment: one image, its expert mask, and the result of each model."""

import streamlit as st

from wbcseg.ui import cache, formatting, glossary, navigation
from wbcseg.ui.components import (
    dataset_picker,
    dataset_status,
    image_panels,
    quality_badges,
    quality_help,
    score_tables,
)
from wbcseg.ui.segment import cell_features, edited_masks, upload
from wbcseg.ui.segment.view import (
    build_view,
    on_cells_edited,
    on_image_selected,
    on_mask_edited,
    send_prefetched,
    send_view,
    show_hints,
)
from wbcseg.ui.viewer import show_viewer

navigation.declare_page(
    title="Segment",
    purpose="Segment an image with several models and compare the results with the expert mask.",
    order=20,
)

st.title("Segment an image")
with st.container(horizontal=True, vertical_alignment="center"):
    is_upload = dataset_picker.select_source()
    dataset = None if is_upload else dataset_picker.select_dataset()
    if dataset is not None:
        sample_id = dataset_picker.select_image(
            dataset.name, dataset.ids, default_id=dataset_picker.SAMPLE_IMAGE[1], with_buttons=False
        )
loaded_image = upload.upload_image() if dataset is None else dataset_picker.load_image_or_stop(dataset.name, sample_id)

catalog = cache.load_catalog()
with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
    selected_entries = image_panels.select_models(catalog, dataset.name if dataset else None)
    tta = image_panels.select_tta()
dataset_status.show_model_problems(catalog.broken)
image_panels.show_image_caption(loaded_image)

view = build_view(loaded_image, selected_entries, catalog, dataset, tta=tta)
entries = {entry.name: entry for entry in selected_entries}
quality_badges.show_quality(view.cells, entries)
show_viewer(view.props, on_image=on_image_selected, on_mask=on_mask_edited, on_cells=on_cells_edited)
if view.is_field_of_view:
    cell_features.show_cell_features(loaded_image, view, entries)
show_hints(loaded_image, catalog)
if loaded_image.sample.mask is not None and view.predictions:
    score_tables.show_score_tables(
        loaded_image.sample.mask,
        view.labels,
        formatting.get_mask_title(loaded_image.sample.id),
        view.models_trained_on_image,
    )
if not view.is_field_of_view:
    cell_features.show_cell_features(loaded_image, view, entries)
edited_masks.show_edited_masks()
glossary.show_glossary(
    *("Nucleus", "Cytoplasm", "Expert mask", "Dice", "Agreement", "Errors", "Uncertainty"),
    *("Field of view", "Edge rule"),
    *("Test-time averaging", "Seen in training", *glossary.FEATURE_TERMS, *glossary.QUALITY_TERMS),
    paragraphs=quality_help.describe_quality_accuracy(selected_entries),
)
send_view(view)
send_prefetched(view, dataset, catalog, selected_entries)
