"""Which cell to draw: data sets with masks, chosen by widgets that are bound to the address."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from wbcseg.datasets import DATASETS, list_datasets
from wbcseg.datasets.base import Dataset
from wbcseg.ui import cache
from wbcseg.ui.address import is_unknown_in_address, stop_if_unknown
from wbcseg.ui.components import dataset_picker
from wbcseg.ui.formatting import format_dataset_name, get_local_id
from wbcseg.ui.segment.workspace import Workspace

DATASET_KEY = "cells"
IMAGE_KEY = "cell"
DEFAULT_DATASET = "synthetic"
"""It is always there, so an address without a data set means the same everywhere."""


def select_cell(workspace: Workspace) -> tuple[Dataset, cache.LoadedImage]:
    """Ask for an image with a mask, and read it. The page ends here, with the reason on the stage, where there is none.

    Args:
        workspace: The containers of the page.

    Returns:
        The data set and the image.
    """
    with workspace.source:
        popover = st.popover("Choose cell", icon=":material/photo_library:", help="A data set with masks")
        buttons = st.container(horizontal=True)
    with popover:
        dataset = _select_dataset(workspace)
    sample_ids = dataset.ids
    with popover:
        sample_id = _select_image(sample_ids, workspace)
    index = sample_ids.index(sample_id)
    with buttons:
        st.button(
            "Previous", on_click=_go_to_cell, args=(sample_ids[index - 1],), disabled=index == 0, key="previous_cell"
        )
        next_id = sample_ids[(index + 1) % len(sample_ids)]
        st.button("Next", on_click=_go_to_cell, args=(next_id,), disabled=len(sample_ids) == 1, key="next_cell")
    with workspace.stage:
        loaded_image = dataset_picker.load_image_or_stop(dataset.name, sample_id)
        if loaded_image.sample.mask is None:
            st.warning("This image has no expert mask to compare with. Choose another one.", icon=":material/info:")
            st.stop()
        return dataset, loaded_image


def _select_dataset(workspace: Workspace) -> Dataset:
    statuses = {status.name: status for status in list_datasets() if _has_masks(status.name)}
    is_unknown = is_unknown_in_address(DATASET_KEY, list(statuses), format_dataset_name)
    name = st.selectbox(
        "Data set",
        list(statuses),
        index=None if is_unknown else list(statuses).index(DEFAULT_DATASET),
        placeholder="Choose",
        format_func=format_dataset_name,
        key=DATASET_KEY,
        bind="query-params",
        on_change=_reset_cell,
    )
    name = stop_if_unknown(DATASET_KEY, "data set", name, workspace.stage)
    with workspace.stage:
        return dataset_picker.open_dataset_or_stop(statuses[name])


def _has_masks(dataset_name: str) -> bool:
    return dataset_name not in DATASETS or DATASETS[dataset_name].kind == "masks"


def _select_image(sample_ids: Sequence[str], workspace: Workspace) -> str:
    selected_id = st.selectbox(
        "Image",
        sample_ids,
        index=None if is_unknown_in_address(IMAGE_KEY, sample_ids, get_local_id) else 0,
        placeholder="Choose",
        format_func=get_local_id,
        key=IMAGE_KEY,
        bind="query-params",
    )
    return stop_if_unknown(IMAGE_KEY, "image", selected_id, workspace.stage)


def _go_to_cell(sample_id: str) -> None:
    st.session_state[IMAGE_KEY] = sample_id


def _reset_cell() -> None:
    # An image number of one data set means nothing in another one.
    st.session_state.pop(IMAGE_KEY, None)
    st.query_params.pop(IMAGE_KEY, None)
