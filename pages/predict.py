"""Predict: one picture, the expert's mask, and what each model makes of it."""

import streamlit as st

from wbcseg.ui import (
    choose,
    corrected,
    frame,
    looking,
    measures,
    own_picture,
    panels,
    scores,
    status,
    store,
    trusting,
    verdicts,
    words,
)
from wbcseg.ui.viewer import send_pack, show_viewer

frame.ensure_frame()

st.title("Segment a picture")
with st.container(horizontal=True, vertical_alignment="center"):
    own = choose.choose_source()
    data = None if own else choose.choose_set()
    if data is not None:
        sample_id = choose.choose_picture(data.name, data.ids, first=choose.SAMPLE[1], steps=False)
picture = own_picture.own_picture() if data is None else choose.read(data.name, sample_id)

models = store.catalog()
with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
    chosen = panels.choose_models(models, data.name if data else None)
    careful = panels.choose_care()
status.show_problems(models.entries)
panels.describe(picture)

look = looking.look(picture, chosen, models, data, careful=careful)
entries = {entry.name: entry for entry in chosen}
verdicts.show_verdicts(picture, look.findings, entries)
show_viewer(look.shown, on_picture=looking.go_on, on_mask=looking.collect_mask)
looking.say_more(picture, models)
if picture.sample.mask is not None and look.results:
    scores.score_tables(picture.sample.mask, look.labels, words.mask_name(picture.sample.id), look.flattered)
measures.show_measures(picture, look, entries)
corrected.show_kept()
words.explain(
    *("Nucleus", "Cytoplasm", "Expert mask", "Dice", "Agreement", "Errors", "Doubt", "Careful", "Trained on"),
    *(*words.FIGURES, *words.STATUSES),
    more=trusting.reliability(chosen),
)
send_pack(look.digest, look.content)
looking.send_neighbours(look, data, models, chosen)
