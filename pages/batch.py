"""Measure: many pictures at once, with a table that fills as results arrive."""

import streamlit as st

from wbcseg.ui import cache, navigation, text
from wbcseg.ui.batch import batch_view, detail, upload
from wbcseg.ui.batch.options import choose_reading
from wbcseg.ui.compare import feature_agreement
from wbcseg.ui.components import quality_help

navigation.ensure_frame()

st.title("Measure many pictures")
st.markdown(
    "Bring pictures of blood smears. Each white cell is segmented and measured, and all of it can be taken away."
)

brought = upload.bring()
models = cache.catalog()
reading = choose_reading(models, brought.pages if brought else 1)
if brought is None:
    batch_view.drop()
    upload.show_what_to_bring()
elif reading is not None:
    batch = batch_view.measure(brought, reading, models)
    if batch is not None:
        batch_view.show_found(batch, reading, models)
        if not batch.progress.alive:
            detail.show_closer(batch, reading.micrometres)
            feature_agreement.say_agreement([reading.entry], careful=reading.careful)
        upload.explain_pairing()
text.notice()
text.explain(
    *("Nucleus", "Cytoplasm", *text.FIGURES, "Dice", "Expert mask", "Careful", "Second opinion", "Model"),
    *text.STATUSES,
    more=quality_help.reliability(models.usable),
)
