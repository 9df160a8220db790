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

LEAKY_SUFFIX: Final = "-leaky"
RECIPE_TITLES: Final = {
    "compact": "our recipe",
    "thorough": "our longer recipe",
    "thesis": "the thesis' recipe",
    "quick": "the quick recipe",
}


def load_studies() -> dict[str, list[StudyResult]]:
    """Return the results of cross-validations by study, without those that leak on purpose."""
    return {
        name: study_results for name, study_results in _load_all_studies().items() if not name.endswith(LEAKY_SUFFIX)
    }


def load_leakage_pairs() -> list[tuple[StudyResult, StudyResult]]:
    """Return the results that leak on purpose, each with the one that is the same but for the leak."""
    all_studies = _load_all_studies()
    matched = []
    for name, leaky_results in all_studies.items():
        leak_free = {result["architecture"]: result for result in all_studies.get(name.removesuffix(LEAKY_SUFFIX), [])}
        if name.endswith(LEAKY_SUFFIX):
            matched += [
                (result, leak_free[result["architecture"]])
                for result in leaky_results
                if result["architecture"] in leak_free
            ]
    return matched


def load_reproductions() -> dict[str, dict[str, Any]]:
    """Return the results of the thesis' experiments by experiment."""
    return _read_reproductions(_get_file_versions(reproduction.list_experiment_files()))


def format_study(name: str, results: Sequence[StudyResult]) -> str:
    """Write in a few words what a study is: data, recipe and kind of test."""
    config, trainings = results[0]["config"], results[0]["trainings"]
    recipe = next((title for preset, title in RECIPE_TITLES.items() if f"-{preset}-" in name), "own recipe")
    split_kind = f"{len(trainings)} random splits" if config["unused_fraction"] else f"{len(trainings)} folds"
    base_filters = sorted({result["config"]["base_filters"] for result in results})
    filters_text = f"width {base_filters[0]}" if len(base_filters) == 1 else "several widths"
    return f"{format_dataset(config['dataset'])} · {recipe}, {filters_text} · {split_kind}"


def summarize_networks(
    results: Sequence[StudyResult], metric: str, region: str, mode: PredictionMode
) -> dict[str, MetricSummary]:
    """Return the summary of every network by its title."""
    return {result["title"]: _summarize_cached(_build_key(result), metric, region, mode) for result in results}


def compare_networks(
    results: Sequence[StudyResult], metric: str, region: str, mode: PredictionMode
) -> list[PairwiseComparison]:
    """Return every two networks compared."""
    return _compare_cached(tuple(map(_build_key, results)), metric, region, mode)


def summarize_cell_types(
    results: Sequence[StudyResult], metric: str, region: str, mode: PredictionMode
) -> dict[str, dict[str, MetricSummary]]:
    """Return the summary of every network and cell type."""
    return {
        result["title"]: _summarize_cell_types_cached(_build_key(result), metric, region, mode) for result in results
    }


def compute_leakage_effect(leaky: StudyResult, leak_free: StudyResult, metric: str, region: str) -> Comparison:
    """Return what a leak adds."""
    return _compute_leakage_effect_cached(_build_key(leaky), _build_key(leak_free), metric, region)


def _load_all_studies() -> dict[str, list[StudyResult]]:
    results_by_study: dict[str, list[StudyResult]] = {}
    for result in _read_results(_get_file_versions(cross_validation.list_study_files())).values():
        results_by_study.setdefault(result["study"], []).append(result)
    return results_by_study


def _get_file_versions(paths: Sequence[Path]) -> FileVersions:
    return tuple((path, path.stat().st_mtime_ns) for path in paths)


@st.cache_resource(max_entries=2, show_spinner="Reading the results…")
def _read_results(files: FileVersions) -> dict[tuple[str, str], dict[str, Any]]:
    results = cross_validation.load_study_results([path for path, _ in files])
    filters_by_study: dict[str, set[int]] = {}
    for result in results:
        filters_by_study.setdefault(result["study"], set()).add(result["config"]["base_filters"])
    # Where all networks of a study are as wide, their names need not say so.
    title_overrides = [
        {"title": get_spec(result["architecture"]).title} if len(filters_by_study[result["study"]]) == 1 else {}
        for result in results
    ]
    return {
        (result["study"], result["architecture"]): {**result, **override}
        for result, override in zip(results, title_overrides, strict=True)
    }


@st.cache_resource(max_entries=2, show_spinner="Reading the results…")
def _read_reproductions(files: FileVersions) -> dict[str, dict[str, Any]]:
    return reproduction.load_experiment_results([path for path, _ in files])


def _build_key(result: StudyResult) -> ResultKey:
    return _get_file_versions(cross_validation.list_study_files()), result["study"], result["architecture"]


def _get_result(key: ResultKey) -> StudyResult:
    files, study, architecture = key
    return _read_results(files)[study, architecture]


@st.cache_data(max_entries=500, show_spinner=False)
def _summarize_cached(key: ResultKey, metric: str, region: str, mode: PredictionMode) -> MetricSummary:
    return comparison.summarise_values(list(comparison.collect_metric(_get_result(key), metric, region, mode).values()))


@st.cache_data(max_entries=200, show_spinner="Comparing the networks…")
def _compare_cached(
    keys: tuple[ResultKey, ...], metric: str, region: str, mode: PredictionMode
) -> list[PairwiseComparison]:
    return comparison.compare_pairs([_get_result(key) for key in keys], metric, region, mode)


@st.cache_data(max_entries=200, show_spinner=False)
def _summarize_cell_types_cached(
    key: ResultKey, metric: str, region: str, mode: PredictionMode
) -> dict[str, MetricSummary]:
    return comparison.summarise_by_cell_type(_get_result(key), metric, region, mode)


@st.cache_data(max_entries=50, show_spinner=False)
def _compute_leakage_effect_cached(leaky: ResultKey, leak_free: ResultKey, metric: str, region: str) -> Comparison:
    return comparison.compare_results(_get_result(leaky), _get_result(leak_free), metric, region)
