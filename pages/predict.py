"""Predict: one picture, the expert's mask, and what each model makes of it."""

import streamlit as st

from wbcseg.ui import ahead, choose, frame, panels, scores, status, store, words

frame.ensure_frame()

st.title("Segment a picture")
st.markdown(
    "Each model marks the nucleus and the cytoplasm of the white cell in the middle. "
    "Where an expert drew a mask, it is shown too, and the match is measured."
)

with st.container(horizontal=True, vertical_alignment="center"):
    own = choose.choose_source()
    if not own:
        data = choose.choose_set()
        sample_id = choose.choose_picture(data.name, data.ids)
picture = choose.own_picture() if own else choose.read(data.name, sample_id)

models = store.catalog()
with st.container(horizontal=True, gap="medium"):
    view = panels.choose_view()
    chosen = panels.choose_models(models)
status.show_problems(models.entries)

with st.container(horizontal=True, horizontal_alignment="distribute"):
    panels.describe(picture)
    panels.legend(view.palette)
results = panels.show_panels(picture, view, chosen, models)

if not models.entries:
    st.info("There is no model yet: train one, or get the shipped ones.", icon=":material/info:")
elif picture.sample.mask is None:
    st.caption("There is no expert mask for this picture, so there is nothing to measure the models against.")
elif results:
    trained = [entry.title for entry in chosen if entry.card.saw(picture.sample.id)]
    scores.score_tables(picture.sample.mask, results, words.mask_name(picture.sample.id), trained)
if not own:
    ahead.prepare_next(data, sample_id, view, chosen, models)
words.explain("Nucleus", "Cytoplasm", "Expert mask", "Dice", "Jaccard", "Width", "Trained on", "Held-out", "n/a")
