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
from wbcseg.ui.formatting import format_difference
from wbcseg.ui.glossary import GLOSSARY
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
        st.code("python -m wbcseg evaluate --cross-site", language=None, wrap_lines=True)
        return
    mode = _show_scores(files)
    _show_in_domain(files, mode)
    _show_quality(results)
    _show_calibration(results)


def _show_scores(files: Sequence[FileVersion]) -> PredictionMode:
    st.subheader("Scores", help=GLOSSARY["Dice"])
    mode = PREDICTION_MODES[
        st.segmented_control(
            "Prediction", list(PREDICTION_MODES), default=next(iter(PREDICTION_MODES)), required=True, key="away"
        )
    ]
    rows = [row for file in files for row in _build_score_rows(*file, mode)]
    header = ["Network", "Learned from", "Tested on", "Pictures"]
    show_table(
        [*header, *(f"Dice, {format_region(region).lower()}" for region in FOREGROUND_REGIONS)],
        rows,
        "Scores in the other laboratory",
    )
    return mode


def _show_in_domain(files: Sequence[FileVersion], mode: PredictionMode) -> None:
    rows = []
    for path, mtime_ns in files:
        single_site_paths = [cross_validation.get_study_file(site, path.stem) for site in SITES]
        rows += _build_in_domain_rows(
            path,
            mtime_ns,
            tuple(
                _get_file_version(single_site_path) if single_site_path.exists() else None
                for single_site_path in single_site_paths
            ),
            mode,
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
    header = [
        "Model",
        "Tested on",
        "Pictures",
        *(f"Dice, {format_region(region).lower()}" for region in FOREGROUND_REGIONS),
    ]
    show_table(header, rows, "Scores at home")


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
            f"{_format_percent(quality['out_of_range_negatives'])} of {quality['negatives']}",
            f"{_format_percent(quality['out_of_range_smears'])} of {quality['smears']}",
            f"{quality['out_of_range_auroc']:.4f}",
            f"{_format_percent(quality['bad_flagged'])} of {quality['bad']}" if quality["bad"] else "there were none",
            f"{_format_percent(quality['good_flagged'])} of {quality['images'] - quality['bad']}",
        ]
        for result in results
        for quality in (result["quality"],)
    ]
    header = ["Network", "Other pictures called unlike", "Smears called unlike", "AUROC", "Bad results marked"]
    show_table([*header, "Others marked"], rows, "How well bad results are marked")
    varied_text = "; ".join(
        f"{result['title']} {_format_percent(quality['varied_bad_flagged'])} of {quality['varied_bad']} bad ones, "
        f"{_format_percent(quality['varied_good_flagged'])} of {quality['varied_images'] - quality['varied_bad']} others"
        for result in results
        for quality in (result["quality"],)
    )
    st.caption(
        f"Marked among copies of the pictures in another stain, light and focus: {varied_text}.  \n"
        "A bad result is one whose Dice of the whole cell is below .8; marked is what is called *check* or *unlike*. "
        "**AUROC**: how often a picture that is no smear gets a higher score than a smear; 1 is always."
    )


def _show_calibration(results: Sequence[CrossSiteResult]) -> None:
    st.subheader("Are the probabilities right?")
    st.markdown(
        "Of the pixels that a network is 80 % sure of, it should get 80 % right: then all dots lie on the diagonal. "
        "One look, in the other laboratory."
    )
    calibrations = {
        f"{result['title']}, tested on {_format_site(site)}": calibration
        for result in results
        for site, calibration in result["calibration"].items()
    }
    errors = {title: calibration["ece"] for title, calibration in calibrations.items()}
    error_text = "; ".join(f"{title} {error:.3f}" for title, error in errors.items())
    bins_by_title = {
        title: [(b["confidence"], b["accuracy"], b["pixels"]) for b in calibration["bins"]]
        for title, calibration in calibrations.items()
    }
    charts.show_plotly_chart(
        charts.draw_reliability_diagram(bins_by_title),
        "reliability",
        f"Share of right pixels against how sure the network was. Error: {error_text}",
    )
    st.caption(
        f"**Expected calibration error** (mean distance from the diagonal, weighted by pixels): {error_text}. Of the "
        "probabilities that results of models for any laboratory show, after outlines were drawn along edges. They "
        "would be closest to right at a temperature (what their logarithms are divided by; 1 leaves them as they are) "
        "of "
        + "; ".join(f"{calibration['temperature']:g} for {title}" for title, calibration in calibrations.items())
        + "."
    )


@st.cache_data(max_entries=16, show_spinner=False)
def _build_score_rows(path: Path, mtime_ns: int, mode: PredictionMode) -> list[list[str]]:
    """Return the rows of a network's scores in the other laboratory."""
    result = _read_result(path, mtime_ns)
    rows = []
    for index, training in enumerate(result["trainings"]):
        summaries = [_summarize(result, index, region, mode) for region in FOREGROUND_REGIONS]
        rows.append(
            [
                result["title"],
                _format_site(training["trained_on"]),
                _format_site(training["tested_on"]),
                str(training["tested"]),
                *(f"{summary.mean:.3f} ± {summary.standard_error:.3f}" for summary in summaries),
            ]
        )
    return rows


@st.cache_data(max_entries=16, show_spinner=False)
def _build_in_domain_rows(
    path: Path, mtime_ns: int, single_site_files: Sequence[FileVersion | None], mode: PredictionMode
) -> list[list[str]]:
    """Return the rows of a general model's scores at home; none where it was not measured there."""
    result = _read_result(path, mtime_ns)
    if "in_domain" not in result:
        return []
    rows = []
    for index, (site, single_site_file) in enumerate(zip(SITES, single_site_files, strict=True)):
        in_domain_result = select_training(result["in_domain"], index)
        cells = [f"{_summarize(result['in_domain'], index, region, mode).mean:.3f}" for region in FOREGROUND_REGIONS]
        if single_site_file is not None:
            for column, region in enumerate(FOREGROUND_REGIONS):
                paired = comparison.compare_results(
                    in_domain_result, _read_result(*single_site_file), "dice", region, mode
                )
                cells[column] += (
                    f" ({format_difference(paired.difference)}, {format_difference(paired.ci_low)} to {format_difference(paired.ci_high)})"
                )
        rows.append([result["in_domain"]["model"], format_dataset(site), str(len(in_domain_result["images"])), *cells])
    return rows


def _get_file_version(path: Path) -> FileVersion:
    return path, path.stat().st_mtime_ns


def _summarize(
    result: CrossSiteResult, training_index: int, region: str, mode: PredictionMode
) -> comparison.MetricSummary:
    values = comparison.collect_metric(select_training(result, training_index), "dice", region, mode)
    return comparison.summarise_values(list(values.values()))


def _format_site(dataset_name: str) -> str:
    return format_dataset(dataset_name.removesuffix("+synthetic"))


def _format_percent(fraction: float | None) -> str:
    return "–" if fraction is None else f"{100 * fraction:.0f} %"


@st.cache_resource(max_entries=8, show_spinner=False)
def _read_result(path: Path, mtime_ns: int) -> dict[str, Any]:
    return cross_validation.load_study_results([path])[0]
