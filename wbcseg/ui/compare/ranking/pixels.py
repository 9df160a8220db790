"""What single pixels say: confusion matrix, reliability diagram, outlines, and the course of the training."""

from __future__ import annotations

from typing import Final

import streamlit as st

from wbcseg.labels import CLASS_NAMES
from wbcseg.ui.compare.ranking import figures
from wbcseg.ui.compare.ranking.matrices import draw_matrix
from wbcseg.ui.compare.ranking.rows import build_row
from wbcseg.ui.compare.ranking.selection import Selection
from wbcseg.ui.components import charts
from wbcseg.ui.components.charts import show_plotly_chart
from wbcseg.ui.formatting import escape_markdown, format_region
from wbcseg.ui.glossary import GLOSSARY

CURVE_METRIC: Final = "val_dice_cell"
NOT_RECORDED: Final = "The results of these networks are from before this was recorded."


def show_confusion(selection: Selection) -> None:
    """Show which classes an entry confuses, by pixel."""
    st.subheader("Which classes are confused?", help=f"**Confusion matrix** {GLOSSARY['Confusion matrix']}")
    records = {entry.key: pixels for entry in selection.ranked_entries if (pixels := entry.result.pixels) is not None}
    titles = {entry.key: entry.title for entry in selection.ranked_entries}
    if not records:
        st.caption(NOT_RECORDED)
        return
    key = st.selectbox(
        "Network",
        list(records),
        format_func=titles.__getitem__,
        key=f"confusion_{selection.study}",
        label_visibility="collapsed",
        width=280,
    )
    values, texts, notes = [], [], []
    for name, row in zip(CLASS_NAMES, records[key].confusion, strict=True):
        total = sum(row) or 1
        values.append([count / total for count in row])
        texts.append([f"{100 * count / total:.2f}%" for count in row])
        notes.append(
            [f"{name}, predicted as {other}: {count:,} pixels" for other, count in zip(CLASS_NAMES, row, strict=True)]
        )
    labels = [format_region(name) for name in CLASS_NAMES]
    show_plotly_chart(
        draw_matrix(labels, labels, values, texts, notes, row_height=56),
        "confusion",
        f"Confusion matrix of {titles[key]}: "
        + "; ".join(f"{name} {', '.join(row)}" for name, row in zip(labels, texts, strict=True)),
    )
    st.caption(
        "Rows: the expert's class. Columns: the predicted class, in percent of the row. Single pass, all pixels."
    )


def show_reliability(selection: Selection) -> None:
    """Show whether the probabilities are right."""
    st.subheader("Are the probabilities right?", help=f"**Reliability diagram** {GLOSSARY['Reliability diagram']}")
    curves, rows = [], []
    for entry in selection.ranked_entries:
        pixels = entry.result.pixels
        if pixels is None or pixels.calibration is None:
            continue
        row = build_row(selection, entry, pixels.calibration.ece)
        bins = tuple((item.confidence, item.accuracy, item.pixels) for item in pixels.calibration.bins)
        curves.append(charts.ReliabilityCurve(row.label, bins, row.style, "solid"))
        rows.append(row)
    if not curves:
        st.caption(NOT_RECORDED)
        return
    figure = charts.draw_reliability_diagram(curves)
    figure.update_layout(height=300, showlegend=False, margin={"l": 8, "r": 16, "t": 8, "b": 0})
    text = "; ".join(f"{row.number} {row.title} {row.value:.4f}" for row in rows)
    show_plotly_chart(
        figure,
        "reliability",
        f"Fraction of correct pixels against the predicted probability. Calibration error: {text}",
    )
    rows = sorted(rows, key=lambda row: row.value)
    ends = " to ".join(f"{row.value:.4f} ({row.number} {row.title})" for row in dict.fromkeys((rows[0], rows[-1])))
    st.caption(f"On the diagonal, probabilities are right. Expected calibration error: {escape_markdown(ends)}.")


def show_learning_curves(selection: Selection) -> None:
    """Show the course of the trainings."""
    st.subheader("How fast does each learn?", help=f"**Fast Dice** {GLOSSARY['Fast Dice']}")
    curves = []
    for entry in selection.ranked_entries:
        points = [(row["epoch"], row[CURVE_METRIC]) for row in entry.result.curve if CURVE_METRIC in row]
        if points:
            curves.append((build_row(selection, entry, points[-1][1]), points))
    if not curves:
        st.caption(NOT_RECORDED)
        return
    show_plotly_chart(
        figures.draw_curves(curves, "Epoch", "Fast Dice, whole cell"),
        "learning_curves",
        "Fast Dice of the whole cell by epoch; after the last: "
        + "; ".join(f"{row.title} {row.value:.3f}" for row, _ in curves),
    )
    missing = [entry.title for entry in selection.ranked_entries if not entry.result.curve]
    st.caption(
        "Mean over the trainings, on the validation images at the network's input size."
        + (f" Not recorded: {escape_markdown(', '.join(missing))}." if missing else "")
    )
