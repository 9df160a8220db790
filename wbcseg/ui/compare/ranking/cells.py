"""Scores by cell type, of every image, and the hardest images; each image opens in Segment."""

from __future__ import annotations

import math
from typing import Any, Final
from urllib.parse import quote

import numpy as np
import streamlit as st

from wbcseg.datasets import DATASETS
from wbcseg.errors import WbcsegError
from wbcseg.evaluation import comparison
from wbcseg.evaluation.comparison import HardImage
from wbcseg.evaluation.entries.ranking import summarise_columns
from wbcseg.ui import cache
from wbcseg.ui.compare.ranking import figures
from wbcseg.ui.compare.ranking.matrices import draw_matrix
from wbcseg.ui.compare.ranking.rows import build_row
from wbcseg.ui.compare.ranking.selection import Selection
from wbcseg.ui.components.charts import PLOTLY_CONFIG, show_plotly_chart
from wbcseg.ui.components.dataset_picker import open_in_segment
from wbcseg.ui.components.image import show_png
from wbcseg.ui.formatting import escape_markdown, format_dataset_name, get_local_id, pluralise

HARDEST_COUNTS: Final = (8, 24, 48, 96)
"""Numbers of hardest images to choose from: whole rows of four."""

MIN_TILE_WIDTH: Final = 104
"""Least width of a tile in pixels: three fit side by side on a phone."""


def show_cell_types(selection: Selection) -> None:
    """Show the mean of the metric by cell type."""
    st.subheader(
        "By cell type",
        help="With the number of images. The cell types are those of the data set, whose authors note that no expert "
        "verified them. The tooltip has the 95% confidence interval, from ten images on.",
    )
    scores = selection.scores
    types = sorted(set(scores.cell_types), key=lambda name: (-scores.cell_types.count(name), name))
    columns = {name: summarise_columns(scores.select_type(name).values) for name in types}
    entries = selection.ranked_entries
    places = [scores.keys.index(entry.key) for entry in entries]
    summaries = [[columns[name][place] for name in types] for place in places]
    digits = 1 if selection.metric.unit else 3
    texts = [[selection.format_value(item.mean, digits=digits) for item in row] for row in summaries]
    notes = [
        [
            f"{entry.title}, {name}<br>{selection.format_value(item.mean)} on {pluralise(item.n_images, 'image')}"
            f"<br>{selection.format_interval(item.ci_low, item.ci_high)}"
            for name, item in zip(types, row, strict=True)
        ]
        for entry, row in zip(entries, summaries, strict=True)
    ]
    counts = [max(item.n_images for item in columns[name]) for name in types]
    show_plotly_chart(
        draw_matrix(
            [build_row(selection, entry, math.nan).label for entry in entries],
            [f"{name[:4].capitalize()}.<br>{count}" for name, count in zip(types, counts, strict=True)],
            [[item.mean for item in row] for row in summaries],
            texts,
            notes,
            reverse=selection.metric.lower_is_better,
        ),
        "cell_types",
        f"Mean {selection.axis_title} by cell type: "
        + "; ".join(
            f"{entry.title} {', '.join(f'{name} {text}' for name, text in zip(types, row, strict=True))}"
            for entry, row in zip(entries, texts, strict=True)
        ),
    )
    names = ", ".join(f"{name} ({count})" for name, count in zip(types, counts, strict=True))
    st.caption(f"Mean {selection.axis_title}, number of images in brackets: {names}.")


def show_images(selection: Selection) -> None:
    """Show the metric of every image for every entry; a click on a point opens the image in Segment."""
    st.subheader("Image by image", help="Each point is one image, the line is the median. Click a point to open it.")
    scores = selection.scores
    rows, points = [], []
    for entry in selection.ranked_entries:
        column = scores.values[:, scores.keys.index(entry.key)]
        defined = ~np.isnan(column)
        rows.append(build_row(selection, entry, float(np.median(column[defined])) if defined.any() else math.nan))
        points.append(
            {
                image_id: (float(value), f"{image_id}, {cell_type}, {selection.format_value(value)}")
                for image_id, cell_type, value in zip(scores.image_ids, scores.cell_types, column, strict=True)
                if not math.isnan(value)
            }
        )
    event: Any = st.plotly_chart(
        figures.draw_images(rows, points, selection.axis_title),
        key="images",
        config=PLOTLY_CONFIG,
        on_select="rerun",
        selection_mode="points",
        alt=f"{selection.axis_title} of every image; medians: "
        + "; ".join(f"{row.title} {selection.format_value(row.value)}" for row in rows),
    )
    for point in event.selection.points:
        image_id = point.get("customdata")
        image_id = image_id[0] if isinstance(image_id, list) else image_id
        if isinstance(image_id, str) and is_linkable(image_id):
            open_in_segment(image_id.partition("/")[0], image_id)


def show_hardest(selection: Selection) -> None:
    """Show the images on which the worst entry scores lowest, each with a link to Segment."""
    st.subheader("Hardest images", help="By the worst score on each. The numbers open the image in Segment.")
    results = {entry.key: entry.result for entry in selection.ranked_entries}
    images = comparison.rank_hardest(results, selection.metric.name, selection.region, selection.mode)
    shared = set(selection.scores.image_ids)
    images = [image for image in images if image.id in shared]
    count = st.segmented_control(
        "How many",
        HARDEST_COUNTS,
        default=HARDEST_COUNTS[0],
        required=True,
        key="hardest",
        bind="query-params",
        label_visibility="collapsed",
    )
    titles = {entry.key: entry.title for entry in selection.entries}
    with st.grid("auto", min_column_width=MIN_TILE_WIDTH, gap=("small", "xsmall"), key="hardest_images") as grid:
        for image in images[:count]:
            with grid.cell(), st.container(gap=None):
                _show_tile(selection, image, titles)
    ends = "highest and lowest value" if selection.metric.lower_is_better else "lowest and highest score"
    st.caption(
        f"With the {ends} of the networks, none of which was trained on the cell. Segment uses the shipped models, "
        "each trained on four fifths of Dataset 1; it shows which images a model has seen in training."
    )


def _show_tile(selection: Selection, image: HardImage, titles: dict[str, str]) -> None:
    number = get_local_id(image.id)
    if is_linkable(image.id):
        try:
            loaded_image = cache.load_image(image.id.partition("/")[0], image.id)
            show_png(
                cache.encode_thumbnail(loaded_image.digest, loaded_image.sample.image), f"{image.cell_type} {number}"
            )
        except (WbcsegError, OSError):
            # The data set is not on this computer: its link says how to get it.
            pass
    name = format_link(image.id) if is_linkable(image.id) else escape_markdown(number)
    sign = -1 if selection.metric.lower_is_better else 1
    defined = {key: value for key, value in image.scores.items() if not math.isnan(value)}
    worst, best = (choose(defined, key=lambda key: sign * defined[key]) for choose in (min, max))
    scores = f"{selection.format_value(defined[worst], digits=2)} – {selection.format_value(defined[best], digits=2)}"
    st.markdown(
        f":small[**{name}** {escape_markdown(image.cell_type)}  \n{scores}]",
        help=f"Worst: {escape_markdown(titles[worst])}. Best: {escape_markdown(titles[best])}.",
    )


def is_linkable(image_id: str) -> bool:
    """Return whether an image is of a data set that Segment can open."""
    return image_id.partition("/")[0] in DATASETS


def format_link(sample_id: str) -> str:
    """Return a Markdown link that opens an image in Segment."""
    dataset_name, _, number = sample_id.partition("/")
    return f"[{number}](segment?dataset={quote(format_dataset_name(dataset_name))}&image={number})"
