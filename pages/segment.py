"""Predict: one picture, the expert's mask, and what each model makes of it."""

import streamlit as st

from wbcseg.ui import cache, navigation, text
from wbcseg.ui.components import (
    dataset_picker,
    dataset_status,
    image_panels,
    quality_badges,
    quality_help,
    score_tables,
)
from wbcseg.ui.segment import cell_features, edited_masks, upload, view
from wbcseg.ui.viewer import send_pack, show_viewer

navigation.ensure_frame()

st.title("Segment a picture")
with st.container(horizontal=True, vertical_alignment="center"):
    own = dataset_picker.choose_source()
    data = None if own else dataset_picker.choose_set()
    if data is not None:
        sample_id = dataset_picker.choose_picture(data.name, data.ids, first=dataset_picker.SAMPLE[1], steps=False)
picture = upload.own_picture() if data is None else dataset_picker.read(data.name, sample_id)

models = cache.catalog()
with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
    chosen = image_panels.choose_models(models, data.name if data else None)
    careful = image_panels.choose_care()
dataset_status.show_problems(models.entries)
image_panels.describe(picture)

look = view.look(picture, chosen, models, data, careful=careful)
entries = {entry.name: entry for entry in chosen}
quality_badges.show_verdicts(picture, look.findings, entries)
show_viewer(look.shown, on_picture=view.go_on, on_mask=view.collect_mask)
view.say_more(picture, models)
if picture.sample.mask is not None and look.results:
    score_tables.score_tables(picture.sample.mask, look.labels, text.mask_name(picture.sample.id), look.flattered)
cell_features.show_measures(picture, look, entries)
edited_masks.show_kept()
text.explain(
    *("Nucleus", "Cytoplasm", "Expert mask", "Dice", "Agreement", "Errors", "Doubt", "Careful", "Trained on"),
    *(*text.FIGURES, *text.STATUSES),
    more=quality_help.reliability(chosen),
)
send_pack(look.digest, look.content)
view.send_neighbours(look, data, models, chosen)
