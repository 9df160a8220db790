"""Home: what this is, one click to a sample, and what is ready."""

import streamlit as st

from wbcseg.datasets import list_datasets
from wbcseg.ui import cache, glossary, navigation, routes
from wbcseg.ui.components import dataset_picker, dataset_status, image_panels

navigation.declare_page(
    title="Home",
    purpose="What this app does, a sample image to try, and the data sets and models that are ready to use.",
    order=0,
)

intro_column, example_column = st.columns([11, 9], gap="large", vertical_alignment="center")
with intro_column:
    st.title("White blood cell segmentation")
    st.markdown(
        "Give it a picture of a white blood cell from a stained smear. Neural networks mark what is nucleus and what "
        "is cytoplasm, and their results stand beside the mask that an expert drew, with a measure of how well they "
        "match. Use it to see, compare and teach how such networks read a cell."
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        dataset_picker.show_segment_button("Segment a sample picture", *dataset_picker.SAMPLE_IMAGE)
        dataset_picker.show_upload_button("Use your own picture")
        st.page_link(routes.BATCH, label="Measure many pictures", icon=":material/table_view:")
        st.page_link(routes.TRAIN, label="Train a network", icon=":material/model_training:")
    st.markdown(
        ":material/science: **For research and teaching only.** Not a medical device: do not base a diagnosis on it."
    )

st.header("Data sets")
with st.grid(3, min_column_width=260, border=True) as grid:
    for status in list_datasets():
        with grid.cell():
            dataset_status.show_dataset_card(status)

st.header("Models")
models_column, glossary_column = st.columns([11, 9], gap="large")
with models_column:
    dataset_status.show_models_table(cache.load_catalog().entries)
with glossary_column:
    glossary.show_glossary_entries("Dice", "Held-out", "±", "Base filters")

with example_column:
    image_panels.show_example(*dataset_picker.SAMPLE_IMAGE)
