"""Three results side by side: the thesis, the same training reproduced here, and scores on unseen cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import streamlit as st

from wbcseg.evaluation import reproduction
from wbcseg.evaluation.study_result import CrossValidationResult
from wbcseg.evaluation.thesis import SCORED_CLASSES
from wbcseg.ui.compare import data
from wbcseg.ui.components.table import show_table
from wbcseg.ui.formatting import MISSING_TEXT, format_mean
from wbcseg.ui.glossary import GLOSSARY, show_glossary

TAB_TITLE: Final = "Thesis in short"

UNSEEN_STUDIES: Final = {
    "zheng-1-thesis-cv5": "Unseen cells, thesis' recipe",
    "zheng-1-compact-cv5": "Unseen cells, our recipe",
}
"""Titles of the studies in the table, by name."""

ROW_TITLES: Final = (
    "Thesis (scored on the wrong region)",
    "Reproduced here, scored the thesis' way",
    "Reproduced here, scored correctly",
    *(f"**{title}**" for title in UNSEEN_STUDIES.values()),
)


def show_summary() -> None:
    """Show the Dice of every network of the thesis: published, reproduced here, and on unseen cells."""
    reproductions, studies = data.load_reproductions(), data.load_studies()
    st.markdown(
        "The thesis tested its networks on 30 images, most of which have a flipped copy in training, and what it "
        "reports as the Dice of nucleus and cytoplasm was computed on the wrong region of the image. The table shows "
        "its scores beside those of the same training reproduced here, scored the thesis' way and correctly, and "
        "beside scores on cells that the network was not trained on. **Only the last are an estimate for new images.**"
    )
    show_glossary("Dice as published", label="How is that known?")
    experiments = reproduction.list_experiments("tables")
    is_complete = True
    for region in reversed(SCORED_CLASSES):
        columns = []
        for experiment in experiments:
            table = reproduction.compare_with_thesis(experiment, reproductions.get(experiment.name))
            lines = {line.metric: line for line in table}
            thesis_scored, correctly_scored = lines[f'"Dice" as published, {region}'], lines[f"Dice, {region}"]
            unseen_texts = [
                _format_unseen(studies.get(name, []), experiment.config.architecture, region) for name in UNSEEN_STUDIES
            ]
            columns.append(
                [
                    format_mean(thesis_scored.thesis, thesis_scored.thesis_error),
                    format_mean(thesis_scored.final, thesis_scored.final_error),
                    format_mean(correctly_scored.final, correctly_scored.final_error),
                    *(f"**{text}**" for text in unseen_texts),
                ]
            )
        is_complete = is_complete and not any(MISSING_TEXT in text for column in columns for text in column)
        st.subheader(f"Dice of the {region}", help=f"{GLOSSARY['Dice']}\n\n**±** {GLOSSARY['±']}")
        header = ["", *(experiment.title.partition(",")[0] for experiment in experiments)]
        rows = [[title, *cells] for title, *cells in zip(ROW_TITLES, *columns, strict=True)]
        show_table(header, rows, f"Dice of the {region}")
    st.caption(
        "Thesis and reproduction: 64 base filters, the thesis' 30 test images, most of them with a copy in training. "
        f"Unseen cells: {_format_base_filters(studies)}cross-validation on all images of Dataset 1, no cell in both "
        f"training and test set, single pass.{'' if is_complete else f' {MISSING_TEXT}: not computed yet.'}"
    )


def _format_base_filters(studies: Mapping[str, Sequence[CrossValidationResult]]) -> str:
    """Describe the number of base filters of the networks in the table that were tested on unseen cells."""
    base_filters = {result.config["base_filters"] for name in UNSEEN_STUDIES for result in studies.get(name, [])}
    if not base_filters:
        return ""
    lowest, highest = min(base_filters), max(base_filters)
    return f"{lowest if lowest == highest else f'{lowest} to {highest}'} base filters, "


def _format_unseen(study_results: Sequence[CrossValidationResult], architecture: str, region: str) -> str:
    matching = [result for result in study_results if result.architecture == architecture]
    if not matching:
        return MISSING_TEXT
    summary = data.summarise_network(matching[0], "dice", region, "single")
    return format_mean(summary.mean, summary.standard_error)
