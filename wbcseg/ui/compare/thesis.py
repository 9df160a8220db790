"""The tables and curves of the thesis beside those of the same training reproduced here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import streamlit as st

from wbcseg.evaluation import reproduction
from wbcseg.evaluation.comparison import format_hardware_label
from wbcseg.evaluation.reproduction import CPU_SECONDS, EXPERIMENTS, WALL_SECONDS, Experiment
from wbcseg.evaluation.study_result import ExperimentResult
from wbcseg.evaluation.thesis import SCORED_CLASSES
from wbcseg.training import TrainingConfig
from wbcseg.ui.compare import data
from wbcseg.ui.components import line_charts
from wbcseg.ui.components.table import show_table
from wbcseg.ui.formatting import MISSING_TEXT, escape_markdown, format_duration, format_mean
from wbcseg.ui.glossary import GLOSSARY

ReproductionResults = Mapping[str, ExperimentResult]

TRAINING_TIME_HELP: Final = (
    "Of the whole training run. The thesis used a graphics processor. The computer used here may have done other work "
    "at the same time; CPU time counts only the training, summed over all cores."
)
SUBSETS: Final = ("training", "test")
TAB_TITLE: Final = "Thesis, reproduced"


@dataclass(frozen=True)
class ThesisTable:
    """One of the thesis' tables.

    Attributes:
        title: Its heading.
        metric: Its metric, as :func:`wbcseg.evaluation.reproduction.compare_with_thesis` calls it.
        columns: What the metric is given for.
        help: Definition of the metric.
        in_annex: Whether the annex has this table, too.
    """

    title: str
    metric: str
    columns: tuple[str, ...]
    help: str
    in_annex: bool = False


THESIS_TABLES: Final = (
    ThesisTable("Accuracy (Table 1)", "accuracy", SUBSETS, GLOSSARY["Binary accuracy"], in_annex=True),
    ThesisTable("Loss (Table 2)", "loss", SUBSETS, GLOSSARY["Loss"], in_annex=True),
    ThesisTable("“Dice” as published (Table 3)", '"Dice" as published', SCORED_CLASSES, GLOSSARY["Dice as published"]),
    ThesisTable(
        "“Jaccard” as published (Table 3)", '"Jaccard" as published', SCORED_CLASSES, GLOSSARY["Jaccard as published"]
    ),
    ThesisTable(
        "Jaccard of the same pixels (not in the thesis)", "Jaccard of the same", SCORED_CLASSES, GLOSSARY["Jaccard"]
    ),
    ThesisTable("Dice of the classes (not in the thesis)", "Dice", SCORED_CLASSES, GLOSSARY["Dice"]),
)


def show_reproduction() -> None:
    """Show the tables and curves of the thesis beside ours."""
    reproductions = data.load_reproductions()
    st.markdown(
        "The networks of the thesis, trained again with its settings, its split and the bugs of its notebooks, so that "
        "the scores are comparable. **They are optimistic**: 24 of the 30 test images have a flipped copy in training, "
        "and the other six are three pairs of copies. **What the thesis calls Dice and Jaccard of cytoplasm and "
        "nucleus** is of the middle and lower third of the image instead. *Here* is the last epoch, as in the thesis; "
        "*here, best* is the epoch with the best accuracy on the test images, which is more optimistic still."
    )
    table_experiments = reproduction.list_experiments("tables")
    annex_experiments = reproduction.list_experiments("annex")
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
        "The second experiment of the thesis. The slower networks are reproduced with a quarter of the base filters, "
        "which is a sixteenth of the parameters."
    )
    for table in THESIS_TABLES:
        if table.in_annex:
            st.subheader(table.title.partition(" (")[0], help=table.help)
            _show_table(table, annex_experiments, reproductions)
    missing_names = [experiment.name for experiment in EXPERIMENTS.values() if experiment.name not in reproductions]
    if missing_names:
        st.caption(f"{MISSING_TEXT}: not reproduced here yet. This takes hours.")
        st.code(f"wbcseg reproduce {' '.join(missing_names)}", language=None, wrap_lines=True)
    for text in dict.fromkeys(
        escape_markdown(format_hardware_label(result.environment)) for result in reproductions.values()
    ):
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
                    _format_score(line.thesis, line.thesis_error),
                    _format_score(line.final, line.final_error),
                    _format_score(line.best),
                )
            ]
        )
    rows = [[name, *cells] for name, *cells in zip(row_names, *columns, strict=True)]
    # Without a best epoch or a published value, there is no row of dashes.
    rows = [row for row in rows if row[0].endswith("here") or set(row[1:]) != {MISSING_TEXT}]
    show_table(_build_header(experiments), rows, table.title)


def _show_second_starts(experiments: Sequence[Experiment], reproductions: ReproductionResults) -> None:
    """Show the same training with another seed beside the first."""
    st.header("With another seed")
    st.markdown(
        "The same training with other initial weights and another order of the images. The difference between the two "
        "shows how much of a difference to the thesis may be chance."
    )
    for second_start in experiments:
        original = EXPERIMENTS[second_start.config.architecture]
        line_lists = [
            reproduction.compare_with_thesis(experiment, reproductions.get(experiment.name))
            for experiment in (original, second_start)
        ]
        rows = [
            [
                line.metric[:1].upper() + line.metric[1:],
                _format_score(line.thesis, line.thesis_error),
                _format_score(line.final, line.final_error),
                _format_score(second_line.final, second_line.final_error),
            ]
            for line, second_line in zip(*line_lists, strict=True)
            if line.thesis is not None and line.metric != WALL_SECONDS
        ]
        st.subheader(escape_markdown(original.title))
        show_table(["", "thesis", "here", "here, another seed"], rows, second_start.title)


def _show_times(experiments: Sequence[Experiment], reproductions: ReproductionResults) -> None:
    lines_by_experiment = [
        {line.metric: line for line in reproduction.compare_with_thesis(experiment, reproductions.get(experiment.name))}
        for experiment in experiments
    ]
    times, processor_times = (
        [lines[metric] for lines in lines_by_experiment] for metric in (WALL_SECONDS, CPU_SECONDS)
    )
    rows = [
        ["Thesis", *(format_duration(line.thesis) for line in times)],
        ["Here", *(format_duration(line.final) for line in times)],
        ["Here, CPU time", *(format_duration(line.final) for line in processor_times)],
    ]
    show_table(_build_header(experiments), rows, "Times")


def _build_header(experiments: Sequence[Experiment]) -> list[str]:
    titles = [
        experiment.title if experiment.kind == "annex" else experiment.title.partition(",")[0]
        for experiment in experiments
    ]
    return ["", *map(escape_markdown, titles)]


def _show_curves(experiment: Experiment, result: ExperimentResult) -> None:
    config = TrainingConfig.from_dict(result.config)
    with st.expander(f"Curves of {experiment.title}", icon=":material/show_chart:"), st.grid(2, min_column_width=330):
        for metric, title, thesis_metric in (("binary_accuracy", "Accuracy", "accuracy"), ("loss", "Loss", "loss")):
            points, series = line_charts.build_train_val_series(result.history, metric)
            thesis_points, thesis_series = line_charts.load_thesis_series(config, thesis_metric)
            with st.container():
                line_charts.show_line_chart(
                    [*points, *thesis_points],
                    [*series, *thesis_series],
                    x_title="Epoch",
                    y_title=title,
                    alt=f"{title} of {experiment.title} by epoch, here and in the thesis, in training and on test "
                    "images",
                    key=f"reproduced_{experiment.name}_{thesis_metric}",
                    live=False,
                )


def _format_score(value: float | None, error: float | None = None) -> str:
    return format_mean(value, error, digits=4)
