"""What the tab Ranking shows, read and computed once: groups of entries, their rankings and scores."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from wbcseg.errors import WbcsegError
from wbcseg.evaluation import cross_validation
from wbcseg.evaluation.entries.entry import Entry, Group, build_groups
from wbcseg.evaluation.entries.own_runs import HELDOUT_FILE, load_run_result
from wbcseg.evaluation.entries.ranking import Ranking, Scores, collect_scores, rank_entries
from wbcseg.evaluation.study_result import CrossValidationResult, PredictionMode
from wbcseg.io.foreign import is_plain_file
from wbcseg.paths import get_runs_folder
from wbcseg.training import Run
from wbcseg.training.jobs.queue import list_runs
from wbcseg.ui.compare import data
from wbcseg.ui.compare.result_files import FileVersions, get_file_version, get_file_versions


@dataclass(frozen=True)
class GroupKey:
    """What a cached ranking was made of: the files as they were, the group and the chosen runs.

    Attributes:
        files: Result files with their times.
        runs: Files of one's own runs with their times.
        group: Name of the group.
        own_keys: Keys of the runs that join a study.
    """

    files: FileVersions
    runs: FileVersions
    group: str
    own_keys: tuple[str, ...] = ()


def load_groups() -> dict[str, Group]:
    """Return all groups of entries that may be compared, by name."""
    return _build_groups(get_file_versions(cross_validation.list_study_files()), _list_run_files())


def get_key(group: str, own_keys: tuple[str, ...] = ()) -> GroupKey:
    """Return the key of a group in the caches."""
    return GroupKey(
        get_file_versions(cross_validation.list_study_files()), _list_run_files(), group, tuple(sorted(own_keys))
    )


@st.cache_resource(max_entries=100, show_spinner="Comparing the networks…")
def rank(key: GroupKey, metric: str, region: str, mode: PredictionMode) -> Ranking:
    """Return the ranking of a group's entries by a metric."""
    titles = {entry.key: entry.title for entry in select_entries(key)}
    return rank_entries(load_scores(key, metric, region, mode), titles, metric)


@st.cache_resource(max_entries=100, show_spinner=False)
def load_scores(key: GroupKey, metric: str, region: str, mode: PredictionMode) -> Scores:
    """Return a metric of the images that all entries of a group were tested on."""
    return collect_scores(select_entries(key), metric, region, mode)


def select_entries(key: GroupKey) -> tuple[Entry, ...]:
    """Return the entries of a group with the chosen runs."""
    return _build_groups(key.files, key.runs)[key.group].select(key.own_keys)


@st.cache_resource(max_entries=4, show_spinner="Reading the results…")
def _build_groups(files: FileVersions, runs: FileVersions) -> dict[str, Group]:
    own = {path.parent.name: result for path, changed in runs if (result := _read_run(path, changed))}
    return build_groups(data.read_results(files), own)


def _list_run_files() -> FileVersions:
    paths = [run.folder / HELDOUT_FILE for run in list_runs(get_runs_folder()) if not run.folder.is_symlink()]
    return tuple(get_file_version(path) for path in paths if is_plain_file(path))


@st.cache_resource(max_entries=200, show_spinner=False)
def _read_run(path: Path, _changed: int) -> CrossValidationResult | None:
    """Return the result of a run, or ``None`` if it cannot be read."""
    try:
        return load_run_result(Run(path.parent))
    except (WbcsegError, OSError):
        return None
