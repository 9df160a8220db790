"""A run while it trains: status, curves and snapshots, updated without redrawing the page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import streamlit as st

from wbcseg.training import TrainingConfig
from wbcseg.training.runs.summary import RunSummary, list_summaries, summarise_run
from wbcseg.ui import routes
from wbcseg.ui.components import line_charts
from wbcseg.ui.components.image_panels import select_palette, show_legend
from wbcseg.ui.components.line_charts import LIVE_REFRESH_SECONDS, METRIC_TITLES, MetricsRow, Point, Series
from wbcseg.ui.components.run_status import format_status_badge, show_actions, show_leakage_badge, show_status
from wbcseg.ui.formatting import MISSING_TEXT, escape_markdown
from wbcseg.ui.glossary import GLOSSARY
from wbcseg.ui.train.fields import format_config
from wbcseg.ui.train.snapshots import show_snapshots

EPOCH_VIEW: Final = "By epoch"
BATCH_VIEW: Final = "First epoch, by batch"
MORE_CURVES: Final = "Classes, learning rate, gradients and speed"
THESIS_METRIC: Final = "binary_accuracy"
"""What the thesis calls accuracy."""


def show_live(summary: RunSummary) -> None:
    """Show a run; the view updates while it is active."""
    st.fragment(_render_live, run_every=LIVE_REFRESH_SECONDS if summary.is_active else None)(summary, summary.is_active)


def select_run(summaries: Sequence[RunSummary]) -> RunSummary:
    """Show a control for the run to show; by default the one that is running, else the newest.

    Args:
        summaries: All runs, the newest first; at least one.
    """
    by_name = {summary.name: summary for summary in summaries}
    requested = st.query_params.get("run")
    if "run" not in st.session_state or st.session_state["run"] not in by_name:
        active_name = next((summary.name for summary in summaries if summary.status in ("running", "stopping")), None)
        selected = requested if requested in by_name else active_name or summaries[0].name
        st.session_state["run"] = selected
    # Not bound to the address, which should also have the default run, so that a reload shows the same run.
    st.selectbox("Run", list(by_name), key="run", width=420, label_visibility="collapsed")
    st.query_params["run"] = st.session_state["run"]
    return by_name[st.session_state["run"]]


def _render_live(initial: RunSummary, was_active: bool) -> None:
    current = summarise_run(initial.run)
    if current.status == "queued":
        current = next((other for other in list_summaries() if other.name == initial.name), current)
    if current.is_active != was_active:
        # The whole page runs again, which decides whether it keeps updating.
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center"):
        config_text = escape_markdown(format_config(current.config)) if current.config else ""
        st.markdown(f"{format_status_badge(current)} {config_text}", width="content")
        show_actions(current, f"live_{current.name}")
    show_status(current)
    if current.config is None:
        st.page_link(routes.RUNS, label="Delete it on Runs", icon=":material/delete:")
        return
    show_leakage_badge(current)
    _show_curves(current, current.config)
    st.subheader("Predictions on held-out cells")
    with st.container(horizontal=True, vertical_alignment="center"):
        palette = select_palette(label_visibility="collapsed")
        show_legend(palette)
    show_snapshots(current.run, current.config, palette, is_active=current.is_active)


def _show_curves(summary: RunSummary, config: TrainingConfig) -> None:
    rows, batches = summary.run.load_metrics(), summary.run.load_batch_metrics()
    with st.container(horizontal=True, vertical_alignment="center", key="curve_options"):
        view = EPOCH_VIEW if rows else BATCH_VIEW
        if rows and batches:
            view = st.segmented_control(
                "Curves",
                (EPOCH_VIEW, BATCH_VIEW),
                default=EPOCH_VIEW,
                required=True,
                key=f"axis_{summary.name}",
                label_visibility="collapsed",
            )
        show_thesis = view == EPOCH_VIEW and st.toggle(
            "Overlay the thesis' curve",
            key="thesis_curve",
            help="The published curve of the same network with 64 base filters. It is optimistic: 24 of its 30 test "
            "images have a flipped copy in training.",
        )
    visible_rows: Sequence[MetricsRow] = rows if view == EPOCH_VIEW else batches
    x_title = "Epoch" if view == EPOCH_VIEW else "Batch"
    accuracy_metric = THESIS_METRIC if show_thesis else "accuracy"
    same_loss = config.loss == "binary_crossentropy"
    with st.grid(3, min_column_width=300, gap=("small", "medium")) as grid:
        for metric, title in (("loss", "Loss"), (accuracy_metric, METRIC_TITLES[accuracy_metric])):
            points, series = line_charts.build_train_val_series(visible_rows, metric)
            if show_thesis and (metric != "loss" or same_loss):
                thesis_points, thesis_series = line_charts.load_thesis_series(
                    config, "loss" if metric == "loss" else "accuracy"
                )
                points, series = [*points, *thesis_points], [*series, *thesis_series]
            with grid.cell():
                _show_curve(summary, title, points, series, x_title)
        with grid.cell():
            points, series = line_charts.build_dice_series(visible_rows)
            if view == EPOCH_VIEW:
                level_points, level_series = line_charts.build_heldout_series(summary.heldout_dice, len(rows))
                points, series = [*points, *level_points], [*series, *level_series]
            _show_curve(summary, f"Fast Dice ({config.input_size} px)", points, series, x_title)
            _show_heldout_dice(summary)
    if view == EPOCH_VIEW:
        _show_more_curves(summary, rows)
    st.caption(line_charts.DASH_EXPLANATION + ("" if summary.is_active else f" {line_charts.ZOOM_HINT}"))
    if show_thesis:
        _show_thesis_note(same_loss)
    _show_metrics_table(visible_rows, x_title)


def list_marks(summary: RunSummary) -> dict[str, float]:
    """Return the epochs that are marked in the curves: the best one, and the one whose weights are kept."""
    best, kept = summary.best_score_epoch, summary.kept_epoch
    if best is None or kept is None:
        return {}
    return {"best, kept": best} if best == kept else {"best": best, "kept": kept}


def _show_more_curves(summary: RunSummary, rows: Sequence[MetricsRow]) -> None:
    """Show on demand how each class does, and learning rate, gradients and speed."""
    if not any("learning_rate" in row for row in rows):
        return
    expander = st.expander(MORE_CURVES, icon=":material/show_chart:", on_change="rerun", key=f"more_{summary.name}")
    if not expander.open:
        return
    with expander, st.grid(3, min_column_width=300, gap=("small", "medium")) as grid:
        for metric in ("precision", "recall", "iou"):
            with grid.cell():
                title = METRIC_TITLES[f"{metric}_cell"].partition(",")[0]
                _show_curve(summary, f"{title}, validation", *line_charts.build_class_series(rows, metric), "Epoch")
        for metric in ("learning_rate", "gradient_norm", "images_per_second"):
            with grid.cell():
                _show_curve(summary, METRIC_TITLES[metric], *line_charts.build_single_series(rows, metric), "Epoch")


def _show_curve(
    summary: RunSummary, title: str, points: Sequence[Point], series: Sequence[Series], x_title: str
) -> None:
    own_names = {curve.name for curve in series if not curve.thin}
    last_values = {name: y for _, y, name in points if name in own_names}
    validation_values = {
        name: y for name, y in last_values.items() if not name.lower().endswith(line_charts.TRAINING.lower())
    }
    # Of the six Dice curves, the three of the validation images are enough.
    reported = validation_values if len(last_values) > 2 and validation_values else last_values
    value_texts = [
        f"{name.replace(line_charts.SUBSET_SEPARATOR, ' ').lower()} {_format_value(y)}" for name, y in reported.items()
    ]
    with st.container(gap="xsmall"):
        st.markdown(f"**{title}**")
        description = f"{title} by {x_title.lower()}"
        # While the run is active, the text stays the same: a new one would redraw the chart.
        alt = (
            description if summary.is_active else f"{description}, at the end: {', '.join(value_texts) or MISSING_TEXT}"
        )
        key = f"{title}_{x_title}"
        line_charts.show_line_chart(
            points,
            series,
            x_title=x_title,
            y_title=title,
            alt=alt,
            key=key,
            live=summary.is_active,
            marks=list_marks(summary) if x_title == "Epoch" else None,
        )
        prefix = "Now" if summary.is_active else "Last"
        st.caption(f"{prefix}: {', '.join(value_texts)}" if value_texts else "\u00a0")


def _format_value(value: float) -> str:
    return f"{value:.3f}" if value == 0 or abs(value) >= 0.01 else f"{value:.2g}"


def _show_heldout_dice(summary: RunSummary) -> None:
    """Show the one Dice that counts: of the finished model, on whole held-out images."""
    text = ", ".join(f"{region} {value:.3f}" for region, value in summary.heldout_dice.items())
    st.caption(
        f"**Held-out Dice of the model** (whole images; dotted): {text}." if text else GLOSSARY["Fast Dice"],
    )


def _show_thesis_note(same_loss: bool) -> None:
    loss_note = (
        "Its loss is binary cross-entropy, as here."
        if same_loss
        else "Its loss is binary cross-entropy, which cannot be compared with the loss of this run and is not shown."
    )
    st.caption(
        "Thesis: 64 base filters, binary accuracy (here, too, while its curve is shown), tested on 30 images, 24 of "
        f"which have a flipped copy in training. {loss_note} It has no Dice by epoch."
    )


def _show_metrics_table(rows: Sequence[MetricsRow], x_title: str) -> None:
    expander = st.expander("Values as a table", icon=":material/table:", on_change="rerun", key=f"values_{x_title}")
    if not expander.open:
        return
    columns: dict[str, list[float | None]] = {x_title: [float(index) for index in range(1, len(rows) + 1)]}
    for prefix, subset in (("", "training"), ("val_", "validation")):
        for name, title in METRIC_TITLES.items():
            if any(prefix + name in row for row in rows):
                columns[f"{title}, {subset}"] = [row.get(prefix + name) for row in rows]
    column_config = {name: st.column_config.NumberColumn(format="%.4f") for name in columns if name != x_title}
    column_config[x_title] = st.column_config.NumberColumn(format="%d", pinned=True)
    with expander:
        st.dataframe(columns, hide_index=True, column_config=column_config, alt="The values of the curves above")
