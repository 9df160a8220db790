"""The thesis' tables and curves beside what the same training gives here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import streamlit as st

from wbcseg.evaluation import reproduction
from wbcseg.evaluation.reproduction import EXPERIMENTS, Experiment, Line
from wbcseg.training import TrainingConfig
from wbcseg.ui import curves, results
from wbcseg.ui.scores import show_table
from wbcseg.ui.words import GLOSSARY, as_text, time_text

HELP: Final = {
    "Accuracy": GLOSSARY["Binary accuracy"],
    "Loss": GLOSSARY["Loss"],
    "Jaccard as published": GLOSSARY["Jaccard as published"],
    "Dice": GLOSSARY["Dice"],
}


def show_experiments() -> None:
    """Show every experiment of the thesis: its figures beside ours, and where it was not repeated yet, that."""
    found = results.repeated()
    st.markdown(
        "The networks of the thesis, trained again in full width with its settings, its split and the slips of its "
        "programs: so the figures mean what they mean there. **They flatter**: 24 of the 30 test pictures have a "
        "flipped copy in training, and the other six are three pairs of copies."
    )
    for experiment in EXPERIMENTS.values():
        if not experiment.annex:
            _show(experiment, found.get(experiment.name))
    st.subheader("Without flipped copies", help=GLOSSARY["Annex"])
    for experiment in EXPERIMENTS.values():
        if experiment.annex:
            _show(experiment, found.get(experiment.name))


def _show(experiment: Experiment, result: Mapping[str, Any] | None) -> None:
    st.subheader(experiment.title) if not experiment.annex else st.markdown(f"**{experiment.title}**")
    table = reproduction.lines(experiment, result)
    show_table(["", "Published", "Here, last epoch", "Here, best epoch"], [_row(line) for line in table])
    if result is None:
        st.caption(f"Not repeated here yet. It takes hours: python -m wbcseg reproduce {experiment.name}")
        return
    st.caption(_machine(result))
    if not experiment.annex:
        _show_curves(experiment, result)


def _row(line: Line) -> list[str]:
    if line.figure == reproduction.SECONDS:
        return ["Time", _time(line.published), _time(line.last), ""]
    name = line.figure[0].upper() + line.figure[1:]
    published, here = _number(line.published, line.published_error), _number(line.last, line.error)
    return [as_text(name), published, here, _number(line.best)]


def _show_curves(experiment: Experiment, result: Mapping[str, Any]) -> None:
    config = TrainingConfig.from_dict(result["config"])
    with st.expander(f"Curves of {experiment.title}", icon=":material/show_chart:"), st.grid(2, min_column_width=330):
        for metric, title, name in (("binary_accuracy", "Accuracy", "accuracy"), ("loss", "Loss", "loss")):
            points, series = curves.by_part(result["history"], metric)
            more, grey = curves.published(config, name)
            with st.container():
                curves.show_chart(
                    [*points, *more],
                    [*series, *grey],
                    x_title="Epoch",
                    y_title=title,
                    alt=f"{title} of {experiment.title} by epoch, here and in the thesis, in training and on test "
                    "pictures",
                    key=f"repeated_{experiment.name}_{name}",
                    zoom=True,
                )


def _machine(result: Mapping[str, Any]) -> str:
    where = result["environment"]
    return (
        f"{len(result['history'])} epochs on {as_text(where['processor'])}, {where['cores']} cores. The thesis trained "
        f"on a graphics processor. Best epoch: the one with the best accuracy on the test pictures, which flatters."
    )


def _number(value: float | None, error: float | None = None) -> str:
    return "–" if value is None else f"{value:.4f}" + ("" if error is None else f" ± {error:.4f}")


def _time(seconds: float | None) -> str:
    return "–" if seconds is None else time_text(seconds)
