"""How the networks do on another laboratory's pictures, and whether they know when they are wrong."""
# ruff: noqa: ARG001 (arguments that a cached function does not read are its keys)

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from wbcseg.evaluation import comparison, cross_validation
from wbcseg.evaluation.comparison import PredictionMode
from wbcseg.evaluation.cross_site import CROSS_SITE_FOLDER, FOREGROUND_REGIONS, SITES, select_training
from wbcseg.ui.compare.selection import PREDICTION_MODES, format_region
from wbcseg.ui.components import charts
from wbcseg.ui.components.table import show_table
from wbcseg.ui.text import GLOSSARY, format_difference
from wbcseg.ui.train.fields import format_dataset

CrossSiteResult = Mapping[str, Any]
FileVersion = tuple[Path, int]
"""A file and when it was changed."""


def show_cross_site() -> None:
    """Show tables of scores, how well results are judged, and whether probabilities are right."""
    st.markdown(
        "A network that knows one laboratory's microscope and stain may fail on another's. Here each network learned "
        "from the pictures of one laboratory, varied in stain, light, focus and size as far as pictures come, and from "
        "drawn ones; and was tested on the **other laboratory's**, which it had never seen."
    )
    files = [_get_file_version(path) for path in cross_validation.list_study_files(CROSS_SITE_FOLDER)]
    results = [_read_result(*file) for file in files]
    if not results:
        st.info("This was not measured yet.", icon=":material/science:")
        st.code("python -m wbcseg evaluate --laboratories", language=None, wrap_lines=True)
        return
    look = _show_scores(files)
    _show_in_domain(files, look)
    _show_quality(results)
    _show_calibration(results)


def _show_scores(files: Sequence[FileVersion]) -> PredictionMode:
    st.subheader("Scores", help=GLOSSARY["Dice"])
    look = PREDICTION_MODES[
        st.segmented_control(
            "Prediction", list(PREDICTION_MODES), default=next(iter(PREDICTION_MODES)), required=True, key="away"
        )
    ]
    rows = [row for file in files for row in _build_score_rows(*file, look)]
    heads = ["Network", "Learned from", "Tested on", "Pictures"]
    show_table(
        [*heads, *(f"Dice, {format_region(region).lower()}" for region in FOREGROUND_REGIONS)],
        rows,
        "Scores in the other laboratory",
    )
    return look


def _show_in_domain(files: Sequence[FileVersion], look: PredictionMode) -> None:
    rows = []
    for path, changed in files:
        special = [cross_validation.get_study_file(name, path.stem) for name in SITES]
        rows += _build_in_domain_rows(
            path, changed, tuple(_get_file_version(one) if one.exists() else None for one in special), look
        )
    if not rows:
        return
    st.subheader("At home")
    st.markdown(
        "What learning from both laboratories costs, or gains: a model for any laboratory is tested on cells of both "
        "that were kept from it, beside networks of the same kind that learned from the one laboratory alone "
        "(difference of the Dice on the same pictures, with its 95 % confidence interval, where such networks were "
        "measured). The two differ in another respect, too: outlines of the model for any laboratory are drawn along "
        "the picture's edges, those of the others are as the network left them."
    )
    heads = [
        "Model",
        "Tested on",
        "Pictures",
        *(f"Dice, {format_region(region).lower()}" for region in FOREGROUND_REGIONS),
    ]
    show_table(heads, rows, "Scores at home")


def _show_quality(results: Sequence[CrossSiteResult]) -> None:
    st.subheader("Does it show when a result is wrong?")
    st.markdown(
        "Every result gets a status: *looks fine*, *check* or *unlike the training data*. It was learned from these "
        "results and from pictures that are no smears (photographs, textures, noise, writing, drawn and real tissue), "
        "and is measured on pictures and kinds that it had not learned from. How much is marked was set on the same "
        "results: so that bad ones are caught, and about one good one in ten is marked for it."
    )
    rows = [
        [
            result["title"],
            f"{_format_percent(trust['unlike_strangers'])} of {trust['strangers']}",
            f"{_format_percent(trust['unlike_smears'])} of {trust['smears']}",
            f"{trust['unlike_auroc']:.4f}",
            f"{_format_percent(trust['bad_caught'])} of {trust['bad']}" if trust["bad"] else "there were none",
            f"{_format_percent(trust['good_marked'])} of {trust['pictures'] - trust['bad']}",
        ]
        for result in results
        for trust in (result["trust"],)
    ]
    heads = ["Network", "Other pictures called unlike", "Smears called unlike", "AUROC", "Bad results marked"]
    show_table([*heads, "Others marked"], rows, "How well bad results are marked")
    varied = "; ".join(
        f"{result['title']} {_format_percent(trust['varied_bad_caught'])} of {trust['varied_bad']} bad ones, "
        f"{_format_percent(trust['varied_good_marked'])} of {trust['varied_pictures'] - trust['varied_bad']} others"
        for result in results
        for trust in (result["trust"],)
    )
    st.caption(
        f"Marked among copies of the pictures in another stain, light and focus: {varied}.  \n"
        "A bad result is one whose Dice of the whole cell is below .8; marked is what is called *check* or *unlike*. "
        "**AUROC**: how often a picture that is no smear gets a higher score than a smear; 1 is always."
    )


