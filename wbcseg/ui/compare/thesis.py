"""The thesis' tables and curves beside what the same training gives here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import streamlit as st

from wbcseg.evaluation import reproduction
from wbcseg.evaluation.comparison import format_hardware_label
from wbcseg.evaluation.reproduction import CPU_SECONDS, EXPERIMENTS, WALL_SECONDS, Experiment
from wbcseg.training import TrainingConfig
from wbcseg.ui.compare import data
from wbcseg.ui.components import line_charts
from wbcseg.ui.components.table import show_table
from wbcseg.ui.formatting import escape_markdown, format_duration
from wbcseg.ui.glossary import GLOSSARY

ReproductionResults = Mapping[str, Mapping[str, Any]]

TRAINING_TIME_HELP: Final = (
    "Of the whole training. The thesis trained on a graphics processor. Here, the computer may have done other work "
    "meanwhile; the processor time is the seconds that all cores together worked on the training."
)
SCORED_REGIONS: Final = ("cytoplasm", "nucleus")
SUBSETS: Final = ("training", "test")
MISSING_TEXT: Final = "–"


@dataclass(frozen=True)
class ThesisTable:
    """One of the thesis' tables.

    Attributes:
        title: Its heading.
        metric: What it is of, as :func:`wbcseg.evaluation.reproduction.compare_with_thesis` calls it.
        columns: Of what each.
        help: What the figure is.
        in_annex: Whether the annex has it, too.
    """

    title: str
    metric: str
    columns: tuple[str, ...]
    help: str
    in_annex: bool = False


THESIS_TABLES: Final = (
    ThesisTable("Accuracy (Table 1)", "accuracy", SUBSETS, GLOSSARY["Binary accuracy"], in_annex=True),
    ThesisTable("Loss (Table 2)", "loss", SUBSETS, GLOSSARY["Loss"], in_annex=True),
    ThesisTable('"Dice" as published (Table 3)', '"Dice" as published', SCORED_REGIONS, GLOSSARY["Dice as published"]),
    ThesisTable(
        '"Jaccard" as published (Table 3)', '"Jaccard" as published', SCORED_REGIONS, GLOSSARY["Jaccard as published"]
    ),
    ThesisTable(
        "Jaccard of the same pixels (not in the thesis)", "Jaccard of the same", SCORED_REGIONS, GLOSSARY["Jaccard"]
    ),
    ThesisTable("Dice of the classes (not in the thesis)", "Dice", SCORED_REGIONS, GLOSSARY["Dice"]),
)


def show_reproduction() -> None:
    """Show the thesis' tables and curves, every figure beside ours, and where it was not repeated yet, that."""
    reproductions = data.load_reproductions()
    st.markdown(
        "The networks of the thesis, trained again in full width with its settings, its split and the slips of its "
        "programs, so that the figures mean what they mean there. **They flatter**: 24 of the 30 test pictures have a "
        "flipped copy in training, and the other six are three pairs of copies. **What is called Dice and Jaccard of "
        "the cytoplasm and of the nucleus is not of them**, but of the middle and of the lower third of the picture. "
        "*Here* is the last epoch, as the thesis reports; *here, best* the epoch with the best accuracy on the test "
        "pictures, which flatters once more."
    )
    table_experiments, annex_experiments = (
        reproduction.list_experiments("tables"),
        reproduction.list_experiments("annex"),
    )
    for table in THESIS_TABLES:
        st.subheader(table.title, help=table.help)
        _show_table(table, table_experiments, reproductions)
    st.subheader("Training time", help=TRAINING_TIME_HELP)
    _show_times(table_experiments, reproductions)
    for experiment in table_experiments:
        if experiment.name in reproductions:
            _show_curves(experiment, reproductions[experiment.name])
    second_starts = [
        experiment for experiment in reproduction.list_experiments("again") if experiment.name in reproductions
    ]
    if second_starts:
        _show_second_starts(second_starts, reproductions)
    st.header("Without flipped copies", help=GLOSSARY["Annex"])
    st.markdown(
        "The thesis' second experiment. Its two slower networks are repeated at a quarter of the width, with a "
        "sixteenth of the parameters."
    )
    for table in THESIS_TABLES:
        if table.in_annex:
            st.subheader(table.title.partition(" (")[0], help=table.help)
            _show_table(table, annex_experiments, reproductions)
    missing_names = [experiment.name for experiment in EXPERIMENTS.values() if experiment.name not in reproductions]
    if missing_names:
        st.caption("A dash: not repeated here yet. It takes hours.")
        st.code(f"python -m wbcseg reproduce {' '.join(missing_names)}", language=None, wrap_lines=True)
    for text in dict.fromkeys(escape_markdown(format_hardware_label(result)) for result in reproductions.values()):
        st.caption(f"Here: {text}.")


