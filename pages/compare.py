"""Compare: the thesis' scores, the same training reproduced here, and scores on unseen cells."""

import streamlit as st

from wbcseg.ui import glossary, navigation, routes
from wbcseg.ui.compare import (
    answer,
    cell_types,
    cross_site,
    feature_agreement,
    leakage,
    score_downloads,
    summary,
    thesis,
    unseen_cells,
)
from wbcseg.ui.compare.selection import select_comparison

navigation.declare_page(
    title="Compare",
    purpose="Which network is better, by how much, and how certain that is.",
    order=50,
)

st.title("Compare the networks")
answer.show_answer()
summary_tab, unseen_tab, thesis_tab, leakage_tab, cross_site_tab, features_tab, types_tab = st.tabs(
    [
        "Summary",
        "Unseen cells",
        thesis.TAB_TITLE,
        leakage.TAB_TITLE,
        cross_site.TAB_TITLE,
        routes.COMPARE_FEATURES_TAB,
        cell_types.TAB_TITLE,
    ],
    key="tab",
    bind="query-params",
    on_change="rerun",
)
if summary_tab.open:
    with summary_tab:
        summary.show_summary()
if unseen_tab.open:
    with unseen_tab:
        selection = select_comparison()
        if selection:
            unseen_cells.show_pairwise_comparisons(selection)
            unseen_cells.show_means(selection)
            unseen_cells.show_per_image(selection)
            unseen_cells.show_paired_differences(selection)
            unseen_cells.show_cell_types(selection)
            unseen_cells.show_time_and_quality(selection)
            unseen_cells.show_hardest(selection)
            score_downloads.show_downloads(selection)
if thesis_tab.open:
    with thesis_tab:
        thesis.show_reproduction()
if leakage_tab.open:
    with leakage_tab:
        leakage.show_leakage()
if cross_site_tab.open:
    with cross_site_tab:
        cross_site.show_cross_site()
if features_tab.open:
    with features_tab:
        feature_agreement.show_feature_agreement()
if types_tab.open:
    with types_tab:
        cell_types.show_cell_types()
glossary.show_glossary(
    *("Dice", "Dice as published", "Jaccard", "Jaccard as published", "±", "Cross-validation", "Confidence interval"),
    *("Paired comparison", "p-value", "Data leakage"),
)
