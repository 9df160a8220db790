"""Train: describe a training, start it, and watch it learn."""

import streamlit as st

from wbcseg.training.overview import overviews
from wbcseg.ui import corrected, frame, live, start, training_form, words

frame.ensure_frame()

st.title("Train a network")
st.markdown("A network learns from pictures and masks. Describe a training, start it, and watch it learn.")

found = overviews()
watching = "run" in st.query_params or (any(one.alive for one in found) and corrected.LINK not in st.query_params)
new, watch = st.tabs(
    [start.NEW, start.WATCH], key="tab", bind="query-params", default=start.WATCH if watching else start.NEW
)

if new.open:
    with new:
        start.offer_start(training_form.plan_training())
        words.explain("Architecture", "Width", "Epoch", "Batch", "Loss", "Split", "Fold", "Leaking split", "Seed")

if watch.open:
    with watch:
        if found:
            live.watch(live.choose_run(found))
            words.explain("Epoch", "Batch", "Loss", "Accuracy", "Binary accuracy", "Dice", "Held-out", "Leaking split")
        else:
            st.info("No training yet. Describe one under New training, and start it.", icon=":material/school:")
