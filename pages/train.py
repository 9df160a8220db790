"""Train: describe a training, start it, and watch it learn."""

import streamlit as st

from wbcseg.training.runs.summary import list_summaries
from wbcseg.ui import glossary, navigation
from wbcseg.ui.segment import edited_masks
from wbcseg.ui.train import form, launch, live

navigation.declare_page(
    title="Train",
    purpose="Train a network on images and masks, and follow its progress.",
    order=60,
)

st.title("Train a network")
st.markdown("A network learns from pictures and masks. Describe a training, start it, and watch it learn.")

summaries = list_summaries()
is_progress_default = "run" in st.query_params or (
    any(summary.is_active for summary in summaries) and edited_masks.LINK_PARAM not in st.query_params
)
new_tab, progress_tab = st.tabs(
    [launch.NEW_RUN_TAB, launch.PROGRESS_TAB],
    key="tab",
    bind="query-params",
    default=launch.PROGRESS_TAB if is_progress_default else launch.NEW_RUN_TAB,
)

if new_tab.open:
    with new_tab:
        launch.show_cost_and_start(form.configure_training())
        glossary.show_glossary(
            "Architecture", "Base filters", "Epoch", "Batch", "Loss", "Split", "Fold", "Leaky split", "Seed"
        )

if progress_tab.open:
    with progress_tab:
        if summaries:
            live.show_live(live.select_run(summaries))
            glossary.show_glossary(
                "Epoch", "Batch", "Loss", "Accuracy", "Binary accuracy", "Dice", "Held-out", "Leaky split"
            )
        else:
            st.info("No training yet. Describe one under New training, and start it.", icon=":material/school:")
