"""Architectures: the three networks side by side, and what each stage sees of a picture."""

import streamlit as st

from wbcseg.ui import cache, glossary, navigation
from wbcseg.ui.architectures import networks
from wbcseg.ui.components import dataset_picker, image_panels

navigation.declare_page(
    title="Architectures",
    purpose="How the networks are built, and what each of their stages responds to.",
    order=40,
)

st.title("Architectures")
st.markdown(
    "How the three networks are built, drawn from the networks themselves. On the left the picture becomes smaller "
    "and its maps more; on the right it grows again, until every pixel has its class."
)
networks.show_networks(networks.select_base_filters())

st.header("What each stage sees")
st.markdown(
    "Every stage turns the picture into maps, each of which answers to something of its own: an edge, a colour, the "
    "inside of a nucleus. Here are those that vary most, from dark (little) to light (much)."
)
with st.container(horizontal=True, vertical_alignment="center"):
    dataset = dataset_picker.select_dataset()
    sample_id = dataset_picker.select_image(dataset.name, dataset.ids, default_id=dataset_picker.SAMPLE_IMAGE[1])
loaded_image = dataset_picker.load_image_or_stop(dataset.name, sample_id)
image_panels.show_image_caption(loaded_image)
networks.show_feature_maps(loaded_image, cache.load_catalog())
glossary.show_glossary("Architecture", "Base filters", "Feature map", "Receptive field", "Multiply-add")
