"""How well a model's cell measurements agree with those from the experts' masks."""
# ruff: noqa: ARG001 (arguments that a cached function does not read are its keys)

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import streamlit as st

from wbcseg.evaluation.comparison import MODE_LABELS
from wbcseg.evaluation.feature_agreement import FEATURE_AGREEMENT_FOLDER, FeaturePairs
from wbcseg.evaluation.result_store import read_result
from wbcseg.features import FEATURES, FeatureSpec
from wbcseg.inference import ModelEntry
from wbcseg.ui import routes
from wbcseg.ui.compare.result_files import get_file_version, get_model_title, show_not_computed
from wbcseg.ui.components import charts
from wbcseg.ui.components.table import show_table
from wbcseg.ui.formatting import escape_markdown, format_dataset_name, format_significant, get_local_id

DEFAULT_FEATURE: Final = "nucleus_to_cell"
_MODEL_KEY: Final = "agreement_model"


def show_feature_agreement() -> None:
    """Show a Bland–Altman chart of one measurement, and a table of all."""
    pairs_by_model = _load_results()
    st.markdown(
        "Areas, ratios and shape are measured on the experts' masks and on the model's masks of held-out images. Each "
        "point is a cell; with perfect agreement, all points would lie on zero."
    )
    if not pairs_by_model:
        show_not_computed("wbcseg agreement")
        return
    with st.container(horizontal=True):
        model_title = st.selectbox("Model", list(pairs_by_model), key=_MODEL_KEY, bind="query-params", width=440)
        names_by_title = {FEATURES[name].title: name for name in pairs_by_model[model_title].feature_values}
        feature_title = st.selectbox(
            "Measurement",
            list(names_by_title),
            list(names_by_title.values()).index(DEFAULT_FEATURE),
            key="measurement",
            bind="query-params",
        )
    pairs, feature = pairs_by_model[model_title], FEATURES[names_by_title[feature_title]]
    _show_bland_altman(pairs, feature)
    st.caption(f"**{feature.title}**: {escape_markdown(feature.description)}")
    _show_agreement_table(pairs)


def show_expected_error(entries: Sequence[ModelEntry], *, tta: bool) -> None:
    """Show the expected error of a model's measurements in a sentence, with a link to the details.

    Args:
        entries: The models whose measurements are shown. The first one with results is described.
        tta: Whether they predicted with test-time averaging; results of the same mode are preferred.
    """
    pairs_by_model = _load_results()
    if not pairs_by_model:
        return
    model_titles = {entry.name: entry.title for entry in entries}
    matching = [model_title for model_title, pairs in pairs_by_model.items() if pairs.model in model_titles]
    matching.sort(key=lambda model_title: pairs_by_model[model_title].tta != tta)
    query_params = {"tab": routes.COMPARE_FEATURES_TAB} | ({_MODEL_KEY: matching[0]} if matching else {})
    if matching:
        pairs = pairs_by_model[matching[0]]
        nuclear_fraction = pairs.compute_agreement("nucleus_to_cell")
        lobe_count = pairs.compute_agreement("nucleus_lobes")
        dataset_titles = " and ".join(
            dict.fromkeys(format_dataset_name(sample_id.partition("/")[0]) for sample_id in pairs.ids)
        )
        sentence = (
            f"Expected error: nucleus/cell ±{nuclear_fraction.mean_absolute_error:.3f} on average, nuclear lobe count "
            f"correct in {lobe_count.fraction_equal:.0%} of cells ({escape_markdown(model_titles[pairs.model])}, "
            f"{MODE_LABELS['tta' if pairs.tta else 'single']}, {nuclear_fraction.n} held-out cells of "
            f"{dataset_titles})."
        )
    else:
        noun = "this model" if len(entries) == 1 else "these models"
        sentence = (
            f"The expected error is not known for {noun}; it was measured for "
            f"{escape_markdown('; '.join(pairs_by_model))}."
        )
    st.caption(sentence)
    st.page_link(
        routes.COMPARE,
        label="Agreement of all measurements with the experts' masks",
        icon=":material/rule:",
        query_params=query_params,
    )


def _show_bland_altman(pairs: FeaturePairs, feature: FeatureSpec) -> None:
    agreement = pairs.compute_agreement(feature.name)
    points = [
        ((expert_value + model_value) / 2, model_value - expert_value, get_local_id(sample_id))
        for sample_id, (expert_value, model_value) in zip(pairs.ids, pairs.feature_values[feature.name], strict=True)
    ]
    unit = _format_unit(feature)
    bias, low, high, error = map(format_significant, (agreement.bias, *agreement.limits, agreement.mean_absolute_error))
    charts.show_plotly_chart(
        charts.draw_bland_altman(
            points, agreement.bias, agreement.limits, f"Mean of both{unit}", f"Model minus expert{unit}"
        ),
        "bland_altman",
        f"{feature.title} of {agreement.n} cells: model minus expert against the mean of both. Mean difference {bias}, "
        f"limits of agreement {low} to {high}",
    )
    difference = f"{format_significant(abs(agreement.bias))}{unit} {'higher' if agreement.bias > 0 else 'lower'}"
    sentences = [
        f"On average, the model's **{feature.title}** is **{difference}** than the expert's; for 95% of the cells, the "
        f"difference is between {low} and {high} (limits of agreement). The mean absolute error is {error}.",
    ]
    if feature.name == "nucleus_lobes":
        sentences.append(f"For {agreement.fraction_equal:.0%} of the cells, both counts are the same.")
    st.markdown(" ".join(sentences))


def _show_agreement_table(pairs: FeaturePairs) -> None:
    rows = []
    for name in pairs.feature_values:
        agreement = pairs.compute_agreement(name)
        bias, low, high, error = map(
            format_significant, (agreement.bias, *agreement.limits, agreement.mean_absolute_error)
        )
        rows.append([f"{FEATURES[name].title}{_format_unit(FEATURES[name])}", bias, f"{low} to {high}", error])
    header = ["", "Mean difference", "Limits of agreement", "Mean abs. error"]
    show_table(header, rows, "Agreement with the expert")


def _format_unit(feature: FeatureSpec) -> str:
    return {0: "", 1: " (px)", 2: " (px²)"}[feature.power]


def _load_results() -> dict[str, FeaturePairs]:
    """Return the results by the model's title."""
    loaded = [_read_feature_pairs(*get_file_version(path)) for path in sorted(FEATURE_AGREEMENT_FOLDER.glob("*.json"))]
    return {get_model_title(pairs.model) + (f", {MODE_LABELS['tta']}" if pairs.tta else ""): pairs for pairs in loaded}


@st.cache_resource(max_entries=8, show_spinner=False)
def _read_feature_pairs(path: Path, mtime_ns: int) -> FeaturePairs:
    return FeaturePairs.from_dict(read_result(path))
