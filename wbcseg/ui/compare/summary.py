"""The three answers side by side: what was published, what the same training gives here, and unseen cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import streamlit as st

from wbcseg.evaluation import reproduction
from wbcseg.evaluation.reproduction import experiments
from wbcseg.ui.compare import data
from wbcseg.ui.compare.data import Result
from wbcseg.ui.components.table import show_table
from wbcseg.ui.text import GLOSSARY, explain

REGIONS: Final = ("nucleus", "cytoplasm")
UNSEEN: Final = {
    "zheng-1-published-cv5": "Unseen cells, thesis' recipe",
    "zheng-1-compact-cv5": "Unseen cells, our recipe",
}
"""The studies of the table, by name."""

PRINTED: Final = ("Published (of other pixels)", "Repeated here, scored likewise")
"""Rows of figures that are called Dice, but are of other pixels."""

MISSING: Final = "–"
"""In place of a figure that nobody measured."""


def show_summary() -> None:
    """Show the Dice of every network: published, repeated here, and on cells that it never saw."""
    repeated, studies = data.repeated(), data.studies()
    st.markdown(
        "The thesis reports its networks on 30 pictures, of which most have a flipped copy in training, and what it "
        "prints as Dice of the nucleus and of the cytoplasm is of other pixels. Beside its figures stand those of the "
        "same training repeated here, scored as it did and rightly, and those on cells that the network has never "
        "seen: **only the last say what to expect of a new picture.**"
    )
    explain("Dice as published", label="How is that known?")
    tables = experiments("tables")
    complete = True
    for region in REGIONS:
        columns = []
        for experiment in tables:
            table = reproduction.lines(experiment, repeated.get(experiment.name))
            of = {line.figure: line for line in table}
            printed, rightly = of[f'"Dice" as published, {region}'], of[f"Dice, {region}"]
            unseen = [_unseen(studies.get(name, []), experiment.config.architecture, region) for name in UNSEEN]
            columns.append(
                [
                    _text(printed.published, printed.published_error),
                    _text(printed.last, printed.error),
                    _text(rightly.last, rightly.error),
                    *(f"**{text}**" for text in unseen),
                ]
            )
        complete = complete and not any(MISSING in text for column in columns for text in column)
        st.subheader(f"Dice of the {region}", help=f"{GLOSSARY['Dice']}\n\n**±** {GLOSSARY['±']}")
        head = ["", *(experiment.title.partition(",")[0] for experiment in tables)]
        names = (*PRINTED, "Repeated here", *(f"**{title}**" for title in UNSEEN.values()))
        show_table(
            head, [[name, *cells] for name, *cells in zip(names, *columns, strict=True)], f"Dice of the {region}"
        )
    st.caption(
        "Published and repeated: width 64, the thesis' 30 test pictures, most of them leaked. Unseen cells: "
        f"{_widths(studies)}cross-validation over all pictures of Dataset 1, every cell on one side only, one look."
        f"{'' if complete else ' A dash: not measured yet.'}"
    )


def _widths(studies: Mapping[str, Sequence[Result]]) -> str:
    """Say how wide the networks of the table are that were tested on unseen cells."""
    widths = {one["config"]["width"] for name in UNSEEN for one in studies.get(name, [])}
    if not widths:
        return ""
    return f"width {min(widths)}, " if len(widths) == 1 else f"widths {min(widths)} to {max(widths)}, "


def _unseen(found: Sequence[Result], architecture: str, region: str) -> str:
    mine = [one for one in found if one["architecture"] == architecture]
    if not mine:
        return MISSING
    (summary,) = data.summaries(mine, "dice", region, "one_look").values()
    return _text(summary.mean, summary.error)


def _text(value: float | None, error: float | None) -> str:
    return MISSING if value is None or error is None else f"{value:.3f} ± {error:.3f}"
