"""How the networks do on another laboratory's pictures, and whether they know when they are wrong."""
# ruff: noqa: ARG001 (arguments that a cached function does not read are its keys)

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from wbcseg.evaluation import comparison, cross_validation
from wbcseg.evaluation.comparison import Look
from wbcseg.evaluation.cross_site import FOLDER, LABORATORIES, REGIONS, part_of
from wbcseg.ui.compare.selection import LOOKS, region_title
from wbcseg.ui.components import charts
from wbcseg.ui.components.table import show_table
from wbcseg.ui.text import GLOSSARY, signed
from wbcseg.ui.train.fields import dataset_title

Result = Mapping[str, Any]
File = tuple[Path, int]
"""A file and when it was changed."""


def show_elsewhere() -> None:
    """Show tables of scores, how well results are judged, and whether probabilities are right."""
    st.markdown(
        "A network that knows one laboratory's microscope and stain may fail on another's. Here each network learned "
        "from the pictures of one laboratory, varied in stain, light, focus and size as far as pictures come, and from "
        "drawn ones; and was tested on the **other laboratory's**, which it had never seen."
    )
    files = [_file(path) for path in cross_validation.result_files(FOLDER)]
    results = [_read(*file) for file in files]
    if not results:
        st.info("This was not measured yet.", icon=":material/science:")
        st.code("python -m wbcseg evaluate --laboratories", language=None, wrap_lines=True)
        return
    look = _show_scores(files)
    _show_home(files, look)
    _show_trust(results)
    _show_calibration(results)


def _show_scores(files: Sequence[File]) -> Look:
    st.subheader("Scores", help=GLOSSARY["Dice"])
    look = LOOKS[st.segmented_control("Prediction", list(LOOKS), default=next(iter(LOOKS)), required=True, key="away")]
    rows = [row for file in files for row in _score_rows(*file, look)]
    heads = ["Network", "Learned from", "Tested on", "Pictures"]
    show_table(
        [*heads, *(f"Dice, {region_title(region).lower()}" for region in REGIONS)],
        rows,
        "Scores in the other laboratory",
    )
    return look


def _show_home(files: Sequence[File], look: Look) -> None:
    rows = []
    for path, changed in files:
        special = [cross_validation.specialised_file(name, path.stem) for name in LABORATORIES]
        rows += _home_rows(path, changed, tuple(_file(one) if one.exists() else None for one in special), look)
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
    heads = ["Model", "Tested on", "Pictures", *(f"Dice, {region_title(region).lower()}" for region in REGIONS)]
    show_table(heads, rows, "Scores at home")


def _show_trust(results: Sequence[Result]) -> None:
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
            f"{_percent(trust['unlike_strangers'])} of {trust['strangers']}",
            f"{_percent(trust['unlike_smears'])} of {trust['smears']}",
            f"{trust['unlike_auroc']:.4f}",
            f"{_percent(trust['bad_caught'])} of {trust['bad']}" if trust["bad"] else "there were none",
            f"{_percent(trust['good_marked'])} of {trust['pictures'] - trust['bad']}",
        ]
        for result in results
        for trust in (result["trust"],)
    ]
    heads = ["Network", "Other pictures called unlike", "Smears called unlike", "AUROC", "Bad results marked"]
    show_table([*heads, "Others marked"], rows, "How well bad results are marked")
    varied = "; ".join(
        f"{result['title']} {_percent(trust['varied_bad_caught'])} of {trust['varied_bad']} bad ones, "
        f"{_percent(trust['varied_good_marked'])} of {trust['varied_pictures'] - trust['varied_bad']} others"
        for result in results
        for trust in (result["trust"],)
    )
    st.caption(
        f"Marked among copies of the pictures in another stain, light and focus: {varied}.  \n"
        "A bad result is one whose Dice of the whole cell is below .8; marked is what is called *check* or *unlike*. "
        "**AUROC**: how often a picture that is no smear gets a higher score than a smear; 1 is always."
    )


def _show_calibration(results: Sequence[Result]) -> None:
    st.subheader("Are the probabilities right?")
    st.markdown(
        "Of the pixels that a network is 80 % sure of, it should get 80 % right: then all dots lie on the diagonal. "
        "One look, in the other laboratory."
    )
    lines = {
        f"{result['title']}, tested on {_laboratory(name)}": one
        for result in results
        for name, one in result["calibration"].items()
    }
    errors = {title: one["error"] for title, one in lines.items()}
    said = "; ".join(f"{title} {error:.3f}" for title, error in errors.items())
    dots = {title: [(b["sure"], b["right"], b["pixels"]) for b in one["bins"]] for title, one in lines.items()}
    charts.show(
        charts.reliability(dots),
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
def _score_rows(path: Path, changed: int, look: Look) -> list[list[str]]:
    """Return the rows of a network's scores in the other laboratory."""
    result = _read(path, changed)
    rows = []
    for number, training in enumerate(result["trainings"]):
        means = [_summary(result, number, region, look) for region in REGIONS]
        rows.append(
            [
                result["title"],
                _laboratory(training["trained_on"]),
                _laboratory(training["tested_on"]),
                str(training["tested"]),
                *(f"{one.mean:.3f} ± {one.error:.3f}" for one in means),
            ]
        )
    return rows


@st.cache_data(max_entries=16, show_spinner=False)
def _home_rows(path: Path, changed: int, special: Sequence[File | None], look: Look) -> list[list[str]]:
    """Return the rows of a general model's scores at home; none where it was not measured there."""
    result = _read(path, changed)
    if "home" not in result:
        return []
    rows = []
    for number, (name, other) in enumerate(zip(LABORATORIES, special, strict=True)):
        part = part_of(result["home"], number)
        cells = [f"{_summary(result['home'], number, region, look).mean:.3f}" for region in REGIONS]
        if other is not None:
            for place, region in enumerate(REGIONS):
                one = comparison.difference(part, _read(*other), "dice", region, look)
                cells[place] += f" ({signed(one.difference)}, {signed(one.low)} to {signed(one.high)})"
        rows.append([result["home"]["model"], dataset_title(name), str(len(part["pictures"])), *cells])
    return rows


def _file(path: Path) -> File:
    return path, path.stat().st_mtime_ns


def _summary(result: Result, training: int, region: str, look: Look) -> comparison.Summary:
    values = comparison.values(part_of(result, training), "dice", region, look)
    return comparison.summarise(list(values.values()))


def _laboratory(name: str) -> str:
    return dataset_title(name.removesuffix("+synthetic"))


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.0f} %"


@st.cache_resource(max_entries=8, show_spinner=False)
def _read(path: Path, changed: int) -> dict[str, Any]:
    return cross_validation.read_results([path])[0]