def _show_calibration(results: Sequence[CrossSiteResult]) -> None:
    st.subheader("Are the probabilities right?")
    st.markdown(
        "Of the pixels that a network is 80 % sure of, it should get 80 % right: then all dots lie on the diagonal. "
        "One look, in the other laboratory."
    )
    lines = {
        f"{result['title']}, tested on {_format_site(name)}": one
        for result in results
        for name, one in result["calibration"].items()
    }
    errors = {title: one["error"] for title, one in lines.items()}
    said = "; ".join(f"{title} {error:.3f}" for title, error in errors.items())
    dots = {title: [(b["sure"], b["right"], b["pixels"]) for b in one["bins"]] for title, one in lines.items()}
    charts.show_plotly_chart(
        charts.draw_reliability_diagram(dots),
        "reliability",
        f"Share of right pixels against how sure the network was. Error: {said}",
    )
    st.caption(
        f"**Expected calibration error** (mean distance from the diagonal, weighted by pixels): {said}. Of the "
        "probabilities that results of models for any laboratory show, after outlines were drawn along edges. They "
        "would be closest to right at a temperature (what their logarithms are divided by; 1 leaves them as they are) "
        "of " + "; ".join(f"{one['temperature']:g} for {title}" for title, one in lines.items()) + "."
    )


@st.cache_data(max_entries=16, show_spinner=False)
def _build_score_rows(path: Path, changed: int, look: PredictionMode) -> list[list[str]]:
    """Return the rows of a network's scores in the other laboratory."""
    result = _read_result(path, changed)
    rows = []
    for number, training in enumerate(result["trainings"]):
        means = [_summarize(result, number, region, look) for region in FOREGROUND_REGIONS]
        rows.append(
            [
                result["title"],
                _format_site(training["trained_on"]),
                _format_site(training["tested_on"]),
                str(training["tested"]),
                *(f"{one.mean:.3f} ± {one.standard_error:.3f}" for one in means),
            ]
        )
    return rows


@st.cache_data(max_entries=16, show_spinner=False)
def _build_in_domain_rows(
    path: Path, changed: int, special: Sequence[FileVersion | None], look: PredictionMode
) -> list[list[str]]:
    """Return the rows of a general model's scores at home; none where it was not measured there."""
    result = _read_result(path, changed)
    if "home" not in result:
        return []
    rows = []
    for number, (name, other) in enumerate(zip(SITES, special, strict=True)):
        part = select_training(result["home"], number)
        cells = [f"{_summarize(result['home'], number, region, look).mean:.3f}" for region in FOREGROUND_REGIONS]
        if other is not None:
            for place, region in enumerate(FOREGROUND_REGIONS):
                one = comparison.compare_results(part, _read_result(*other), "dice", region, look)
                cells[place] += (
                    f" ({format_difference(one.difference)}, {format_difference(one.ci_low)} to {format_difference(one.ci_high)})"
                )
        rows.append([result["home"]["model"], format_dataset(name), str(len(part["pictures"])), *cells])
    return rows


def _get_file_version(path: Path) -> FileVersion:
    return path, path.stat().st_mtime_ns


def _summarize(result: CrossSiteResult, training: int, region: str, look: PredictionMode) -> comparison.MetricSummary:
    values = comparison.collect_metric(select_training(result, training), "dice", region, look)
    return comparison.summarise_values(list(values.values()))


def _format_site(name: str) -> str:
    return format_dataset(name.removesuffix("+synthetic"))


def _format_percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.0f} %"


@st.cache_resource(max_entries=8, show_spinner=False)
def _read_result(path: Path, changed: int) -> dict[str, Any]:
    return cross_validation.load_study_results([path])[0]
