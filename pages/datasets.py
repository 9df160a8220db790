"""Data sets: look through the pictures and their masks, and see how they are prepared for training."""

import streamlit as st

from wbcseg.ui import navigation, text
from wbcseg.ui.components import dataset_picker, gallery, image_panels
from wbcseg.ui.datasets import preparation as prepared

navigation.ensure_frame()

st.title("Data sets")
st.markdown("Look through the pictures and the masks that experts drew, and see how they are prepared for training.")

with st.container(horizontal=True, vertical_alignment="center"):
    data = dataset_picker.choose_set()
    sample_id = dataset_picker.choose_picture(data.name, data.ids)
    palette = image_panels.choose_palette(label_visibility="collapsed")
pictures, preparation = st.tabs(["Pictures", "Preparation"], key="tab", bind="query-params")

if pictures.open:
    with pictures:
        large, small = st.columns([11, 10], gap="large")
        with large:
            picture = dataset_picker.read(data.name, sample_id)
            image_panels.describe(picture)
            image_panels.show_sample(picture, palette)
            dataset_picker.predict_link("Segment this picture", data.name, sample_id)
        with small:
            gallery.gallery(data, gallery.filtered(data), sample_id)
        dataset_picker.about(data)
        text.explain("Nucleus", "Cytoplasm", "Background", "Mask", "Expert mask", "Overlay")

if preparation.open:
    with preparation:
        prepared.show_published(data, sample_id)
        prepared.show_leaks(data)
        prepared.show_leak_free(data)
        text.explain("Target", "Twin", "Split", "Leak", "Fold", "Mask")
