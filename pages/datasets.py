"""Data sets: browse the images and their masks, and see how they are prepared for training."""

import streamlit as st

from wbcseg.ui import glossary, navigation
from wbcseg.ui.components import dataset_picker, image_panels
from wbcseg.ui.datasets import gallery, preparation

navigation.declare_page(
    title="Data sets",
    purpose="Browse the images with their expert masks or boxes, and see how they are prepared for training.",
    order=10,
)

st.title("Data sets")
st.markdown("Browse the images with their expert masks or boxes, and see how they are prepared for training.")

with st.container(key="dataset_choice", horizontal=True, vertical_alignment="center"):
    dataset = dataset_picker.select_dataset()
    sample_id = dataset_picker.select_image(dataset.name, dataset.ids)
    palette = image_panels.select_palette(label_visibility="collapsed")
images_tab, preparation_tab = st.tabs(["Images", "Splits and leakage"], key="tab", bind="query-params")

if images_tab.open:
    with images_tab:
        image_column, gallery_column = st.columns([11, 10], gap="large")
        with image_column:
            loaded_image = dataset_picker.load_image_or_stop(dataset.name, sample_id)
            image_panels.show_image_caption(loaded_image)
            image_panels.show_sample(loaded_image, palette)
            dataset_picker.show_segment_link("Segment this image", dataset.name, sample_id)
        with gallery_column:
            gallery.show_gallery(dataset, gallery.filter_samples(dataset), sample_id)
        dataset_picker.show_dataset_caption(dataset)
        glossary.show_glossary("Nucleus", "Cytoplasm", "Background", "Mask", "Expert mask", "Overlay")

if preparation_tab.open:
    with preparation_tab:
        preparation.stop_without_masks(dataset)
        preparation.show_thesis_preparation(dataset, sample_id)
        preparation.show_thesis_leakage(dataset)
        preparation.show_leak_free_split(dataset)
        glossary.show_glossary("Training target", "Flipped copy", "Split", "Data leakage", "Fold", "Mask")
