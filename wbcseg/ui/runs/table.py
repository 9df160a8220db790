"""All runs as a table to select from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import streamlit as st

from wbcseg.metrics import CELL
from wbcseg.training import TrainingConfig
from wbcseg.training.runs.summary import RunSummary, list_summaries
from wbcseg.ui import routes
from wbcseg.ui.components.run_status import format_status
from wbcseg.ui.formatting import MISSING_TEXT, format_duration
from wbcseg.ui.glossary import GLOSSARY
from wbcseg.ui.train.fields import format_architecture, format_dataset

TABLE_REFRESH_SECONDS: Final = 2.0
"""Refresh interval while a run is active."""

HELDOUT_DICE: Final = "Held-out Dice"
FAST_DICE: Final = "Best fast Dice"

SELECTED_KEY: Final = "selected_runs"
"""Key of the session state: names of the selected runs."""

_ORDER_KEY: Final = "runs_order"
_TABLE_KEY: Final = "runs_table"


def select_runs() -> list[RunSummary]:
    """Show all runs, the newest first, and return those that the reader selects, in the same order.

    The selection is in the address (``runs``). It holds names, because runs may be added or deleted while the page is
    open.
    """
    summaries = list_summaries()
    if not summaries:
        st.info("There are no runs yet.", icon=":material/school:")
        st.page_link(routes.TRAIN, label="Set up a training run", icon=":material/play_arrow:")
        st.stop()
    if SELECTED_KEY not in st.session_state or "runs" in st.query_params:
        st.session_state.setdefault(SELECTED_KEY, st.query_params.get_all("runs"))
    names = {summary.name for summary in summaries}
    st.session_state[SELECTED_KEY] = [name for name in st.session_state[SELECTED_KEY] if name in names]
    any_active = any(summary.is_active for summary in summaries)
    st.fragment(_render_table, run_every=TABLE_REFRESH_SECONDS if any_active else None)(
        tuple(st.session_state[SELECTED_KEY]), any_active
    )
    st.query_params["runs"] = st.session_state[SELECTED_KEY]
    return [summary for summary in summaries if summary.name in st.session_state[SELECTED_KEY]]


def _render_table(selected: tuple[str, ...], was_active: bool) -> None:
    summaries = list_summaries()
    run_names = [summary.name for summary in summaries]
    if (
        tuple(st.session_state[SELECTED_KEY]) != selected
        or any(summary.is_active for summary in summaries) != was_active
    ):
        st.rerun()
    row_indices = [index for index, name in enumerate(run_names) if name in selected]
    st.session_state[_ORDER_KEY] = run_names
    st.session_state[_TABLE_KEY] = {"selection": {"rows": row_indices, "columns": [], "cells": []}}
    st.dataframe(
        build_columns(summaries),
        hide_index=True,
        on_select=_on_selection,
        selection_mode="multi-row",
        key=_TABLE_KEY,
        column_config={
            "Run": st.column_config.TextColumn(width="medium"),
            "Split": st.column_config.TextColumn(help=GLOSSARY["Leaky split"]),
            HELDOUT_DICE: st.column_config.NumberColumn(
                format="%.3f", help="Dice of the whole cell on whole held-out images, as on the model's card."
            ),
            FAST_DICE: st.column_config.NumberColumn(
                format="%.3f", help=f"That of the whole cell in the best epoch. {GLOSSARY['Fast Dice']}"
            ),
        },
        placeholder=MISSING_TEXT,
        alt="All runs, the newest first, with status, settings, held-out Dice and time",
    )


def _on_selection() -> None:
    row_indices = st.session_state[_TABLE_KEY]["selection"]["rows"]
    run_names = st.session_state[_ORDER_KEY]
    st.session_state[SELECTED_KEY] = [run_names[row] for row in sorted(row_indices) if row < len(run_names)]


def build_columns(summaries: Sequence[RunSummary]) -> dict[str, list[Any]]:
    """Return the table of runs, column by column."""
    names = ("Run", "Status", "Network", "Data set", "Split", "Epochs", HELDOUT_DICE, FAST_DICE, "Time")
    table: dict[str, list[Any]] = {name: [] for name in names}
    for summary in summaries:
        config = summary.config
        cells = {
            "Run": summary.name,
            "Status": format_status(summary),
            "Network": f"{format_architecture(config.architecture)}-{config.base_filters}" if config else "",
            "Data set": format_dataset(config.dataset) if config else "",
            "Split": _format_split(config) if config else "",
            "Epochs": f"{summary.epoch} of {summary.epochs}" if config else "",
            HELDOUT_DICE: summary.heldout_dice.get(CELL),
            FAST_DICE: summary.best_fast_dice_cell,
            "Time": format_duration(summary.seconds) if summary.seconds else "",
        }
        for name, cell in cells.items():
            table[name].append(cell)
    return table


def _format_split(config: TrainingConfig) -> str:
    if config.split == "thesis":
        return "Thesis (leaky)" if config.is_leaky else "Thesis"
    return f"{'Leaky' if config.is_leaky else 'Leak-free'}, fold {config.fold}"
