"""Example images on the page Home: a click segments one. Their styles are in ``examples.css``."""

from __future__ import annotations

from typing import Final

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from PIL import Image

from wbcseg.datasets.examples import DATASET_NAME, Example, list_examples
from wbcseg.ui import cache
from wbcseg.ui.components.dataset_picker import open_in_segment
from wbcseg.ui.formatting import escape_markdown

COUNT: Final = 6
THUMBNAIL_SIDE: Final = 240
"""Side of a thumbnail in pixels."""

MIN_WIDTH: Final = 100
"""Least width of a tile in pixels: three fit side by side on a phone."""


def show_examples() -> None:
    """Show the first examples as tiles; a click opens one on the page Segment."""
    with st.grid(COUNT, min_column_width=MIN_WIDTH, gap="small", key="examples") as grid:
        for example in list_examples()[:COUNT]:
            with grid.cell(), st.container(gap="xxsmall", key=f"example_tile_{example.sample_id.partition('/')[2]}"):
                _show_tile(example)
    credit = list_examples()[0].credit.partition(": ")[2]
    st.caption(f"Real cells. Images: {escape_markdown(credit)}; fields are composed.")


def _show_tile(example: Example) -> None:
    st.image(_make_thumbnail(example.sample_id), alt=example.title, width="stretch", output_format="JPEG")
    name = example.sample_id.partition("/")[2]
    if st.button(example.title, key=f"example_{name}", type="tertiary", width="stretch"):
        open_in_segment(DATASET_NAME, example.sample_id)


@st.cache_data(max_entries=COUNT, show_spinner=False)
def _make_thumbnail(sample_id: str) -> NDArray[np.uint8]:
    """Return the middle square of an example, small."""
    image = Image.fromarray(cache.load_image(DATASET_NAME, sample_id).sample.image)
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    part = (left, top, left + side, top + side)
    return np.asarray(image.resize((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.LANCZOS, part))
