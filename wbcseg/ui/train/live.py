"""A training as it goes on: its state, curves and film, refreshed without drawing the page anew."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import streamlit as st

from wbcseg.training import TrainingConfig
from wbcseg.training.runs.summary import RunSummary, list_summaries, summarise_run
from wbcseg.ui import routes
from wbcseg.ui.components import line_charts
from wbcseg.ui.components.image_panels import select_palette, show_legend
from wbcseg.ui.components.line_charts import MetricsRow, Point, Series
from wbcseg.ui.components.run_status import format_status_badge, show_actions, show_leakage_badge, show_status
from wbcseg.ui.text import escape_markdown
from wbcseg.ui.train.fields import format_config
from wbcseg.ui.train.snapshots import show_snapshots

LIVE_REFRESH_SECONDS: Final = 1.5
"""Seconds between two looks at a training that goes on."""

EPOCH_VIEW: Final = "By epoch"
BATCH_VIEW: Final = "First epoch, by batch"
ACCURACY_METRIC: Final = "accuracy"
METRIC_TITLES: Final = {
    "loss": "Loss",
    "accuracy": "Accuracy",
    "binary_accuracy": "Binary accuracy",
    "dice_nucleus": "Dice nucleus",
    "dice_cytoplasm": "Dice cytoplasm",
    "dice_cell": "Dice cell",
}


def show_live(one: RunSummary) -> None:
    """Show a training; while it goes on, what is shown follows."""
    st.fragment(_render_live, run_every=LIVE_REFRESH_SECONDS if one.is_active else None)(one, one.is_active)


def select_run(found: Sequence[RunSummary]) -> RunSummary:
    """Ask which training to watch: at first the one that runs, else the newest.

    Args:
        found: All of them, the newest first; at least one.
    """
    by_name = {one.name: one for one in found}
    asked = st.query_params.get("run")
    if "run" not in st.session_state or st.session_state["run"] not in by_name:
        running = next((one.name for one in found if one.status in ("running", "stopping")), None)
        chosen = asked if asked in by_name else running or found[0].name
        st.session_state["run"] = chosen
    # No widget binding here: what is chosen unasked belongs in the address too, so that a reload finds it again.
    st.selectbox("Training", list(by_name), key="run", width=420, label_visibility="collapsed")
    st.query_params["run"] = st.session_state["run"]
    return by_name[st.session_state["run"]]


def _render_live(one: RunSummary, was_alive: bool) -> None:
    now = summarise_run(one.run)
    if now.status == "waiting":
        now = next((other for other in list_summaries() if other.name == one.name), now)
    if now.is_active != was_alive:
        # Once more as a whole: whether the page looks again by itself is settled there.
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(
            f"{format_status_badge(now)} {escape_markdown(format_config(now.config)) if now.config else ''}",
            width="content",
        )
        show_actions(now, f"live_{now.name}")
    show_status(now)
    if now.config is None:
        st.page_link(routes.RUNS, label="Delete it on the page Runs", icon=":material/delete:")
        return
    show_leakage_badge(now)
    _show_curves(now, now.config)
    st.subheader("What it makes of three held-out pictures")
    with st.container(horizontal=True, vertical_alignment="center"):
        palette = select_palette(label_visibility="collapsed")
        show_legend(palette)
    show_snapshots(now.run, now.config, palette)


def _show_curves(one: RunSummary, config: TrainingConfig) -> None:
    rows, batches = one.run.load_metrics(), one.run.load_batch_metrics()
    with st.container(horizontal=True, vertical_alignment="center", key="curve_options"):
        view = EPOCH_VIEW if rows else BATCH_VIEW
        if rows and batches:
            view = st.segmented_control(
                "Curves",
                (EPOCH_VIEW, BATCH_VIEW),
                default=EPOCH_VIEW,
                required=True,
                key=f"axis_{one.name}",
                label_visibility="collapsed",
            )
        thesis = view == EPOCH_VIEW and st.toggle(
            "The thesis' curve underneath",
            key="thesis_curve",
            help="What the thesis published of the same network in full width. Its test pictures are not honest ones: "
            "24 of 30 have a flipped copy in training.",
        )
    shown: Sequence[MetricsRow] = rows if view == EPOCH_VIEW else batches
    x_title = "Epoch" if view == EPOCH_VIEW else "Batch"
    accuracy = "binary_accuracy" if thesis else ACCURACY_METRIC
    same_loss = config.loss == "binary_crossentropy"
    with st.grid(3, min_column_width=300, gap=("small", "medium")) as grid:
        for metric, title in (("loss", "Loss"), (accuracy, METRIC_TITLES[accuracy])):
            points, series = line_charts.build_train_val_series(shown, metric)
            if thesis and (metric != "loss" or same_loss):
                more, others = line_charts.load_thesis_series(config, "loss" if metric == "loss" else ACCURACY_METRIC)
                points, series = [*points, *more], [*series, *others]
            with grid.cell():
                _show_curve(one, title, points, series, x_title)
        with grid.cell():
            _show_curve(one, "Dice", *line_charts.build_dice_series(shown), x_title)
    st.caption(line_charts.DASH_EXPLANATION + ("" if one.is_active else f" {line_charts.ZOOM_HINT}"))
    if thesis:
        _show_thesis_note(same_loss)
    _show_metrics_table(shown, x_title)


def _show_curve(one: RunSummary, title: str, points: Sequence[Point], series: Sequence[Series], x_title: str) -> None:
    own = {s.name for s in series if not s.thin}
    last = {name: y for _, y, name in points if name in own}
    held_out = {name: y for name, y in last.items() if not name.lower().endswith(line_charts.TRAINING.lower())}
    # Of six curves of Dice, the three that count are enough.
    told = held_out if len(last) > 2 and held_out else last
    newest = [f"{name.replace(line_charts.SUBSET_SEPARATOR, ' ').lower()} {y:.3f}" for name, y in told.items()]
    with st.container(gap="xsmall"):
        st.markdown(f"**{title}**")
        what = f"{title} by {x_title.lower()}"
        # While rows come in, the text stays the same: a new one would draw the picture anew.
        alt = what if one.is_active else f"{what}, at the end: {', '.join(newest) or 'no figure yet'}"
        key = f"{title}_{x_title}"
        line_charts.show_line_chart(points, series, x_title=x_title, y_title=title, alt=alt, key=key, live=one.is_active)
        now = "Now" if one.is_active else "Last"
        st.caption(f"{now}: {', '.join(newest)}" if newest else "\u00a0")


def _show_thesis_note(same_loss: bool) -> None:
    loss = (
        "Its loss is binary cross-entropy, as here."
        if same_loss
        else "Its loss is binary cross-entropy; this training has another one, which cannot be compared, so "
        "the loss is left out."
    )
    st.caption(
        f"The thesis: width 64, binary accuracy (here too, while its curve is shown), test on 30 pictures of which 24 "
        f"have a flipped copy in training. {loss} It published no Dice by epoch."
    )


def _show_metrics_table(rows: Sequence[MetricsRow], x_title: str) -> None:
    table = st.expander("Figures as a table", icon=":material/table:", on_change="rerun", key=f"figures_{x_title}")
    if not table.open:
        return
    columns: dict[str, list[float | None]] = {x_title: [float(number) for number in range(1, len(rows) + 1)]}
    for prefix, part in (("", "training"), ("val_", "held-out")):
        for name, title in METRIC_TITLES.items():
            if any(prefix + name in row for row in rows):
                columns[f"{title}, {part}"] = [row.get(prefix + name) for row in rows]
    config = {name: st.column_config.NumberColumn(format="%.4f") for name in columns if name != x_title}
    config[x_title] = st.column_config.NumberColumn(format="%d", pinned=True)
    with table:
        st.dataframe(columns, hide_index=True, column_config=config, alt="The figures of the curves above")
