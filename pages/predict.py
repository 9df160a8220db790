"""Predict: one picture, the expert's mask, and what each model makes of it."""

import streamlit as st

from wbcseg.ui import choose, frame, looking, panels, scores, status, store, words
from wbcseg.ui.viewer import send_pack, show_viewer

frame.ensure_frame()

st.title("Segment a picture")

with st.container(horizontal=True, vertical_alignment="center"):
    own = choose.choose_source()
    if not own:
        data = choose.choose_set()
        sample_id = choose.choose_picture(data.name, data.ids)
picture = choose.own_picture() if own else choose.read(data.name, sample_id)

models = store.catalog()
chosen = panels.choose_models(models)
results = looking.find(picture, chosen, models, careful=False)
digest, content = looking.pack_of(picture, results)
show_viewer(looking.told(picture, digest, chosen, results), on_picture=lambda: None, on_mask=lambda: None)
send_pack(digest, content)
