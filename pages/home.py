"""Home: what the app does, a sample image, and the data sets and models that are ready."""

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
        "This app segments white blood cells in images of stained blood smears. Neural networks outline the nucleus "
        "and the cytoplasm of each cell. You can compare their results with expert masks, measure and count cells in "
        "many images, and train networks on your own images."
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        dataset_picker.show_segment_button("Segment a sample image", *dataset_picker.SAMPLE_IMAGE)
        dataset_picker.show_upload_button("Upload an image")
        st.page_link(routes.BATCH, label="Segment many images", icon=":material/table_view:")
        st.page_link(routes.TRAIN, label="Train a network", icon=":material/model_training:")
    st.markdown(
        ":material/science: **For research and teaching only.** This is not a medical device. Do not use it for "
        "diagnosis."
    )

st.header("Data sets")
with st.grid(3, min_column_width=260, border=True) as grid:
    for status in list_datasets():
        with grid.cell():
            dataset_status.show_dataset_card(status)

st.header("Models")
models_column, glossary_column = st.columns([2, 1], gap="large")
with models_column:
    dataset_status.show_models_table(cache.load_catalog())
with glossary_column:
    glossary.show_glossary_entries("Dice", "Held-out", "±")

with example_column:
    image_panels.show_example(*dataset_picker.SAMPLE_IMAGE)
