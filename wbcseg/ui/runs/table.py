"""All runs as a table to select from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final

import streamlit as st

from wbcseg.metrics import CELL
from wbcseg.training import TrainingConfig
from wbcseg.training.runs.examples import list_examples
from wbcseg.training.runs.summary import RunSummary, find_best_run, list_summaries
from wbcseg.ui import routes
from wbcseg.ui.components.run_status import format_status
from wbcseg.ui.formatting import MISSING_TEXT, escape_markdown, pluralise
from wbcseg.ui.glossary import GLOSSARY
from wbcseg.ui.train.fields import format_architecture, format_dataset, format_split

TABLE_REFRESH_SECONDS: Final = 2.0
"""Refresh interval while a run is active."""

HELDOUT_DICE: Final = "Held-out Dice"
FAST_DICE: Final = "Fast Dice"
INTERVAL: Final = "95 %"
CHANGE: Final = "vs baseline"
MAX_NOTE_PREVIEW: Final = 80
"""Characters of the notes in the table."""

BASELINE_KEY: Final = "runs_baseline"
BASELINE_PARAM: Final = "baseline"

SELECTED_KEY: Final = "selected_runs"
"""Key of the session state: names of the selected runs."""

_ORDER_KEY: Final = "runs_order"
_TABLE_KEY: Final = "runs_table"


def select_runs() -> list[RunSummary]:
    """Show all runs, the newest first, and return those that the reader selects, in the same order.

    The selection is in the address (``runs``). It holds names, because runs may be added or deleted while the page is
    open.
    """
    summaries = list_with_examples()
    if all(summary.is_example for summary in summaries):
        st.info(
            "There are no runs yet. The examples were trained on synthetic smears, to look around.",
            icon=":material/school:",
        )
        st.page_link(routes.TRAIN, label="Set up a training run", icon=":material/play_arrow:")
    if not summaries:
        st.stop()
    if SELECTED_KEY not in st.session_state or "runs" in st.query_params:
        st.session_state.setdefault(SELECTED_KEY, st.query_params.get_all("runs"))
    names = {summary.name for summary in summaries}
    baseline = st.session_state.get(BASELINE_KEY, st.query_params.get(BASELINE_PARAM))
    pin_baseline(baseline if baseline in names else None)
    st.session_state[SELECTED_KEY] = [name for name in st.session_state[SELECTED_KEY] if name in names]
    any_active = any(summary.is_active for summary in summaries)
    st.fragment(_render_table, run_every=TABLE_REFRESH_SECONDS if any_active else None)(
        tuple(st.session_state[SELECTED_KEY]), any_active
    )
    st.query_params["runs"] = st.session_state[SELECTED_KEY]
    return [summary for summary in summaries if summary.name in st.session_state[SELECTED_KEY]]


def list_with_examples() -> list[RunSummary]:
    """Return all runs, the newest first; without any, the examples."""
    return list_summaries() or list_examples()


def _filter_summaries(summaries: Sequence[RunSummary]) -> list[RunSummary]:
    """Show a field to filter the runs, and return those that match; selected ones stay."""
    text = st.text_input(
        "Filter",
        key="runs_filter",
        placeholder="name, network, data set, tag, note or owner",
        width=420,
        label_visibility="collapsed",
        icon=":material/search:",
    )
    words, selected = text.lower().split(), st.session_state[SELECTED_KEY]
    if not words:
        return list(summaries)
    texts = _join_cells(build_columns(summaries))
    return [
        summary
        for summary, searched in zip(summaries, texts, strict=True)
        if summary.name in selected or all(word in searched for word in words)
    ]


def _join_cells(table: Mapping[str, Sequence[Any]]) -> list[str]:
    """Return what the table says about each run in words, in lower case."""
    rows = zip(*table.values(), strict=True)
    return [" ".join(str(cell) for cell in row if isinstance(cell, str | list)).lower() for row in rows]


def _render_table(selected: tuple[str, ...], was_active: bool) -> None:
    all_summaries = list_with_examples()
    if (
        tuple(st.session_state[SELECTED_KEY]) != selected
        or any(summary.is_active for summary in all_summaries) != was_active
    ):
        st.rerun()
    _show_best_run(all_summaries)
    summaries = _filter_summaries(all_summaries)
    run_names = [summary.name for summary in summaries]
    row_indices = [index for index, name in enumerate(run_names) if name in selected]
    st.session_state[_ORDER_KEY] = run_names
    st.session_state[_TABLE_KEY] = {"selection": {"rows": row_indices, "columns": [], "cells": []}}
    if len(summaries) < len(all_summaries):
        st.caption(f"{len(summaries)} of {len(all_summaries)} runs.")
    baseline_dice = next((s.heldout_dice.get(CELL) for s in all_summaries if s.name == get_baseline()), None)
    st.dataframe(
        build_columns(summaries, baseline_dice),
        hide_index=True,
        on_select=_on_selection,
        selection_mode="multi-row",
        key=_TABLE_KEY,
        column_config={
            "Run": st.column_config.TextColumn(width="medium"),
            "Split": st.column_config.TextColumn(help=GLOSSARY["Leaky split"]),
            HELDOUT_DICE: st.column_config.NumberColumn(
                format="%.3f",
                help="Dice of the whole cell on whole held-out images, as on the model's card: the score of the run.",
            ),
            INTERVAL: st.column_config.NumberColumn(
                format="± %.3f", help="Half of its 95 % interval, from the standard error over the held-out images."
            ),
            CHANGE: st.column_config.NumberColumn(format="%+.3f", help="Held-out Dice minus that of the baseline."),
            FAST_DICE: st.column_config.NumberColumn(
                format="%.3f", help=f"Of runs without a model yet, after the last epoch. {GLOSSARY['Fast Dice']}"
            ),
            "Learning rate": st.column_config.NumberColumn(format="%.2g"),
            "Minutes": st.column_config.NumberColumn(format="%.1f", help="Training time so far."),
            "Created": st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm"),
            "Notes": st.column_config.TextColumn(width="medium"),
        },
        placeholder=MISSING_TEXT,
        alt="All runs, the newest first, with status, settings, held-out Dice and time",
    )


def _show_best_run(summaries: Sequence[RunSummary]) -> None:
    """Say which run's model is the best on its own held-out images."""
    best = find_best_run(summaries)
    if best is None or best.config is None:
        return
    text = f"Best on its held-out images: **{escape_markdown(best.name)}**, {format_heldout(best)}"
    st.caption(f"{text}. {format_split(best.config).capitalize()}; other splits have other images.")


