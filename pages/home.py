"""Home: what this is, one click to a sample, and what is ready."""

import streamlit as st

from wbcseg.datasets import statuses
from wbcseg.ui import cache, navigation, routes, text
from wbcseg.ui.components import dataset_picker, dataset_status, image_panels

navigation.ensure_frame()

story, example = st.columns([11, 9], gap="large", vertical_alignment="center")
with story:
    st.title("White blood cell segmentation")
    st.markdown(
        "Give it a picture of a white blood cell from a stained smear. Neural networks mark what is nucleus and what "
        "is cytoplasm, and their results stand beside the mask that an expert drew, with a measure of how well they "
        "match. Use it to see, compare and teach how such networks read a cell."
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        dataset_picker.predict_button("Segment a sample picture", *dataset_picker.SAMPLE)
        dataset_picker.own_picture_button("Use your own picture")
        st.page_link(routes.BATCH, label="Measure many pictures", icon=":material/table_view:")
        st.page_link(routes.TRAIN, label="Train a network", icon=":material/model_training:")
    st.markdown(
        ":material/science: **For research and teaching only.** Not a medical device: do not base a diagnosis on it."
    )

st.header("Data sets")
with st.grid(3, min_column_width=260, border=True) as cards:
    for entry in statuses():
        with cards.cell():
            dataset_status.dataset_card(entry)

st.header("Models")
table, meaning = st.columns([11, 9], gap="large")
with table:
    dataset_status.models_table(cache.catalog().entries)
with meaning:
    text.define("Dice", "Held-out", "±", "Width")

with example:
    image_panels.example(*dataset_picker.SAMPLE)
