"""Compare: what was published, what the same training gives here, and how networks do on cells they never saw."""

import streamlit as st

from wbcseg.ui import agreeing, elsewhere, frame, in_short, leak, question, repeated, unseen, words

frame.ensure_frame()

st.title("Compare the networks")
short, cells, thesis, worth, away, figures = st.tabs(
    [
        *("In short", "Unseen cells", "The thesis, repeated", "What the leak is worth", "Other laboratories"),
        agreeing.TAB,
    ],
    key="tab",
    bind="query-params",
    on_change="rerun",
)
if short.open:
    with short:
        in_short.show_summary()
if cells.open:
    with cells:
        asked = question.ask()
        if asked:
            unseen.show_answer(asked)
            unseen.show_means(asked)
            unseen.show_pictures(asked)
            unseen.show_differences(asked)
            unseen.show_cell_types(asked)
            unseen.show_times(asked)
            unseen.show_worst(asked)
            unseen.offer_downloads(asked)
if thesis.open:
    with thesis:
        repeated.show_experiments()
if worth.open:
    with worth:
        leak.show_worth()
if away.open:
    with away:
        elsewhere.show_elsewhere()
if figures.open:
    with figures:
        agreeing.show_agreement()
words.explain(
    *("Dice", "Dice as published", "Jaccard", "Jaccard as published", "±", "Cross-validation", "Confidence interval"),
    *("Paired", "p", "Leak"),
)
