"""Home: drop images and see them segmented, or try an example."""

import streamlit as st

from wbcseg.datasets import list_datasets
from wbcseg.ui import cache, glossary, keep, navigation, routes
from wbcseg.ui.components import dataset_status
from wbcseg.ui.home import examples
from wbcseg.ui.uploads import drop_area, hand_over

navigation.declare_page(
    title="Home",
    purpose="Drop images of blood smears and see their white cells found, outlined, measured, typed and counted.",
    order=0,
)

st.title("White blood cell segmentation")
st.markdown(
    "Finds the white blood cells in images of stained smears, outlines nucleus and cytoplasm, measures each cell, "
    "names its type and counts."
)
drop_area.show_drop_area("Drop blood-smear images here, or choose files")
hand_over.open_added()
hand_over.show_earlier_uploads()
st.markdown("**No image at hand? Try an example:**")
examples.show_examples()

st.markdown(
    "- **Laboratories and research**: one image or hundreds, corrections, a quality check, tables to download.\n"
    "- **Students and developers**: compare networks with experts and with each other, and train your own."
)
learn_column, data_column = st.columns([3, 1], gap="medium")
with learn_column:
    st.subheader("Learn")
    with st.container(horizontal=True):
        st.page_link(routes.ARCHITECTURES, label="How the networks are built", icon=":material/account_tree:")
        st.page_link(routes.COMPARE, label="How well they do", icon=":material/compare:")
        st.page_link(routes.QUIZ, label="Draw a cell yourself", icon=":material/draw:")
        st.page_link(routes.TRAIN, label="Train one", icon=":material/model_training:")
with data_column:
    st.subheader("Data")
    st.page_link(routes.DATASETS, label="Browse images and masks", icon=":material/photo_library:")
keep.show_keep_switch()
st.markdown(
    ":material/science: **For research and teaching only.** This is not a medical device. Do not use it for diagnosis."
)

models_expander = st.expander("Models and data sets on this computer", on_change="rerun", key="installed")
if models_expander.open:
    with models_expander:
        dataset_status.show_models_table(cache.load_catalog())
        glossary.show_glossary_entries("Dice", "Held-out", "±")
        with st.grid(4, min_column_width=220, border=True) as grid:
            for status in list_datasets():
                with grid.cell():
                    dataset_status.show_dataset_card(status)
