"""All trainings as a table to choose from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import streamlit as st

from wbcseg.ui import routes
from wbcseg.training import TrainingConfig
from wbcseg.training.runs.summary import RunSummary, list_summaries
from wbcseg.ui.train.fields import format_architecture, format_dataset
from wbcseg.ui.components.run_status import STATUS_STYLES
from wbcseg.ui.text import GLOSSARY, format_duration

TABLE_REFRESH_SECONDS: Final = 2.0
"""Seconds between two looks at the runs while one of them goes on."""

_SELECTED_KEY: Final = "runs_chosen"
_ORDER_KEY: Final = "runs_order"
_TABLE_KEY: Final = "runs_table"


def select_runs() -> list[RunSummary]:
    """Show all runs, the newest first, and let the reader choose some. Return the chosen ones, in that order.

    The choice lives in the address (``runs``). It is kept by name: while the page is open, runs come and go.
    """
    found = list_summaries()
    if not found:
        st.info("There is no training yet.", icon=":material/school:")
        st.page_link(routes.TRAIN, label="Start the first one", icon=":material/play_arrow:")
        st.stop()
    if _SELECTED_KEY not in st.session_state or "runs" in st.query_params:
        st.session_state.setdefault(_SELECTED_KEY, st.query_params.get_all("runs"))
    names = {one.name for one in found}
    st.session_state[_SELECTED_KEY] = [name for name in st.session_state[_SELECTED_KEY] if name in names]
    alive = any(one.is_active for one in found)
    st.fragment(_render_table, run_every=TABLE_REFRESH_SECONDS if alive else None)(tuple(st.session_state[_SELECTED_KEY]), alive)
    st.query_params["runs"] = st.session_state[_SELECTED_KEY]
    return [one for one in found if one.name in st.session_state[_SELECTED_KEY]]


def _render_table(chosen: tuple[str, ...], was_alive: bool) -> None:
    found = list_summaries()
    order = [one.name for one in found]
    if tuple(st.session_state[_SELECTED_KEY]) != chosen or any(one.is_active for one in found) != was_alive:
        st.rerun()
    rows = [place for place, name in enumerate(order) if name in chosen]
    st.session_state[_ORDER_KEY] = order
    st.session_state[_TABLE_KEY] = {"selection": {"rows": rows, "columns": [], "cells": []}}
    st.dataframe(
        build_columns(found),
        hide_index=True,
        on_select=_on_selection,
        selection_mode="multi-row",
        key=_TABLE_KEY,
        column_config={
            "Run": st.column_config.TextColumn(width="medium"),
            "Split": st.column_config.TextColumn(help=GLOSSARY["Leaking split"]),
            "Best Dice": st.column_config.NumberColumn(
                format="%.3f", help="Of the whole cell on the held-out pictures, in the best epoch."
            ),
        },
        placeholder="–",
        alt="All trainings, the newest first, with state, settings, best held-out Dice and time",
    )


def _on_selection() -> None:
    rows = st.session_state[_TABLE_KEY]["selection"]["rows"]
    order = st.session_state[_ORDER_KEY]
    st.session_state[_SELECTED_KEY] = [order[row] for row in sorted(rows) if row < len(order)]


def build_columns(found: Sequence[RunSummary]) -> dict[str, list[Any]]:
    """Return the runs' table, column by column."""
    table: dict[str, list[Any]] = {
        name: [] for name in ("Run", "State", "Network", "Data", "Split", "Epochs", "Best Dice", "Time")
    }
    for one in found:
        config = one.config
        place = f", place {one.queue_position}" if one.queue_position else ""
        cells = {
            "Run": one.name,
            "State": STATUS_STYLES[one.status][0] + place,
            "Network": f"{format_architecture(config.architecture)}, {config.base_filters}" if config else "",
            "Data": format_dataset(config.dataset) if config else "",
            "Split": _format_split(config) if config else "",
            "Epochs": f"{one.epoch} of {one.epochs}" if config else "",
            "Best Dice": one.best_dice_cell,
            "Time": format_duration(one.seconds) if one.seconds else "",
        }
        for name, cell in cells.items():
            table[name].append(cell)
    return table


def _format_split(config: TrainingConfig) -> str:
    if config.split == "published":
        return "Published (leaking)" if config.is_leaky else "Published"
    return f"{'Leaking' if config.is_leaky else 'Leak-free'}, fold {config.fold}"
