"""Compare: what was published, what the same training gives here, and how networks do on cells they never saw."""

import streamlit as st

from wbcseg.ui import navigation, text
from wbcseg.ui.compare import cross_site, feature_agreement, leakage, selection, summary, unseen_cells
from wbcseg.ui.compare import thesis as repeated

navigation.ensure_frame()

st.title("Compare the networks")
short, cells, thesis, worth, away, figures = st.tabs(
    [
        *("In short", "Unseen cells", "The thesis, repeated", "What the leak is worth", "Other laboratories"),
        feature_agreement.TAB,
    ],
    key="tab",
    bind="query-params",
    on_change="rerun",
)
if short.open:
    with short:
        summary.show_summary()
if cells.open:
    with cells:
        asked = selection.ask()
        if asked:
            unseen_cells.show_answer(asked)
            unseen_cells.show_means(asked)
            unseen_cells.show_pictures(asked)
            unseen_cells.show_differences(asked)
            unseen_cells.show_cell_types(asked)
            unseen_cells.show_times(asked)
            unseen_cells.show_worst(asked)
            unseen_cells.offer_downloads(asked)
if thesis.open:
    with thesis:
        repeated.show_experiments()
if worth.open:
    with worth:
        leakage.show_worth()
if away.open:
    with away:
        cross_site.show_elsewhere()
if figures.open:
    with figures:
        feature_agreement.show_agreement()
text.explain(
    *("Dice", "Dice as published", "Jaccard", "Jaccard as published", "±", "Cross-validation", "Confidence interval"),
    *("Paired", "p", "Leak"),
)
