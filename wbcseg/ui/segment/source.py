"""Where the image of the page comes from: a data set or an upload."""

from __future__ import annotations

import streamlit as st

from wbcseg.datasets.base import Dataset
from wbcseg.ui import cache
from wbcseg.ui.components import dataset_picker
from wbcseg.ui.segment import upload
from wbcseg.ui.segment.workspace import Workspace

POPOVER_WIDTH = 150
"""In pixels; workspace.css leaves the same room beside the filmstrip."""


def select_image(workspace: Workspace) -> tuple[Dataset | None, cache.LoadedImage]:
    """Ask for an image and read it. The page ends here, with the reason on the stage, where there is none.

    Args:
        workspace: The containers of the page.

    Returns:
        The image, and its data set or ``None`` for an upload.
    """
    with workspace.source:
        popover = st.popover(
            "Open image",
            icon=":material/photo_library:",
            help="An image of a data set, or your own",
            width=POPOVER_WIDTH,
        )
    with popover:
        is_upload = dataset_picker.select_source()
        status = None if is_upload else dataset_picker.select_dataset_status(workspace.stage)
    if status is None:
        return None, upload.upload_image(workspace)
    with workspace.stage:
        dataset = dataset_picker.open_dataset_or_stop(status)
    with popover:
        sample_id = dataset_picker.select_image(
            dataset.name,
            dataset.ids,
            default_id=dataset_picker.SAMPLE_IMAGE[1],
            with_buttons=False,
            stage=workspace.stage,
        )
    with workspace.stage:
        return dataset, dataset_picker.load_image_or_stop(dataset.name, sample_id)
