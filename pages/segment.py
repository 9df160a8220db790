"""Segment: one image, its expert mask, and the results of models."""

import streamlit as st

from wbcseg.ui import cache, formatting, glossary, keep, navigation
from wbcseg.ui.components import dataset_status, image_panels, quality_badges, quality_help, score_tables
from wbcseg.ui.segment import cell_features, disagreement, edited_masks, source, view
from wbcseg.ui.segment.workspace import open_workspace
from wbcseg.ui.viewer import show_viewer

navigation.declare_page(
    title="Segment",
    purpose="Segment an image with several models and compare the results with the expert mask.",
    order=20,
)

workspace = open_workspace("Segment an image")
catalog = cache.load_catalog()
with workspace.bar, st.popover("Compare models", icon=":material/compare:"):
    selected_entries = image_panels.select_models(catalog)
    tta = image_panels.select_speed()
    catalog, selected_entries = image_panels.select_refinement(catalog, selected_entries)
dataset, loaded_image = source.select_image(workspace)
entries = {entry.name: entry for entry in selected_entries}

with workspace.stage:
    image_view = view.build_view(loaded_image, selected_entries, catalog, dataset, tta=tta)
    show_viewer(
        image_view.props,
        on_image=view.on_image_selected,
        on_mask=view.on_mask_edited,
        on_cells=view.on_cells_edited,
    )

with workspace.side:
    image_panels.show_image_caption(loaded_image)
    # The cells come first: the details of a selected one are beside the image, without scrolling.
    cells_place = st.container()
    dataset_status.show_model_problems(catalog.broken)
    view.show_problems(loaded_image, image_view)
    view.show_hints(loaded_image, catalog)
    disagreement.show_disagreement(image_view.disagreement, entries)
    quality_badges.show_quality(image_view.cells, entries)
    cell_features.show_cell_features(loaded_image, image_view, entries, workspace.bar, cells_place, tta=tta)
    if loaded_image.sample.mask is not None and image_view.predictions:
        score_tables.show_score_tables(
            loaded_image.sample.mask,
            image_view.labels,
            formatting.get_mask_title(loaded_image.sample.id),
            image_view.models_trained_on_image,
        )
    edited_masks.show_edited_masks()
    keep.show_keep_switch()
    glossary.show_glossary(
        *("Nucleus", "Cytoplasm", "Expert mask", "Dice", "Agreement", "Disagreement"),
        *("Errors", "Uncertainty"),
        *("Field of view", "Edge rule"),
        *(
            "Test-time averaging",
            "Conditional random field",
            "Seen in training",
            *glossary.FEATURE_TERMS,
            *glossary.QUALITY_TERMS,
        ),
        paragraphs=quality_help.describe_quality_accuracy(selected_entries),
    )
view.send_view(image_view)
view.send_prefetched(image_view, dataset, catalog, selected_entries)
