"""Runs: all trainings, their curves beside each other, and what to do with each."""

import streamlit as st

from wbcseg.ui import glossary, navigation
from wbcseg.ui.runs import comparison, details, table

navigation.declare_page(
    title="Runs",
    purpose="All training runs: compare their curves and settings, add notes, download or delete them.",
    order=70,
)

st.title("Runs")
st.markdown("All trainings, the newest first. Choose some to compare their curves and settings, or one to look closer.")

chosen_runs = table.select_runs()
details.show_problem()
if len(chosen_runs) == 1:
    details.show_run(chosen_runs[0])
elif chosen_runs:
    details.show_delete_button(chosen_runs)
if chosen_runs:
    comparison.show_run_curves(chosen_runs)
    comparison.show_config_diff(chosen_runs)
if len(chosen_runs) == 1:
    details.show_run_tools(chosen_runs[0])
glossary.show_glossary("Epoch", "Loss", "Accuracy", "Dice", "Held-out", "Split", "Fold", "Leaky split", "Smoothing")
