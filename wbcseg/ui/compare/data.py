"""What the Compare page shows, read and computed once: results of cross-validations and of the repeated thesis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import streamlit as st

from wbcseg.evaluation import comparison, cross_validation, reproduction
from wbcseg.evaluation.comparison import Look, Pair, Summary
from wbcseg.metrics import Comparison
from wbcseg.models import describe
from wbcseg.ui.train.fields import dataset_title

Result = Mapping[str, Any]
Files = tuple[tuple[Path, int], ...]
"""Files and when they were changed: what is cached is theirs."""
Place = tuple[Files, str, str]
"""Files, study and network of a result."""

LEAKING: Final = "-leaking"
RECIPES: Final = {
    "compact": "our recipe",
    "thorough": "our longer recipe",
    "published": "the thesis' recipe",
    "quick": "the quick recipe",
}


def studies() -> dict[str, list[Result]]:
    """Return the results of cross-validations by study, without those that leak on purpose."""
    return {name: found for name, found in _all().items() if not name.endswith(LEAKING)}


def leaks() -> list[tuple[Result, Result]]:
    """Return the results that leak on purpose, each with the one that is the same but for the leak."""
    every = _all()
    found = []
    for name, leaking in every.items():
        fair = {one["architecture"]: one for one in every.get(name.removesuffix(LEAKING), [])}
        if name.endswith(LEAKING):
            found += [(one, fair[one["architecture"]]) for one in leaking if one["architecture"] in fair]
    return found


def repeated() -> dict[str, dict[str, Any]]:
    """Return the results of the thesis' experiments by experiment."""
    return _repeated(_files(reproduction.result_files()))


def study_title(name: str, results: Sequence[Result]) -> str:
    """Write in a few words what a study is: data, recipe and kind of test."""
    config, trainings = results[0]["config"], results[0]["trainings"]
    recipe = next((text for part, text in RECIPES.items() if f"-{part}-" in name), "own recipe")
    kind = f"{len(trainings)} random splits" if config["left_out"] else f"{len(trainings)} folds"
    widths = sorted({one["config"]["width"] for one in results})
    width = f"width {widths[0]}" if len(widths) == 1 else "several widths"
    return f"{dataset_title(config['dataset'])} · {recipe}, {width} · {kind}"


def summaries(results: Sequence[Result], figure: str, region: str, look: Look) -> dict[str, Summary]:
    """Return the summary of every network by its title."""
    return {one["title"]: _summary(_place(one), figure, region, look) for one in results}


def pairs(results: Sequence[Result], figure: str, region: str, look: Look) -> list[Pair]:
    """Return every two networks compared."""
    return _pairs(tuple(map(_place, results)), figure, region, look)


def cell_types(results: Sequence[Result], figure: str, region: str, look: Look) -> dict[str, dict[str, Summary]]:
    """Return the summary of every network and cell type."""
    return {one["title"]: _by_cell_type(_place(one), figure, region, look) for one in results}


def leak_worth(leaking: Result, fair: Result, figure: str, region: str) -> Comparison:
    """Return what a leak adds."""
    return _leak_worth(_place(leaking), _place(fair), figure, region)


def _all() -> dict[str, list[Result]]:
    found: dict[str, list[Result]] = {}
    for result in _read(_files(cross_validation.result_files())).values():
        found.setdefault(result["study"], []).append(result)
    return found


def _files(found: Sequence[Path]) -> Files:
    return tuple((path, path.stat().st_mtime_ns) for path in found)


@st.cache_resource(max_entries=2, show_spinner="Reading the results…")
def _read(files: Files) -> dict[tuple[str, str], dict[str, Any]]:
    found = cross_validation.read_results([path for path, _ in files])
    widths: dict[str, set[int]] = {}
    for result in found:
        widths.setdefault(result["study"], set()).add(result["config"]["width"])
    # Where all networks of a study are as wide, their names need not say so.
    short = [{"title": describe(one["architecture"]).title} if len(widths[one["study"]]) == 1 else {} for one in found]
    return {(one["study"], one["architecture"]): {**one, **name} for one, name in zip(found, short, strict=True)}


@st.cache_resource(max_entries=2, show_spinner="Reading the results…")
def _repeated(files: Files) -> dict[str, dict[str, Any]]:
    return reproduction.read_results([path for path, _ in files])


def _place(result: Result) -> Place:
    return _files(cross_validation.result_files()), result["study"], result["architecture"]


def _at(place: Place) -> Result:
    files, study, architecture = place
    return _read(files)[study, architecture]


@st.cache_data(max_entries=500, show_spinner=False)
def _summary(place: Place, figure: str, region: str, look: Look) -> Summary:
    return comparison.summarise(list(comparison.values(_at(place), figure, region, look).values()))


@st.cache_data(max_entries=200, show_spinner="Comparing the networks…")
def _pairs(places: tuple[Place, ...], figure: str, region: str, look: Look) -> list[Pair]:
    return comparison.pairs([_at(place) for place in places], figure, region, look)


@st.cache_data(max_entries=200, show_spinner=False)
def _by_cell_type(place: Place, figure: str, region: str, look: Look) -> dict[str, Summary]:
    return comparison.by_cell_type(_at(place), figure, region, look)


@st.cache_data(max_entries=50, show_spinner=False)
def _leak_worth(leaking: Place, fair: Place, figure: str, region: str) -> Comparison:
    return comparison.difference(_at(leaking), _at(fair), figure, region)
