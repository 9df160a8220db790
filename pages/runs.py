"""Runs: all training runs, their curves in one chart, and what can be done with each."""

import streamlit as st

from wbcseg.ui import glossary, navigation
from wbcseg.ui.components import problems
from wbcseg.ui.runs import comparison, details, table

navigation.declare_page(
    title="Runs",
    purpose="All training runs: compare their curves and settings, add notes, download or delete them.",
    order=70,
)

st.title("Runs")
st.markdown("All runs, the newest first. Select several to compare their curves and settings, or one to see details.")

selected_runs = table.select_runs()
problems.show_problem(details.PROBLEM_KEY)
if len(selected_runs) == 1:
    details.show_run(selected_runs[0])
elif selected_runs:
    details.show_delete_button(selected_runs)
if selected_runs:
    compared_runs = table.add_baseline(selected_runs)
    comparison.show_scores(compared_runs)
    comparison.show_run_curves(compared_runs)
    comparison.show_config_diff(compared_runs)
if len(selected_runs) == 1:
    details.show_run_tools(selected_runs[0])
glossary.show_glossary(
    *("Epoch", "Loss", "Accuracy", "Dice", "Fast Dice", "Held-out"),
    *("Split", "Fold", "Leaky split", "Smoothing"),
)
