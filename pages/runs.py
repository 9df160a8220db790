"""Runs: all trainings, their curves beside each other, and what to do with each."""

import streamlit as st

from wbcseg.ui import comparing, frame, run_details, runs_table, words

frame.ensure_frame()

st.title("Runs")
st.markdown("All trainings, the newest first. Choose some to compare their curves and settings, or one to look closer.")

chosen = runs_table.choose_runs()
run_details.show_problem()
if len(chosen) == 1:
    run_details.show_run(chosen[0])
elif chosen:
    run_details.delete_button(chosen)
if chosen:
    comparing.compare(chosen)
    comparing.show_differences(chosen)
if len(chosen) == 1:
    run_details.manage(chosen[0])
words.explain("Epoch", "Loss", "Accuracy", "Dice", "Held-out", "Split", "Fold", "Leaking split", "Smoothing")
