"""The three answers side by side: what was published, what the same training gives here, and unseen cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import streamlit as st

from wbcseg.evaluation import reproduction
from wbcseg.evaluation.reproduction import list_experiments
from wbcseg.ui.compare import data
from wbcseg.ui.compare.data import StudyResult
from wbcseg.ui.components.table import show_table
from wbcseg.ui.glossary import GLOSSARY, show_glossary

REGIONS: Final = ("nucleus", "cytoplasm")
UNSEEN_STUDIES: Final = {
    "zheng-1-thesis-cv5": "Unseen cells, thesis' recipe",
    "zheng-1-compact-cv5": "Unseen cells, our recipe",
}
"""The studies of the table, by name."""

THESIS_SCORED_ROWS: Final = ("Published (of other pixels)", "Repeated here, scored likewise")
"""Rows of figures that are called Dice, but are of other pixels."""

MISSING_TEXT: Final = "–"
"""In place of a figure that nobody measured."""


def show_summary() -> None:
    """Show the Dice of every network: published, repeated here, and on cells that it never saw."""
    reproductions, studies = data.load_reproductions(), data.load_studies()
    st.markdown(
        "The thesis reports its networks on 30 pictures, of which most have a flipped copy in training, and what it "
        "prints as Dice of the nucleus and of the cytoplasm is of other pixels. Beside its figures stand those of the "
        "same training repeated here, scored as it did and rightly, and those on cells that the network has never "
        "seen: **only the last say what to expect of a new picture.**"
    )
    show_glossary("Dice as published", label="How is that known?")
    thesis_experiments = list_experiments("tables")
    is_complete = True
    for region in REGIONS:
        columns = []
        for experiment in thesis_experiments:
            table = reproduction.compare_with_thesis(experiment, reproductions.get(experiment.name))
            lines_by_metric = {line.metric: line for line in table}
            thesis_scored, correctly_scored = (
                lines_by_metric[f'"Dice" as published, {region}'],
                lines_by_metric[f"Dice, {region}"],
            )
            unseen_texts = [
                _format_unseen(studies.get(name, []), experiment.config.architecture, region) for name in UNSEEN_STUDIES
            ]
            columns.append(
                [
                    _format_mean(thesis_scored.thesis, thesis_scored.thesis_error),
                    _format_mean(thesis_scored.final, thesis_scored.final_error),
                    _format_mean(correctly_scored.final, correctly_scored.final_error),
                    *(f"**{text}**" for text in unseen_texts),
                ]
            )
        is_complete = is_complete and not any(MISSING_TEXT in text for column in columns for text in column)
        st.subheader(f"Dice of the {region}", help=f"{GLOSSARY['Dice']}\n\n**±** {GLOSSARY['±']}")
        header = ["", *(experiment.title.partition(",")[0] for experiment in thesis_experiments)]
        row_names = (*THESIS_SCORED_ROWS, "Repeated here", *(f"**{title}**" for title in UNSEEN_STUDIES.values()))
        show_table(
            header, [[name, *cells] for name, *cells in zip(row_names, *columns, strict=True)], f"Dice of the {region}"
        )
    st.caption(
        "Published and repeated: width 64, the thesis' 30 test pictures, most of them leaked. Unseen cells: "
        f"{_format_base_filters(studies)}cross-validation over all pictures of Dataset 1, every cell on one side only, one look."
        f"{'' if is_complete else ' A dash: not measured yet.'}"
    )


def _format_base_filters(studies: Mapping[str, Sequence[StudyResult]]) -> str:
    """Say how wide the networks of the table are that were tested on unseen cells."""
    base_filters = {result["config"]["base_filters"] for name in UNSEEN_STUDIES for result in studies.get(name, [])}
    if not base_filters:
        return ""
    return (
        f"width {min(base_filters)}, "
        if len(base_filters) == 1
        else f"widths {min(base_filters)} to {max(base_filters)}, "
    )


def _format_unseen(study_results: Sequence[StudyResult], architecture: str, region: str) -> str:
    matching = [result for result in study_results if result["architecture"] == architecture]
    if not matching:
        return MISSING_TEXT
    (summary,) = data.summarize_networks(matching, "dice", region, "single").values()
    return _format_mean(summary.mean, summary.standard_error)


def _format_mean(value: float | None, error: float | None) -> str:
    return MISSING_TEXT if value is None or error is None else f"{value:.3f} ± {error:.3f}"
