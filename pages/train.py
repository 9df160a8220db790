"""Train: set up a training run, start it, and follow its progress."""

import streamlit as st

from wbcseg.training.runs.examples import list_examples
from wbcseg.training.runs.summary import list_summaries
from wbcseg.ui import glossary, navigation, routes
from wbcseg.ui.segment import edited_masks
from wbcseg.ui.train import address, form, launch, live, methods

navigation.declare_page(
    title="Train",
    purpose="Train a network on images and masks, and follow its progress.",
    order=60,
)

st.title("Train a network")
launch.stop_if_not_offered()
st.markdown("A network learns from images and their masks. Set up a training run, start it, and follow its progress.")

summaries = list_summaries()
is_progress_default = "run" in st.query_params or (
    any(summary.is_active for summary in summaries)
    and edited_masks.LINK_PARAM not in st.query_params
    and not address.has_form()
)
new_tab, progress_tab, methods_tab = st.tabs(
    [routes.TRAIN_NEW_TAB, routes.TRAIN_PROGRESS_TAB, routes.TRAIN_METHODS_TAB],
    key="tab",
    bind="query-params",
    default=routes.TRAIN_PROGRESS_TAB if is_progress_default else routes.TRAIN_NEW_TAB,
)

if new_tab.open:
    with new_tab:
        launch.show_cost_and_start(form.configure_training())
        glossary.show_glossary(
            *("Architecture", "Base filters", "Epoch", "Batch", "Loss", "Adversarial training", "Critic"),
            *("Split", "Fold", "Leaky split", "Seed"),
        )

if progress_tab.open:
    address.clear_form()
    with progress_tab:
        examples = list_examples()
        if not summaries:
            st.info(f"There are no runs yet. Set one up under {routes.TRAIN_NEW_TAB}.", icon=":material/school:")
        if summaries or examples:
            live.show_live(live.select_run([*summaries, *examples]))
            glossary.show_glossary(
                "Epoch", "Batch", "Loss", "Accuracy", "Binary accuracy", "Dice", "Fast Dice", "Held-out", "Leaky split"
            )

if methods_tab.open:
    address.clear_form()
    with methods_tab:
        methods.show_methods()
        glossary.show_glossary("Method", "Pixel feature", "Random forest", "Support vector machine", "Held-out", "Dice")
