"""What the Compare page shows, read and computed once: cross-validations and reproductions of the thesis."""

from __future__ import annotations

from typing import Final

import streamlit as st

from wbcseg.evaluation import comparison, cross_validation, reproduction
from wbcseg.evaluation.comparison import MetricSummary
from wbcseg.evaluation.entries import entry
from wbcseg.evaluation.study_result import CrossValidationResult, ExperimentResult, PredictionMode
from wbcseg.metrics import Comparison
from wbcseg.ui.compare.result_files import FileVersions, get_file_versions

ResultKey = tuple[FileVersions, str]
"""Result files, and the name of the result's file without its ending."""

LEAKY_SUFFIX: Final = "-leaky"


def load_studies() -> dict[str, list[CrossValidationResult]]:
    """Return the results of cross-validations by study, without those that are leaky on purpose."""
    return {
        name: study_results for name, study_results in _load_all_studies().items() if not name.endswith(LEAKY_SUFFIX)
    }


def load_leakage_pairs() -> list[tuple[CrossValidationResult, CrossValidationResult]]:
    """Return each result of a leaky study with its leak-free counterpart."""
    all_studies = _load_all_studies()
    pairs = []
    for name, leaky_results in all_studies.items():
        leak_free = {result.architecture: result for result in all_studies.get(name.removesuffix(LEAKY_SUFFIX), [])}
        if name.endswith(LEAKY_SUFFIX):
            pairs += [
                (result, leak_free[result.architecture]) for result in leaky_results if result.architecture in leak_free
            ]
    return pairs


def load_reproductions() -> dict[str, ExperimentResult]:
    """Return the results of the thesis' experiments by experiment."""
    return _read_reproductions(get_file_versions(reproduction.list_experiment_files()))


def summarise_network(result: CrossValidationResult, metric: str, region: str, mode: PredictionMode) -> MetricSummary:
    """Return the mean of a metric of a result."""
    return _summarise_cached(_build_key(result), metric, region, mode)


def compute_leakage_effect(
    leaky: CrossValidationResult, leak_free: CrossValidationResult, metric: str, region: str
) -> Comparison:
    """Return the difference that data leakage makes: with minus without."""
    return _compute_leakage_effect_cached(_build_key(leaky), _build_key(leak_free), metric, region)


@st.cache_resource(max_entries=2, show_spinner="Reading the results…")
def read_results(files: FileVersions) -> dict[str, CrossValidationResult]:
    """Return the results in files by the files' names, without their ending."""
    return entry.read_results([path for path, _ in files])


def _load_all_studies() -> dict[str, list[CrossValidationResult]]:
    results = read_results(get_file_versions(cross_validation.list_study_files()))
    results_by_study: dict[str, list[CrossValidationResult]] = {}
    for result in cross_validation.sort_results(list(results.values())):
        results_by_study.setdefault(result.study, []).append(result)
    return results_by_study


@st.cache_resource(max_entries=2, show_spinner="Reading the results…")
def _read_reproductions(files: FileVersions) -> dict[str, ExperimentResult]:
    return reproduction.load_experiment_results([path for path, _ in files])


def _build_key(result: CrossValidationResult) -> ResultKey:
    files = get_file_versions(cross_validation.list_study_files())
    return files, next(name for name, stored in read_results(files).items() if stored is result)


def _get_result(key: ResultKey) -> CrossValidationResult:
    files, name = key
    return read_results(files)[name]


@st.cache_data(max_entries=500, show_spinner=False)
def _summarise_cached(key: ResultKey, metric: str, region: str, mode: PredictionMode) -> MetricSummary:
    return comparison.summarise_values(list(comparison.collect_metric(_get_result(key), metric, region, mode).values()))


@st.cache_data(max_entries=50, show_spinner=False)
def _compute_leakage_effect_cached(leaky: ResultKey, leak_free: ResultKey, metric: str, region: str) -> Comparison:
    return comparison.compare_results(_get_result(leaky), _get_result(leak_free), metric, region)
