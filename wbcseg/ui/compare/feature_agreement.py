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
from wbcseg.ui.text import escape_markdown, format_dataset_name, get_local_id

TAB_TITLE: Final = "Figures of cells"
"""The tab of that page which shows the agreement."""


def show_feature_agreement() -> None:
    """Show a Bland–Altman chart of one figure, and a table of all."""
    found = _load_results()
    st.markdown(
        "Areas, N:C and shape are measured on the experts' masks and on the model's, of pictures that were held out "
        "from its training. Each dot is a cell; with perfect agreement all would lie on zero."
    )
    if not found:
        st.info("This was not measured yet.", icon=":material/science:")
        st.code("python -m wbcseg evaluate --agreement", language=None, wrap_lines=True)
        return
    with st.container(horizontal=True):
        title = st.selectbox("Model", list(found), key="agreement_model", bind="query-params", width=320)
        titles = {FEATURES[name].title: name for name in found[title].feature_values}
        shown = st.selectbox(
            "Figure", list(titles), list(titles).index("N:C, nucleus / cell"), key="agreement", bind="query-params"
        )
    pairs, measure = found[title], FEATURES[titles[shown]]
    _show_bland_altman(pairs, measure)
    st.caption(f"**{measure.title}**: {escape_markdown(measure.description)}")
    _show_agreement_table(pairs)


def show_expected_error(entries: Sequence[ModelEntry], *, careful: bool) -> None:
    """Say in a sentence how well the figures of a model agree with the experts', and link to all that is known of it.

    Args:
        entries: The models whose figures are shown. The first one that was measured is spoken of.
        careful: Whether they looked carefully: what was measured so is preferred, and either is said.
    """
    found = _load_results()
    if not found:
        return
    titles = {entry.name: entry.title for entry in entries}
    own = [title for title, one in found.items() if one.model in titles]
    own.sort(key=lambda title: found[title].tta != careful)
    address = {"tab": TAB_TITLE} | ({"agreement_model": own[0]} if own else {})
    if own:
        pairs = found[own[0]]
        share, lobes = pairs.compute_agreement("nucleus_to_cell"), pairs.compute_agreement("lobes")
        sets = " and ".join(dict.fromkeys(format_dataset_name(one.partition("/")[0]) for one in pairs.ids))
        who = f"{escape_markdown(titles[pairs.model])} ({'careful' if pairs.tta else 'one look'})"
        said = (
            f"How far to rely on these figures: on {share.n} pictures of {sets} that were held out from its training, "
            f"nucleus / cell by {who} differs from that by the expert's mask by {share.mean_absolute_error:.3f} on "
            f"average, and the number of lobes is the same in {lobes.fraction_equal:.0%} of the cells."
        )
    else:
        said = (
            "How well such figures agree with those by experts' masks was measured for "
            f"{escape_markdown('; '.join(found))}, and not for {'this model' if len(entries) == 1 else 'these models'}."
        )
    st.caption(said)
    st.page_link(
        routes.COMPARE, label="All figures against the experts' masks", icon=":material/rule:", query_params=address
    )


def _show_bland_altman(pairs: FeaturePairs, measure: FeatureSpec) -> None:
    one = pairs.compute_agreement(measure.name)
    low, high = one.limits
    dots = [
        ((expert + computed) / 2, computed - expert, get_local_id(sample_id))
        for sample_id, (expert, computed) in zip(pairs.ids, pairs.feature_values[measure.name], strict=True)
    ]
    unit = _format_unit(measure)
    charts.show_plotly_chart(
        charts.draw_bland_altman(dots, one.bias, (low, high), f"Mean of both{unit}", f"Model minus expert{unit}"),
        "bland_altman",
        f"{measure.title} of {one.n} cells: model minus expert against the mean of both. Mean difference "
        f"{one.bias:.3g}, limits of agreement {low:.3g} to {high:.3g}",
    )
    st.markdown(
        f"On average the model's **{measure.title}** is **{abs(one.bias):.3g}{unit} "
        f"{'higher' if one.bias > 0 else 'lower'}** than the expert's; for 95 of 100 cells the difference lies between "
        f"{low:.3g} and {high:.3g} (limits of agreement). Its mean size is {one.mean_absolute_error:.3g}."
        + (f" For {one.fraction_equal:.0%} of the cells both are the same." if measure.name == "lobes" else "")
    )


def _show_agreement_table(pairs: FeaturePairs) -> None:
    rows = []
    for name in pairs.feature_values:
        one = pairs.compute_agreement(name)
        low, high = one.limits
        title = f"{FEATURES[name].title}{_format_unit(FEATURES[name])}"
        rows.append([title, f"{one.bias:.3g}", f"{low:.3g} to {high:.3g}", f"{one.mean_absolute_error:.3g}"])
    show_table(["", "Mean difference", "Limits of agreement", "Mean size"], rows, "Agreement with the expert")


def _format_unit(measure: FeatureSpec) -> str:
    return {0: "", 1: " (px)", 2: " (px²)"}[measure.power]


def _load_results() -> dict[str, FeaturePairs]:
    files = sorted(FEATURE_AGREEMENT_FOLDER.glob("*.json"))
    found = [_read_feature_pairs(path, path.stat().st_mtime_ns) for path in files]
    return {f"{one.model}{', careful' if one.tta else ''}": one for one in found}


@st.cache_resource(max_entries=8, show_spinner=False)
def _read_feature_pairs(path: Path, changed: int) -> FeaturePairs:
    return FeaturePairs.from_dict(read_result(path))
