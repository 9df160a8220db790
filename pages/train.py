"""Train: describe a training, start it, and watch it learn."""

import streamlit as st

from wbcseg.training.runs.summary import overviews
from wbcseg.ui import navigation, text
from wbcseg.ui.segment import edited_masks
from wbcseg.ui.train import form, launch, live

navigation.ensure_frame()

st.title("Train a network")
st.markdown("A network learns from pictures and masks. Describe a training, start it, and watch it learn.")

found = overviews()
watching = "run" in st.query_params or (any(one.alive for one in found) and edited_masks.LINK not in st.query_params)
new, watch = st.tabs(
    [launch.NEW, launch.WATCH], key="tab", bind="query-params", default=launch.WATCH if watching else launch.NEW
)

if new.open:
    with new:
        launch.offer_start(form.plan_training())
        text.explain("Architecture", "Width", "Epoch", "Batch", "Loss", "Split", "Fold", "Leaking split", "Seed")

if watch.open:
    with watch:
        if found:
            live.watch(live.choose_run(found))
            text.explain("Epoch", "Batch", "Loss", "Accuracy", "Binary accuracy", "Dice", "Held-out", "Leaking split")
        else:
            st.info("No training yet. Describe one under New training, and start it.", icon=":material/school:")
