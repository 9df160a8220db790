"""Compare: which network is best on unseen cells; the thesis' scores, data leakage, other laboratories."""

import streamlit as st

from wbcseg.ui import glossary, navigation, routes
from wbcseg.ui.compare import answer, cell_types, cross_site, feature_agreement, leakage, summary, thesis
from wbcseg.ui.compare.ranking import view

navigation.declare_page(
    title="Compare",
    purpose="Which network is best, by how much, and how certain that is.",
    order=50,
)

st.title("Compare the networks")
ranking_tab, summary_tab, thesis_tab, leakage_tab, cross_site_tab, features_tab, types_tab = st.tabs(
    [
        view.TAB_TITLE,
        summary.TAB_TITLE,
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
if ranking_tab.open:
    with ranking_tab:
        view.show_ranking(below_overview=answer.show_answer)
if summary_tab.open:
    with summary_tab:
        summary.show_summary()
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
    *("Paired comparison", "p-value", "Wilcoxon signed-rank test", "Holm correction", "Critical difference"),
    *("Pareto front", "Confusion matrix", "Reliability diagram", "Data leakage"),
)