def format_heldout(summary: RunSummary) -> str:
    """Return the score of a run's model with its interval, as text; empty without a model."""
    if CELL not in summary.heldout_dice:
        return ""
    interval = (
        f" (95 % interval {summary.heldout_interval[0]:.3f} to {summary.heldout_interval[1]:.3f})"
        if summary.heldout_interval
        else ""
    )
    return f"Dice {summary.heldout_dice[CELL]:.3f}{interval}, {pluralise(summary.heldout_images, 'image')}"


def get_baseline() -> str | None:
    """Return the name of the run that is pinned as baseline."""
    name: str | None = st.session_state.get(BASELINE_KEY)
    return name


def add_baseline(selected: Sequence[RunSummary]) -> list[RunSummary]:
    """Return the selected runs with the baseline before them."""
    name = get_baseline()
    if name is None:
        return list(selected)
    baseline = [summary for summary in list_with_examples() if summary.name == name]
    return [*baseline, *(summary for summary in selected if summary.name != name)]


def pin_baseline(name: str | None) -> None:
    """Pin a run as baseline, or none. The address has it."""
    st.session_state[BASELINE_KEY] = name
    if name is None:
        st.query_params.pop(BASELINE_PARAM, None)
    else:
        st.query_params[BASELINE_PARAM] = name


def _on_selection() -> None:
    row_indices = st.session_state[_TABLE_KEY]["selection"]["rows"]
    run_names = st.session_state[_ORDER_KEY]
    st.session_state[SELECTED_KEY] = [run_names[row] for row in sorted(row_indices) if row < len(run_names)]


def build_columns(summaries: Sequence[RunSummary], baseline_dice: float | None = None) -> dict[str, list[Any]]:
    """Return the table of runs, column by column. Numbers are numbers, so that they sort as such.

    Args:
        summaries: The runs.
        baseline_dice: Held-out Dice of the baseline; by default there is none, and no column with the difference.
    """
    table: dict[str, list[Any]] = {}
    # The titles are registered elsewhere, and looking them up for each of many runs would take long.
    format_network, format_data = cache(format_architecture), cache(format_dataset)
    for summary in summaries:
        config, dice = summary.config, summary.heldout_dice.get(CELL)
        interval = summary.heldout_interval
        cells = {
            "Run": summary.name,
            "Status": "Example" if summary.is_example else format_status(summary),
            HELDOUT_DICE: dice,
            INTERVAL: (interval[1] - interval[0]) / 2 if interval else None,
            CHANGE: dice - baseline_dice if dice is not None and baseline_dice is not None else None,
            FAST_DICE: None if dice is not None else summary.fast_dice.get(CELL),
            "Network": f"{format_network(config.architecture)}-{config.base_filters}" if config else "",
            "Data set": format_data(config.dataset) if config else "",
            "Split": _format_split(config) if config else "",
            "Learning rate": config.learning_rate if config else None,
            "Epochs": summary.epoch if config else None,
            "Planned": summary.epochs if config else None,
            "Minutes": summary.seconds / 60 if summary.seconds else None,
            "Created": datetime.fromtimestamp(summary.created, UTC) if summary.created else None,
            "Owner": summary.details.owner,
            "Tags": list(summary.details.tags),
            "Notes": " ".join(summary.details.notes.split())[:MAX_NOTE_PREVIEW],
        }
        for name, cell in cells.items():
            table.setdefault(name, []).append(cell)
    if baseline_dice is None:
        table.pop(CHANGE, None)
    return table


def _format_split(config: TrainingConfig) -> str:
    if config.split == "thesis":
        return "Thesis (leaky)" if config.is_leaky else "Thesis"
    return f"{'Leaky' if config.is_leaky else 'Leak-free'}, fold {config.fold}"
