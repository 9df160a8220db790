"""How well a model's figures of cells agree with those from the experts' masks."""
# ruff: noqa: ARG001 (arguments that a cached function does not read are its keys)

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import streamlit as st

from wbcseg.evaluation.agreement import FOLDER, Pairs
from wbcseg.measurement import MEASURES, Measure
from wbcseg.ui import charts
from wbcseg.ui.table import show_table
from wbcseg.ui.words import as_text, stem


def show_agreement() -> None:
    """Show a Bland–Altman chart of one figure, and a table of all."""
    found = _results()
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
        titles = {MEASURES[name].title: name for name in found[title].figures}
        shown = st.selectbox(
            "Figure", list(titles), list(titles).index("N:C, nucleus / cell"), key="agreement", bind="query-params"
        )
    pairs, measure = found[title], MEASURES[titles[shown]]
    _show_chart(pairs, measure)
    st.caption(f"**{measure.title}**: {as_text(measure.meaning)}")
    _show_table(pairs)


def _show_chart(pairs: Pairs, measure: Measure) -> None:
    one = pairs.agreement(measure.name)
    low, high = one.limits
    dots = [
        ((expert + computed) / 2, computed - expert, stem(sample_id))
        for sample_id, (expert, computed) in zip(pairs.ids, pairs.figures[measure.name], strict=True)
    ]
    unit = _unit(measure)
    charts.show(
        charts.differences(dots, one.bias, (low, high), f"Mean of both{unit}", f"Model minus expert{unit}"),
        "bland_altman",
        f"{measure.title} of {one.n} cells: model minus expert against the mean of both. Mean difference "
        f"{one.bias:.3g}, limits of agreement {low:.3g} to {high:.3g}",
    )
    st.markdown(
        f"On average the model's **{measure.title}** is **{abs(one.bias):.3g}{unit} "
        f"{'higher' if one.bias > 0 else 'lower'}** than the expert's; for 95 of 100 cells the difference lies between "
        f"{low:.3g} and {high:.3g} (limits of agreement). Its mean size is {one.mean_absolute_error:.3g}."
        + (f" For {one.same:.0%} of the cells both are the same." if measure.name == "lobes" else "")
    )


def _show_table(pairs: Pairs) -> None:
    rows = []
    for name in pairs.figures:
        one = pairs.agreement(name)
        low, high = one.limits
        title = f"{MEASURES[name].title}{_unit(MEASURES[name])}"
        rows.append([title, f"{one.bias:.3g}", f"{low:.3g} to {high:.3g}", f"{one.mean_absolute_error:.3g}"])
    show_table(["", "Mean difference", "Limits of agreement", "Mean size"], rows, "Agreement with the expert")


def _unit(measure: Measure) -> str:
    return {0: "", 1: " (px)", 2: " (px²)"}[measure.power]


def _results() -> dict[str, Pairs]:
    files = sorted(FOLDER.glob("*.json"))
    found = [_read(path, path.stat().st_mtime_ns) for path in files]
    return {f"{one.model}{', careful' if one.careful else ''}": one for one in found}


@st.cache_resource(max_entries=8, show_spinner=False)
def _read(path: Path, changed: int) -> Pairs:
    values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return Pairs.from_dict(values)
