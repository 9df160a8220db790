"""How well a model's figures of cells agree with those from the experts' masks."""
# ruff: noqa: ARG001 (arguments that a cached function does not read are its keys)

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import streamlit as st

from wbcseg.evaluation.feature_agreement import FEATURE_AGREEMENT_FOLDER, FeaturePairs
from wbcseg.evaluation.result_store import read_result
from wbcseg.features import FEATURES, FeatureSpec
from wbcseg.inference import ModelEntry
from wbcseg.ui import routes
from wbcseg.ui.components import charts
from wbcseg.ui.components.table import show_table
from wbcseg.ui.formatting import escape_markdown, format_dataset_name, get_local_id

TAB_TITLE: Final = "Figures of cells"
"""The tab of that page which shows the agreement."""


def show_feature_agreement() -> None:
    """Show a Bland–Altman chart of one figure, and a table of all."""
    pairs_by_model = _load_results()
    st.markdown(
        "Areas, N:C and shape are measured on the experts' masks and on the model's, of pictures that were held out "
        "from its training. Each dot is a cell; with perfect agreement all would lie on zero."
    )
    if not pairs_by_model:
        st.info("This was not measured yet.", icon=":material/science:")
        st.code("python -m wbcseg evaluate --agreement", language=None, wrap_lines=True)
        return
    with st.container(horizontal=True):
        model_title = st.selectbox("Model", list(pairs_by_model), key="agreement_model", bind="query-params", width=320)
        names_by_title = {FEATURES[name].title: name for name in pairs_by_model[model_title].feature_values}
        feature_title = st.selectbox(
            "Figure",
            list(names_by_title),
            list(names_by_title).index("N:C, nucleus / cell"),
            key="agreement",
            bind="query-params",
        )
    pairs, feature = pairs_by_model[model_title], FEATURES[names_by_title[feature_title]]
    _show_bland_altman(pairs, feature)
    st.caption(f"**{feature.title}**: {escape_markdown(feature.description)}")
    _show_agreement_table(pairs)


def show_expected_error(entries: Sequence[ModelEntry], *, tta: bool) -> None:
    """Say in a sentence how well the figures of a model agree with the experts', and link to all that is known of it.

    Args:
        entries: The models whose figures are shown. The first one that was measured is spoken of.
        tta: Whether they looked carefully: what was measured so is preferred, and either is said.
    """
    pairs_by_model = _load_results()
    if not pairs_by_model:
        return
    model_titles = {entry.name: entry.title for entry in entries}
    matching = [model_title for model_title, item in pairs_by_model.items() if item.model in model_titles]
    matching.sort(key=lambda model_title: pairs_by_model[model_title].tta != tta)
    query_params = {"tab": TAB_TITLE} | ({"agreement_model": matching[0]} if matching else {})
    if matching:
        pairs = pairs_by_model[matching[0]]
        nuclear_fraction, lobe_count = (
            pairs.compute_agreement("nucleus_to_cell"),
            pairs.compute_agreement("nucleus_lobes"),
        )
        dataset_titles = " and ".join(dict.fromkeys(format_dataset_name(item.partition("/")[0]) for item in pairs.ids))
        model_label = f"{escape_markdown(model_titles[pairs.model])} ({'tta' if pairs.tta else 'one look'})"
        sentence = (
            f"How far to rely on these figures: on {nuclear_fraction.n} pictures of {dataset_titles} that were held out from its training, "
            f"nucleus / cell by {model_label} differs from that by the expert's mask by {nuclear_fraction.mean_absolute_error:.3f} on "
            f"average, and the number of lobes is the same in {lobe_count.fraction_equal:.0%} of the cells."
        )
    else:
        sentence = (
            "How well such figures agree with those by experts' masks was measured for "
            f"{escape_markdown('; '.join(pairs_by_model))}, and not for {'this model' if len(entries) == 1 else 'these models'}."
        )
    st.caption(sentence)
    st.page_link(
        routes.COMPARE,
        label="All figures against the experts' masks",
        icon=":material/rule:",
        query_params=query_params,
    )


def _show_bland_altman(pairs: FeaturePairs, feature: FeatureSpec) -> None:
    agreement = pairs.compute_agreement(feature.name)
    low, high = agreement.limits
    points = [
        ((expert_value + model_value) / 2, model_value - expert_value, get_local_id(sample_id))
        for sample_id, (expert_value, model_value) in zip(pairs.ids, pairs.feature_values[feature.name], strict=True)
    ]
    unit = _format_unit(feature)
    charts.show_plotly_chart(
        charts.draw_bland_altman(
            points, agreement.bias, (low, high), f"Mean of both{unit}", f"Model minus expert{unit}"
        ),
        "bland_altman",
        f"{feature.title} of {agreement.n} cells: model minus expert against the mean of both. Mean difference "
        f"{agreement.bias:.3g}, limits of agreement {low:.3g} to {high:.3g}",
    )
    st.markdown(
        f"On average the model's **{feature.title}** is **{abs(agreement.bias):.3g}{unit} "
        f"{'higher' if agreement.bias > 0 else 'lower'}** than the expert's; for 95 of 100 cells the difference lies between "
        f"{low:.3g} and {high:.3g} (limits of agreement). Its mean size is {agreement.mean_absolute_error:.3g}."
        + (
            f" For {agreement.fraction_equal:.0%} of the cells both are the same."
            if feature.name == "nucleus_lobes"
            else ""
        )
    )


def _show_agreement_table(pairs: FeaturePairs) -> None:
    rows = []
    for name in pairs.feature_values:
        agreement = pairs.compute_agreement(name)
        low, high = agreement.limits
        row_title = f"{FEATURES[name].title}{_format_unit(FEATURES[name])}"
        rows.append(
            [row_title, f"{agreement.bias:.3g}", f"{low:.3g} to {high:.3g}", f"{agreement.mean_absolute_error:.3g}"]
        )
    show_table(["", "Mean difference", "Limits of agreement", "Mean size"], rows, "Agreement with the expert")


def _format_unit(feature: FeatureSpec) -> str:
    return {0: "", 1: " (px)", 2: " (px²)"}[feature.power]


def _load_results() -> dict[str, FeaturePairs]:
    files = sorted(FEATURE_AGREEMENT_FOLDER.glob("*.json"))
    loaded = [_read_feature_pairs(path, path.stat().st_mtime_ns) for path in files]
    return {f"{pairs.model}{', careful' if pairs.tta else ''}": pairs for pairs in loaded}


@st.cache_resource(max_entries=8, show_spinner=False)
def _read_feature_pairs(path: Path, mtime_ns: int) -> FeaturePairs:
    return FeaturePairs.from_dict(read_result(path))