def _show_table(table: ThesisTable, experiments: Sequence[Experiment], reproductions: ReproductionResults) -> None:
    row_names = [
        f"{column.capitalize()}, {source}" for column in table.columns for source in ("thesis", "here", "here, best")
    ]
    columns = []
    for experiment in experiments:
        lines_by_metric = {
            line.metric: line
            for line in reproduction.compare_with_thesis(experiment, reproductions.get(experiment.name))
        }
        lines = [lines_by_metric[f"{table.metric}, {column}"] for column in table.columns]
        columns.append(
            [
                text
                for line in lines
                for text in (
                    _format_number(line.thesis, line.thesis_error),
                    _format_number(line.final, line.final_error),
                    _format_number(line.best),
                )
            ]
        )
    rows = [[name, *cells] for name, *cells in zip(row_names, *columns, strict=True)]
    # Of some figures the best epoch is not known, or nothing was published: no row of dashes for it.
    rows = [row for row in rows if row[0].endswith("here") or set(row[1:]) != {MISSING_TEXT}]
    show_table(_build_header(experiments), rows, table.title)


def _show_second_starts(experiments: Sequence[Experiment], reproductions: ReproductionResults) -> None:
    """Show what came out of the same training from another start, beside the first."""
    st.header("Once more, from another start")
    st.markdown(
        "The same training with other random numbers: other weights to begin with, another order of the pictures. How "
        "far the two lie apart says how much of a difference to the published figures may be chance."
    )
    for second_start in experiments:
        original = EXPERIMENTS[second_start.config.architecture]
        line_lists = [
            reproduction.compare_with_thesis(item, reproductions.get(item.name)) for item in (original, second_start)
        ]
        rows = [
            [
                item.figure[:1].upper() + item.figure[1:],
                _format_number(item.published, item.published_error),
                *(_format_number(line.last, line.error) for line in (item, second_line)),
            ]
            for item, second_line in zip(*line_lists, strict=True)
            if item.published is not None and item.figure != WALL_SECONDS
        ]
        st.subheader(escape_markdown(original.title))
        show_table(["", "thesis", "here", "here, another start"], rows, second_start.title)


def _show_times(experiments: Sequence[Experiment], reproductions: ReproductionResults) -> None:
    lines_by_experiment = [
        {line.metric: line for line in reproduction.compare_with_thesis(experiment, reproductions.get(experiment.name))}
        for experiment in experiments
    ]
    times, processor_times = (
        [lines[metric] for lines in lines_by_experiment] for metric in (WALL_SECONDS, CPU_SECONDS)
    )
    rows = [
        ["Published", *(_format_time(line.thesis) for line in times)],
        ["Here", *(_format_time(line.final) for line in times)],
        ["Here, processor time", *(_format_time(line.final) for line in processor_times)],
    ]
    show_table(_build_header(experiments), rows, "Times")


def _build_header(experiments: Sequence[Experiment]) -> list[str]:
    titles = [
        experiment.title if experiment.kind == "annex" else experiment.title.partition(",")[0]
        for experiment in experiments
    ]
    return ["", *map(escape_markdown, titles)]


def _show_curves(experiment: Experiment, result: Mapping[str, Any]) -> None:
    config = TrainingConfig.from_dict(result["config"])
    with st.expander(f"Curves of {experiment.title}", icon=":material/show_chart:"), st.grid(2, min_column_width=330):
        for metric, title, thesis_metric in (("binary_accuracy", "Accuracy", "accuracy"), ("loss", "Loss", "loss")):
            points, series = line_charts.build_train_val_series(result["history"], metric)
            thesis_points, thesis_series = line_charts.load_thesis_series(config, thesis_metric)
            with st.container():
                line_charts.show_line_chart(
                    [*points, *thesis_points],
                    [*series, *thesis_series],
                    x_title="Epoch",
                    y_title=title,
                    alt=f"{title} of {experiment.title} by epoch, here and in the thesis, in training and on test "
                    "images",
                    key=f"repeated_{experiment.name}_{thesis_metric}",
                    live=False,
                )


def _format_number(value: float | None, error: float | None = None) -> str:
    return MISSING_TEXT if value is None else f"{value:.4f}" + ("" if error is None else f" ± {error:.4f}")


def _format_time(seconds: float | None) -> str:
    return MISSING_TEXT if seconds is None else format_duration(seconds)
