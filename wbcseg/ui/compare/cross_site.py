"""How the networks do on images of another laboratory, and whether failures are flagged."""
# ruff: noqa: ARG001 (arguments that a cached function does not read are its keys)

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import streamlit as st

from wbcseg.evaluation import comparison, cross_validation
from wbcseg.evaluation.cross_site import CROSS_SITE_FOLDER, SITES, load_cross_site_result
from wbcseg.evaluation.study_result import CrossSiteResult, PredictionMode, ScoredImages
from wbcseg.metrics import FOREGROUND_REGIONS
from wbcseg.models import ARCHITECTURES
from wbcseg.ui.compare.ranking.selection import select_mode
from wbcseg.ui.compare.result_files import FileVersion, get_file_version, get_model_title, show_not_computed
from wbcseg.ui.components import charts
from wbcseg.ui.components.charts import ReliabilityCurve, get_network_style
from wbcseg.ui.components.table import show_table
from wbcseg.ui.formatting import escape_markdown, format_difference, format_mean, format_percent, format_region
from wbcseg.ui.glossary import GLOSSARY
from wbcseg.ui.train.fields import format_dataset

TAB_TITLE: Final = "Other laboratories"
DICE_HEADERS: Final = tuple(f"Dice, {format_region(region).lower()}" for region in FOREGROUND_REGIONS)


def show_cross_site() -> None:
    """Show scores, how well failures are flagged, and the calibration of the probabilities."""
    st.markdown(
        "A network trained on images of one laboratory may fail on images of another, whose microscope and stain "
        "differ. Here, each network was trained on the images of one laboratory, with strong augmentation of stain, "
        "light, focus and size, and on synthetic images. It was tested on the images of the **other laboratory**, "
        "which it was not trained on."
    )
    paths = cross_validation.list_study_files(CROSS_SITE_FOLDER)
    files = [get_file_version(path) for path in sorted(paths, key=_get_rank)]
    results = [_read_result(*file) for file in files]
    if not results:
        show_not_computed("wbcseg cross-site")
        return
    mode = _show_scores(files)
    _show_in_domain(files, mode)
    _show_quality(results)
    _show_calibration(results)


def _show_scores(files: Sequence[FileVersion]) -> PredictionMode:
    st.subheader("Scores", help=GLOSSARY["Dice"])
    mode = select_mode("cross_site_mode", in_address=False)
    rows = [row for file in files for row in _build_score_rows(*file, mode)]
    show_table(["Network", "Trained on", "Tested on", "Images", *DICE_HEADERS], rows, "Scores on the other laboratory")
    return mode


def _show_in_domain(files: Sequence[FileVersion], mode: PredictionMode) -> None:
    rows = []
    for path, mtime_ns in files:
        single_site_paths = [cross_validation.get_study_file(site, path.stem) for site in SITES]
        single_site_files = tuple(
            get_file_version(single_site_path) if single_site_path.exists() else None
            for single_site_path in single_site_paths
        )
        rows += _build_in_domain_rows(path, mtime_ns, single_site_files, mode)
    if not rows:
        return
    st.subheader("On the training laboratories")
    st.markdown(
        "Does training on both laboratories cost accuracy? Each general model is tested on held-out cells of both "
        "laboratories and compared with networks of the same architecture trained on one of them. The difference of "
        "the Dice on the same images is given with its 95% confidence interval, where such networks were tested. The "
        "models differ in another respect as well: the general model's outlines are refined along the image's edges, "
        "those of the others are not."
    )
    show_table(["Model", "Tested on", "Images", *DICE_HEADERS], rows, "Scores on the training laboratories")


def _show_quality(results: Sequence[CrossSiteResult]) -> None:
    st.subheader("Are failures flagged?")
    st.markdown(
        "The quality check gives each result a status: *no issues found*, *review* or *outside training range*. It was "
        "fitted on these results and on images that are not smears (photographs, textures, noise, text, synthetic and "
        "real tissue), and is tested on images, and on kinds of images, that it was not fitted on. Its thresholds were "
        "set on the same results: failures should be flagged, and about one in ten good results is flagged as well."
    )
    rows = [
        [
            result.title,
            f"{format_percent(quality.out_of_range_negatives, 0)} of {quality.negatives}",
            f"{format_percent(quality.out_of_range_smears, 0)} of {quality.smears}",
            f"{quality.out_of_range_auroc:.4f}",
            f"{format_percent(quality.bad_flagged, 0)} of {quality.bad}" if quality.bad else "there were none",
            f"{format_percent(quality.good_flagged, 0)} of {quality.images - quality.bad}",
        ]
        for result in results
        for quality in (result.quality,)
        if quality
    ]
    header = ["Network", "Non-smears outside range", "Smears outside range", "AUROC", "Failures flagged"]
    show_table([*header, "Good results flagged"], rows, "How well failures are flagged")
    varied_text = "; ".join(
        f"{result.title} {format_percent(quality.varied_bad_flagged, 0)} of {quality.varied_bad} failures, "
        f"{format_percent(quality.varied_good_flagged, 0)} of {quality.varied_images - quality.varied_bad} "
        "good results"
        for result in results
        for quality in (result.quality,)
        if quality
    )
    st.caption(
        f"Flagged among copies of the images with another stain, light and focus: {varied_text}.  \n"
        "A failure is a result with a whole-cell Dice below 0.8; flagged means *review* or *outside training range*. "
        "**AUROC**: the probability that an image that is not a smear gets a higher score than a smear; 1 is perfect."
    )


