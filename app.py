"""The page's entry: ``streamlit run app.py``. It names the pages and runs the one that was asked for.

The pages' folder is not called ``pages``: Streamlit would take such a folder for an older kind of app and, until
somebody has opened Home, answer a link to a page without coming through here.
"""

from pathlib import Path

import streamlit as st

# Pages have no icon: for the one in the browser's tab, Streamlit would send every reader to a server elsewhere.
page = st.navigation(
    [
        st.Page(
            "app_pages/home.py",
            title="Home",
            default=True,
            help="What this is, a sample to begin with, and which data sets and models are ready.",
        ),
        st.Page(
            "app_pages/dataset.py",
            title="Data sets",
            help="Look through the pictures and their expert masks, and see how they are prepared for training.",
        ),
        st.Page(
            "app_pages/predict.py",
            title="Predict",
            help="Segment a picture with every model, side by side with the expert's mask.",
        ),
    ],
    position="top",
)
st.set_page_config(
    page_title=f"{page.title} · White blood cell segmentation",
    page_icon=Path(__file__).parent / "wbcseg" / "ui" / "icon.png",
    layout="wide",
    menu_items={"About": "Segmentation of white blood cells in blood-smear pictures. For research, not for diagnosis."},
)
page.run()
