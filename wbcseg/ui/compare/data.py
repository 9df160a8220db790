"""What the Compare page shows, read and computed once: results of cross-validations and of the repeated thesis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import streamlit as st

from wbcseg.evaluation import comparison, cross_validation, reproduction
from wbcseg.evaluation.comparison import MetricSummary, PairwiseComparison, PredictionMode
from wbcseg.metrics import Comparison
from wbcseg.models import get_spec
from wbcseg.ui.train.fields import format_dataset

StudyResult = Mapping[str, Any]
FileVersions = tuple[tuple[Path, int], ...]
"""Files and when they were changed: what is cached is theirs."""
ResultKey = tuple[FileVersions, str, str]
"""Files, study and network of a result."""

LEAKY_SUFFIX: Final = "-leaking"
RECIPE_TITLES: Final = {
    "compact": "our recipe",
    "thorough": "our longer recipe",
    "published": "the thesis' recipe",
    "quick": "the quick recipe",
}


def load_studies() -> dict[str, list[StudyResult]]:
    """Return the results of cross-validations by study, without those that leak on purpose."""
    return {name: found for name, found in _load_all_studies().items() if not name.endswith(LEAKY_SUFFIX)}


def load_leakage_pairs() -> list[tuple[StudyResult, StudyResult]]:
    """Return the results that leak on purpose, each with the one that is the same but for the leak."""
    every = _load_all_studies()
    found = []
    for name, leaking in every.items():
        fair = {one["architecture"]: one for one in every.get(name.removesuffix(LEAKY_SUFFIX), [])}
        if name.endswith(LEAKY_SUFFIX):
            found += [(one, fair[one["architecture"]]) for one in leaking if one["architecture"] in fair]
    return found


def load_reproductions() -> dict[str, dict[str, Any]]:
    """Return the results of the thesis' experiments by experiment."""
    return _read_reproductions(_get_file_versions(reproduction.list_experiment_files()))


def format_study(name: str, results: Sequence[StudyResult]) -> str:
    """Write in a few words what a study is: data, recipe and kind of test."""
    config, trainings = results[0]["config"], results[0]["trainings"]
    recipe = next((text for part, text in RECIPE_TITLES.items() if f"-{part}-" in name), "own recipe")
    kind = f"{len(trainings)} random splits" if config["left_out"] else f"{len(trainings)} folds"
    widths = sorted({one["config"]["width"] for one in results})
    width = f"width {widths[0]}" if len(widths) == 1 else "several widths"
    return f"{format_dataset(config['dataset'])} · {recipe}, {width} · {kind}"


def summarize_networks(
    results: Sequence[StudyResult], figure: str, region: str, look: PredictionMode
) -> dict[str, MetricSummary]:
    """Return the summary of every network by its title."""
    return {one["title"]: _summarize_cached(_build_key(one), figure, region, look) for one in results}


def compare_networks(
    results: Sequence[StudyResult], figure: str, region: str, look: PredictionMode
) -> list[PairwiseComparison]:
    """Return every two networks compared."""
    return _compare_cached(tuple(map(_build_key, results)), figure, region, look)


def summarize_cell_types(
    results: Sequence[StudyResult], figure: str, region: str, look: PredictionMode
) -> dict[str, dict[str, MetricSummary]]:
    """Return the summary of every network and cell type."""
    return {one["title"]: _summarize_cell_types_cached(_build_key(one), figure, region, look) for one in results}


def compute_leakage_effect(leaking: StudyResult, fair: StudyResult, figure: str, region: str) -> Comparison:
    """Return what a leak adds."""
    return _compute_leakage_effect_cached(_build_key(leaking), _build_key(fair), figure, region)


def _load_all_studies() -> dict[str, list[StudyResult]]:
    found: dict[str, list[StudyResult]] = {}
    for result in _read_results(_get_file_versions(cross_validation.list_study_files())).values():
        found.setdefault(result["study"], []).append(result)
    return found


def _get_file_versions(found: Sequence[Path]) -> FileVersions:
    return tuple((path, path.stat().st_mtime_ns) for path in found)


@st.cache_resource(max_entries=2, show_spinner="Reading the results…")
def _read_results(files: FileVersions) -> dict[tuple[str, str], dict[str, Any]]:
    found = cross_validation.load_study_results([path for path, _ in files])
    widths: dict[str, set[int]] = {}
    for result in found:
        widths.setdefault(result["study"], set()).add(result["config"]["width"])
    # Where all networks of a study are as wide, their names need not say so.
    short = [{"title": get_spec(one["architecture"]).title} if len(widths[one["study"]]) == 1 else {} for one in found]
    return {(one["study"], one["architecture"]): {**one, **name} for one, name in zip(found, short, strict=True)}


@st.cache_resource(max_entries=2, show_spinner="Reading the results…")
def _read_reproductions(files: FileVersions) -> dict[str, dict[str, Any]]:
    return reproduction.load_experiment_results([path for path, _ in files])


def _build_key(result: StudyResult) -> ResultKey:
    return _get_file_versions(cross_validation.list_study_files()), result["study"], result["architecture"]


def _get_result(place: ResultKey) -> StudyResult:
    files, study, architecture = place
    return _read_results(files)[study, architecture]


@st.cache_data(max_entries=500, show_spinner=False)
def _summarize_cached(place: ResultKey, figure: str, region: str, look: PredictionMode) -> MetricSummary:
    return comparison.summarise_values(
        list(comparison.collect_metric(_get_result(place), figure, region, look).values())
    )


@st.cache_data(max_entries=200, show_spinner="Comparing the networks…")
def _compare_cached(
    places: tuple[ResultKey, ...], figure: str, region: str, look: PredictionMode
) -> list[PairwiseComparison]:
    return comparison.compare_pairs([_get_result(place) for place in places], figure, region, look)


@st.cache_data(max_entries=200, show_spinner=False)
def _summarize_cell_types_cached(
    place: ResultKey, figure: str, region: str, look: PredictionMode
) -> dict[str, MetricSummary]:
    return comparison.summarise_by_cell_type(_get_result(place), figure, region, look)


@st.cache_data(max_entries=50, show_spinner=False)
def _compute_leakage_effect_cached(leaking: ResultKey, fair: ResultKey, figure: str, region: str) -> Comparison:
    return comparison.compare_results(_get_result(leaking), _get_result(fair), figure, region)
