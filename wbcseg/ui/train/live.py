"""A training as it goes on: its state, curves and film, refreshed without drawing the page anew."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import streamlit as st

from wbcseg.training import TrainingConfig
from wbcseg.training.runs.summary import Overview, overview, overviews
from wbcseg.ui import routes
from wbcseg.ui.components import line_charts
from wbcseg.ui.components.image_panels import choose_palette, legend
from wbcseg.ui.components.line_charts import Point, Row, Series
from wbcseg.ui.components.run_status import actions, badge, leak_mark, show_situation
from wbcseg.ui.text import as_text
from wbcseg.ui.train.fields import summary
from wbcseg.ui.train.snapshots import show_film

REFRESH: Final = 1.5
"""Seconds between two looks at a training that goes on."""

BY_EPOCH: Final = "By epoch"
BY_BATCH: Final = "First epoch, by batch"
ACCURACY: Final = "accuracy"
COLUMNS: Final = {
    "loss": "Loss",
    "accuracy": "Accuracy",
    "binary_accuracy": "Binary accuracy",
    "dice_nucleus": "Dice nucleus",
    "dice_cytoplasm": "Dice cytoplasm",
    "dice_cell": "Dice cell",
}


def watch(one: Overview) -> None:
    """Show a training; while it goes on, what is shown follows."""
    st.fragment(_live, run_every=REFRESH if one.alive else None)(one, one.alive)


def choose_run(found: Sequence[Overview]) -> Overview:
    """Ask which training to watch: at first the one that runs, else the newest.

    Args:
        found: All of them, the newest first; at least one.
    """
    by_name = {one.name: one for one in found}
    asked = st.query_params.get("run")
    if "run" not in st.session_state or st.session_state["run"] not in by_name:
        running = next((one.name for one in found if one.situation in ("running", "stopping")), None)
        chosen = asked if asked in by_name else running or found[0].name
        st.session_state["run"] = chosen
    # No widget binding here: what is chosen unasked belongs in the address too, so that a reload finds it again.
    st.selectbox("Training", list(by_name), key="run", width=420, label_visibility="collapsed")
    st.query_params["run"] = st.session_state["run"]
    return by_name[st.session_state["run"]]


def _live(one: Overview, was_alive: bool) -> None:
    now = overview(one.run)
    if now.situation == "waiting":
        now = next((other for other in overviews() if other.name == one.name), now)
    if now.alive != was_alive:
        # Once more as a whole: whether the page looks again by itself is settled there.
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"{badge(now)} {as_text(summary(now.config)) if now.config else ''}", width="content")
        actions(now, f"live_{now.name}")
    show_situation(now)
    if now.config is None:
        st.page_link(routes.RUNS, label="Delete it on the page Runs", icon=":material/delete:")
        return
    leak_mark(now)
    _curves(now, now.config)
    st.subheader("What it makes of three held-out pictures")
    with st.container(horizontal=True, vertical_alignment="center"):
        palette = choose_palette(label_visibility="collapsed")
        legend(palette)
    show_film(now.run, now.config, palette)


def _curves(one: Overview, config: TrainingConfig) -> None:
    rows, batches = one.run.metrics(), one.run.batches()
    with st.container(horizontal=True, vertical_alignment="center", key="curve_options"):
        view = BY_EPOCH if rows else BY_BATCH
        if rows and batches:
            view = st.segmented_control(
                "Curves",
                (BY_EPOCH, BY_BATCH),
                default=BY_EPOCH,
                required=True,
                key=f"axis_{one.name}",
                label_visibility="collapsed",
            )
        thesis = view == BY_EPOCH and st.toggle(
            "The thesis' curve underneath",
            key="thesis_curve",
            help="What the thesis published of the same network in full width. Its test pictures are not honest ones: "
            "24 of 30 have a flipped copy in training.",
        )
    shown: Sequence[Row] = rows if view == BY_EPOCH else batches
    x_title = "Epoch" if view == BY_EPOCH else "Batch"
    accuracy = "binary_accuracy" if thesis else ACCURACY
    same_loss = config.loss == "binary_crossentropy"
    with st.grid(3, min_column_width=300, gap=("small", "medium")) as grid:
        for metric, title in (("loss", "Loss"), (accuracy, COLUMNS[accuracy])):
            points, series = line_charts.by_part(shown, metric)
            if thesis and (metric != "loss" or same_loss):
                more, others = line_charts.published(config, "loss" if metric == "loss" else ACCURACY)
                points, series = [*points, *more], [*series, *others]
            with grid.cell():
                _chart(one, title, points, series, x_title)
        with grid.cell():
            _chart(one, "Dice", *line_charts.dice_by_region(shown), x_title)
    st.caption(line_charts.DASHES_MEAN + ("" if one.alive else f" {line_charts.ZOOM_HINT}"))
    if thesis:
        _about_thesis(same_loss)
    _figures(shown, x_title)


def _chart(one: Overview, title: str, points: Sequence[Point], series: Sequence[Series], x_title: str) -> None:
    own = {s.name for s in series if not s.thin}
    last = {name: y for _, y, name in points if name in own}
    held_out = {name: y for name, y in last.items() if not name.lower().endswith(line_charts.TRAINING.lower())}
    # Of six curves of Dice, the three that count are enough.
    told = held_out if len(last) > 2 and held_out else last
    newest = [f"{name.replace(line_charts.PART, ' ').lower()} {y:.3f}" for name, y in told.items()]
    with st.container(gap="xsmall"):
        st.markdown(f"**{title}**")
        what = f"{title} by {x_title.lower()}"
        # While rows come in, the text stays the same: a new one would draw the picture anew.
        alt = what if one.alive else f"{what}, at the end: {', '.join(newest) or 'no figure yet'}"
        key = f"{title}_{x_title}"
        line_charts.show_chart(points, series, x_title=x_title, y_title=title, alt=alt, key=key, live=one.alive)
        now = "Now" if one.alive else "Last"
        st.caption(f"{now}: {', '.join(newest)}" if newest else "\u00a0")


def _about_thesis(same_loss: bool) -> None:
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


def _figures(rows: Sequence[Row], x_title: str) -> None:
    table = st.expander("Figures as a table", icon=":material/table:", on_change="rerun", key=f"figures_{x_title}")
    if not table.open:
        return
    columns: dict[str, list[float | None]] = {x_title: [float(number) for number in range(1, len(rows) + 1)]}
    for prefix, part in (("", "training"), ("val_", "held-out")):
        for name, title in COLUMNS.items():
            if any(prefix + name in row for row in rows):
                columns[f"{title}, {part}"] = [row.get(prefix + name) for row in rows]
    config = {name: st.column_config.NumberColumn(format="%.4f") for name in columns if name != x_title}
    config[x_title] = st.column_config.NumberColumn(format="%d", pinned=True)
    with table:
        st.dataframe(columns, hide_index=True, column_config=config, alt="The figures of the curves above")
