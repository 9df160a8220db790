"""Architectures: how the networks are built, and the feature maps of their stages."""

import streamlit as st

from wbcseg.ui import cache, glossary, navigation
from wbcseg.ui.architectures import methods, networks
from wbcseg.ui.components import dataset_picker, image_panels

navigation.declare_page(
    title="Architectures",
    purpose="How the networks are built, and what each of their stages responds to.",
    order=40,
)

st.title("Architectures")
st.markdown(
    "Diagrams of the networks. On the left, the encoder reduces the image to smaller but more feature maps. On the "
    "right, the decoder enlarges them again until each pixel has a class."
)
networks.show_networks(networks.select_base_filters())

st.header("Without a deep network")
st.markdown(
    "What came before: each pixel is described by numbers and classified by itself. These methods are trained and "
    "tested on the same images as the networks, and have models like them."
)
methods.show_methods()

st.header("Feature maps")
st.markdown(
    "Each stage turns the image into feature maps. Each map responds to one kind of pattern: an edge, a colour, the "
    "inside of a nucleus. The maps that vary most are shown, from black (weakest response) to white (strongest)."
)
with st.container(horizontal=True, vertical_alignment="center"):
    dataset = dataset_picker.select_dataset()
    sample_id = dataset_picker.select_image(dataset.name, dataset.ids, default_id=dataset_picker.SAMPLE_IMAGE[1])
loaded_image = dataset_picker.load_image_or_stop(dataset.name, sample_id)
image_panels.show_image_caption(loaded_image)
networks.show_feature_maps(loaded_image, cache.load_catalog())
glossary.show_glossary(
    "Architecture",
    "Base filters",
    "Feature map",
    "Receptive field",
    "Multiply-add",
    "Skip connection",
    "Unpooling",
    "Transposed convolution",
    "Atrous convolution",
    "Dense block",
    "Recurrent layer",
    "Deep supervision",
    "Pixel feature",
    "Random forest",
    "Support vector machine",
    "Conditional random field",
)
