"""The page's entry: ``streamlit run app.py``. It names the pages and runs the one that was asked for.

The pages' folder is not called ``pages``: Streamlit would take such a folder for an older kind of app and, until
somebody has opened Home, answer a link to a page without coming through here.
"""

import streamlit as st

st.set_page_config(
    page_title="White blood cell segmentation",
    page_icon=":material/biotech:",
    layout="wide",
    menu_items={"About": "Segmentation of white blood cells in blood-smear pictures. For research, not for diagnosis."},
)

st.navigation(
    [
        st.Page(
            "app_pages/home.py",
            title="Home",
            icon=":material/home:",
            default=True,
            help="What this is, a sample to begin with, and which data sets and models are ready.",
        ),
        st.Page(
            "app_pages/dataset.py",
            title="Data sets",
            icon=":material/photo_library:",
            url_path="dataset",
            help="Look through the pictures and their expert masks, and see how they are prepared for training.",
        ),
        st.Page(
            "app_pages/predict.py",
            title="Predict",
            icon=":material/biotech:",
            url_path="predict",
            help="Segment a picture with every model, side by side with the expert's mask.",
        ),
    ],
    position="top",
).run()
