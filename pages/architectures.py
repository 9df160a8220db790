"""Architectures: the three networks side by side, and what each stage sees of a picture."""

import streamlit as st

from wbcseg.ui import cache, navigation, text
from wbcseg.ui.architectures import networks
from wbcseg.ui.components import dataset_picker, image_panels

navigation.ensure_frame()

st.title("Architectures")
st.markdown(
    "How the three networks are built, drawn from the networks themselves. On the left the picture becomes smaller "
    "and its maps more; on the right it grows again, until every pixel has its class."
)
networks.show_networks(networks.choose_width())

st.header("What each stage sees")
st.markdown(
    "Every stage turns the picture into maps, each of which answers to something of its own: an edge, a colour, the "
    "inside of a nucleus. Here are those that vary most, from dark (little) to light (much)."
)
with st.container(horizontal=True, vertical_alignment="center"):
    data = dataset_picker.choose_set()
    sample_id = dataset_picker.choose_picture(data.name, data.ids, first=dataset_picker.SAMPLE[1])
picture = dataset_picker.read(data.name, sample_id)
image_panels.describe(picture)
networks.show_what_stages_see(picture, cache.catalog())
text.explain("Architecture", "Width", "Feature map", "Receptive field", "Multiply-add")
