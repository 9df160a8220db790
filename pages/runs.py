"""Runs: all trainings, their curves beside each other, and what to do with each."""

import streamlit as st

from wbcseg.ui import navigation, text
from wbcseg.ui.runs import comparison, details, table

navigation.ensure_frame()

st.title("Runs")
st.markdown("All trainings, the newest first. Choose some to compare their curves and settings, or one to look closer.")

chosen = table.choose_runs()
details.show_problem()
if len(chosen) == 1:
    details.show_run(chosen[0])
elif chosen:
    details.delete_button(chosen)
if chosen:
    comparison.compare(chosen)
    comparison.show_differences(chosen)
if len(chosen) == 1:
    details.manage(chosen[0])
text.explain("Epoch", "Loss", "Accuracy", "Dice", "Held-out", "Split", "Fold", "Leaking split", "Smoothing")