def _show_calibration(results: Sequence[CrossSiteResult]) -> None:
    st.subheader("Are the probabilities calibrated?")
    st.markdown(
        "Of the pixels whose class has a probability of 80%, 80% should be correct: then all points lie on the "
        "diagonal. Single pass, on the other laboratory."
    )
    calibrations = [
        (f"{result.title}, tested on {_format_site(site)}", result.architecture, index, calibration)
        for result in results
        for index, (site, calibration) in enumerate(result.calibration.items())
    ]
    error_text = "; ".join(f"{title} {calibration.ece:.3f}" for title, _, _, calibration in calibrations)
    curves = [
        ReliabilityCurve(
            title,
            tuple((point.confidence, point.accuracy, point.pixels) for point in calibration.bins),
            get_network_style(architecture),
            # The curves of a network share its colour; the dash tells the laboratories apart.
            charts.DASHES[index % len(charts.DASHES)],
        )
        for title, architecture, index, calibration in calibrations
    ]
    charts.show_plotly_chart(
        charts.draw_reliability_diagram(curves),
        "reliability",
        f"Fraction of correct pixels against the predicted probability. Calibration error: {error_text}",
    )
    temperature_text = "; ".join(
        f"{calibration.temperature:g} for {title}" for title, _, _, calibration in calibrations
    )
    st.caption(
        "**Expected calibration error** (mean distance from the diagonal, weighted by the number of pixels): "
        f"{error_text}. It is of the probabilities that general models report, after their outlines were refined "
        "along edges. The best temperature (a divisor of the logits; 1 leaves the probabilities unchanged) would be "
        f"{temperature_text}."
    )


@st.cache_data(max_entries=16, show_spinner=False)
def _build_score_rows(path: Path, mtime_ns: int, mode: PredictionMode) -> list[list[str]]:
    """Return the rows of a network's scores on the other laboratory."""
    result = _read_result(path, mtime_ns)
    rows = []
    # Readers look for the model that they use, not for the network that it is.
    used_as = f" (as in *{escape_markdown(get_model_title(result.in_domain.model))}*)" if result.in_domain else ""
    for index, training in enumerate(result.trainings):
        summaries = [_summarise(result, index, region, mode) for region in FOREGROUND_REGIONS]
        rows.append(
            [
                result.title + used_as,
                _format_site(training.trained_on),
                _format_site(training.tested_on),
                str(training.tested),
                *(format_mean(summary.mean, summary.standard_error) for summary in summaries),
            ]
        )
    return rows


@st.cache_data(max_entries=16, show_spinner=False)
def _build_in_domain_rows(
    path: Path, mtime_ns: int, single_site_files: Sequence[FileVersion | None], mode: PredictionMode
) -> list[list[str]]:
    """Return the rows of a general model's scores on its training laboratories; none if it was not tested there."""
    result = _read_result(path, mtime_ns)
    if result.in_domain is None:
        return []
    rows = []
    for index, (site, single_site_file) in enumerate(zip(SITES, single_site_files, strict=True)):
        in_domain_result = result.in_domain.select_training(index)
        cells = [format_mean(_summarise(result.in_domain, index, region, mode).mean) for region in FOREGROUND_REGIONS]
        if single_site_file is not None:
            single_site_result = _read_single_site_result(*single_site_file)
            for column, region in enumerate(FOREGROUND_REGIONS):
                paired = comparison.compare_results(in_domain_result, single_site_result, "dice", region, mode)
                difference, low, high = map(format_difference, (paired.difference, paired.ci_low, paired.ci_high))
                cells[column] += f" ({difference},\u00a0{low}\u00a0to\u00a0{high})"
        rows.append(
            [
                escape_markdown(get_model_title(result.in_domain.model)),
                format_dataset(site),
                str(len(in_domain_result.images)),
                *cells,
            ]
        )
    return rows


def _summarise(
    result: ScoredImages, training_index: int, region: str, mode: PredictionMode
) -> comparison.MetricSummary:
    values = comparison.collect_metric(result.select_training(training_index), "dice", region, mode)
    return comparison.summarise_values(list(values.values()))


def _get_rank(path: Path) -> int:
    """Return the position of a network in the registry; a result file has its name."""
    names = list(ARCHITECTURES)
    return names.index(path.stem) if path.stem in names else len(names)


def _format_site(dataset_name: str) -> str:
    return format_dataset(dataset_name.removesuffix("+synthetic"))


@st.cache_resource(max_entries=8, show_spinner=False)
def _read_result(path: Path, mtime_ns: int) -> CrossSiteResult:
    return load_cross_site_result(path)


@st.cache_resource(max_entries=8, show_spinner=False)
def _read_single_site_result(path: Path, mtime_ns: int) -> ScoredImages:
    return cross_validation.load_study_results([path])[0]
