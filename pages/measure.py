"""Measure: many pictures at once, with a table that fills as results arrive."""

import streamlit as st

from wbcseg.ui import agreeing, bringing, closer, frame, measuring, store, trusting, words
from wbcseg.ui.reading import choose_reading

frame.ensure_frame()

st.title("Measure many pictures")
st.markdown(
    "Bring pictures of blood smears. Each white cell is segmented and measured, and all of it can be taken away."
)

brought = bringing.bring()
models = store.catalog()
reading = choose_reading(models, brought.pages if brought else 1)
if brought is None:
    measuring.drop()
    bringing.show_what_to_bring()
elif reading is not None:
    batch = measuring.measure(brought, reading, models)
    if batch is not None:
        measuring.show_found(batch, reading, models)
        if not batch.progress.alive:
            closer.show_closer(batch, reading.micrometres)
            agreeing.say_agreement([reading.entry], careful=reading.careful)
        bringing.explain_pairing()
words.notice()
words.explain(
    *("Nucleus", "Cytoplasm", *words.FIGURES, "Dice", "Expert mask", "Careful", "Second opinion", "Model"),
    *words.STATUSES,
    more=trusting.reliability(models.usable),
)
