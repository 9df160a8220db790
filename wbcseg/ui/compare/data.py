"""What the Compare page shows, read and computed once: cross-validations and reproductions of the thesis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import streamlit as st

from wbcseg.evaluation import comparison, cross_validation, reproduction
from wbcseg.evaluation.comparison import MetricSummary, PairwiseComparison
from wbcseg.evaluation.study_result import CrossValidationResult, ExperimentResult, PredictionMode
from wbcseg.metrics import Comparison
from wbcseg.models import get_spec
from wbcseg.training import PRESETS
from wbcseg.ui.compare.result_files import FileVersions, get_file_versions
from wbcseg.ui.train.fields import format_dataset

ResultKey = tuple[FileVersions, str, str]
"""Result files, study and architecture of a result."""

LEAKY_SUFFIX: Final = "-leaky"
RECIPE_TITLES: Final = {
    "compact": "our recipe",
    "thorough": "our longer recipe",
    "thesis": "the thesis' recipe",
    "quick": "the quick recipe",
}


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


def format_study(name: str, results: Sequence[CrossValidationResult]) -> str:
    """Describe a study in a few words: data, recipe and kind of test."""
    config, trainings = results[0].config, results[0].trainings
    preset = next((preset for preset in PRESETS if f"-{preset}-" in name), "")
    recipe = RECIPE_TITLES.get(preset, preset or "custom recipe")
    split_kind = f"{len(trainings)} random splits" if config["unused_fraction"] else f"{len(trainings)} folds"
    base_filters = sorted({result.config["base_filters"] for result in results})
    filters_text = f"{base_filters[0]} base filters" if len(base_filters) == 1 else "various base filters"
    return f"{format_dataset(config['dataset'])} · {recipe}, {filters_text} · {split_kind}"


def summarise_networks(
    results: Sequence[CrossValidationResult], metric: str, region: str, mode: PredictionMode
) -> dict[str, MetricSummary]:
    """Return the summary of every network by architecture."""
    return {result.architecture: _summarise_cached(_build_key(result), metric, region, mode) for result in results}


def compare_networks(
    results: Sequence[CrossValidationResult], metric: str, region: str, mode: PredictionMode
) -> list[PairwiseComparison]:
    """Return the comparison of every pair of networks."""
    return _compare_cached(tuple(map(_build_key, results)), metric, region, mode)


def summarise_cell_types(
    results: Sequence[CrossValidationResult], metric: str, region: str, mode: PredictionMode
) -> dict[str, dict[str, MetricSummary]]:
    """Return the summary of every cell type by architecture."""
    return {
        result.architecture: _summarise_cell_types_cached(_build_key(result), metric, region, mode)
        for result in results
    }


def compute_leakage_effect(
    leaky: CrossValidationResult, leak_free: CrossValidationResult, metric: str, region: str
) -> Comparison:
    """Return the difference that data leakage makes: with minus without."""
    return _compute_leakage_effect_cached(_build_key(leaky), _build_key(leak_free), metric, region)


def _load_all_studies() -> dict[str, list[CrossValidationResult]]:
    results_by_study: dict[str, list[CrossValidationResult]] = {}
    for result in _read_results(get_file_versions(cross_validation.list_study_files())).values():
        results_by_study.setdefault(result.study, []).append(result)
    return results_by_study


@st.cache_resource(max_entries=2, show_spinner="Reading the results…")
def _read_results(files: FileVersions) -> dict[tuple[str, str], CrossValidationResult]:
    results = cross_validation.load_study_results([path for path, _ in files])
    filters_by_study: dict[str, set[int]] = {}
    for result in results:
        filters_by_study.setdefault(result.study, set()).add(result.config["base_filters"])
    # Where all networks of a study have the same number of base filters, their titles do not mention it.
    return {
        (result.study, result.architecture): replace(result, title=get_spec(result.architecture).title)
        if len(filters_by_study[result.study]) == 1
        else result
        for result in results
    }


@st.cache_resource(max_entries=2, show_spinner="Reading the results…")
def _read_reproductions(files: FileVersions) -> dict[str, ExperimentResult]:
    return reproduction.load_experiment_results([path for path, _ in files])


def _build_key(result: CrossValidationResult) -> ResultKey:
    return get_file_versions(cross_validation.list_study_files()), result.study, result.architecture


def _get_result(key: ResultKey) -> CrossValidationResult:
    files, study, architecture = key
    return _read_results(files)[study, architecture]


@st.cache_data(max_entries=500, show_spinner=False)
def _summarise_cached(key: ResultKey, metric: str, region: str, mode: PredictionMode) -> MetricSummary:
    return comparison.summarise_values(list(comparison.collect_metric(_get_result(key), metric, region, mode).values()))


@st.cache_data(max_entries=200, show_spinner="Comparing the networks…")
def _compare_cached(
    keys: tuple[ResultKey, ...], metric: str, region: str, mode: PredictionMode
) -> list[PairwiseComparison]:
    return comparison.compare_pairs([_get_result(key) for key in keys], metric, region, mode)


@st.cache_data(max_entries=200, show_spinner=False)
def _summarise_cell_types_cached(
    key: ResultKey, metric: str, region: str, mode: PredictionMode
) -> dict[str, MetricSummary]:
    return comparison.summarise_by_cell_type(_get_result(key), metric, region, mode)


@st.cache_data(max_entries=50, show_spinner=False)
def _compute_leakage_effect_cached(leaky: ResultKey, leak_free: ResultKey, metric: str, region: str) -> Comparison:
    return comparison.compare_results(_get_result(leaky), _get_result(leak_free), metric, region)
