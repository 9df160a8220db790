"""Upload of images with masks as a zip archive, which stays in memory."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from wbcseg.datasets import PAIRING_RULE, Dataset, check_dataset, open_zip
from wbcseg.errors import WbcsegError
from wbcseg.ui.cache import compute_digest
from wbcseg.ui.formatting import escape_lines, escape_markdown, pluralise
from wbcseg.ui.segment import edited_masks


@dataclass(frozen=True, eq=False)
class UploadedDataset:
    """An uploaded data set for training.

    Attributes:
        zip_bytes: The zip archive.
        dataset: The images and masks in it, all of them readable.
    """

    zip_bytes: bytes
    dataset: Dataset


def upload_dataset(key: str = "train_zip", label: str = "Zip archive with images and masks") -> UploadedDataset | None:
    """Ask for a zip archive and check everything in it. Return ``None`` if there is none or it has a problem."""
    if edited_masks.get_edited_masks() and _select_edited_masks():
        zip_bytes = edited_masks.build_zip()
        return _open_upload(zip_bytes, "corrected.zip")
    file = st.file_uploader(label, type=["zip"], key=key, width=720)
    with st.popover("How are images and masks paired?", icon=":material/help:", type="tertiary"):
        st.markdown(escape_markdown(PAIRING_RULE), width=480)
    if file is None:
        st.caption(
            "The archive stays in memory and is never saved. Only three of its masks are stored with the run, to show "
            "them beside the network's predictions during training. To resume a stopped run, upload the same archive "
            "again.",
            width=720,
        )
        return None
    return _open_upload(file.getvalue(), file.name)


def _select_edited_masks() -> bool:
    """Ask whether to train on the masks that the user corrected in this session."""
    count = len(edited_masks.get_edited_masks())
    label = f"Use the {pluralise(count, 'corrected mask')} from this session"
    help_text = "Masks that you corrected in the viewer and added to the training set."
    return st.toggle(label, value=True, key="train_corrected", help=help_text)


def _open_upload(zip_bytes: bytes, filename: str) -> UploadedDataset | None:
    dataset_or_problem = _load_checked(compute_digest(zip_bytes), filename, zip_bytes)
    if isinstance(dataset_or_problem, str):
        st.error(escape_lines(dataset_or_problem), icon=":material/rule:")
        return None
    st.markdown(f":green[:material/check_circle:] {pluralise(len(dataset_or_problem), 'image')} with masks.")
    return UploadedDataset(zip_bytes, dataset_or_problem)


# Problems are cached as well, so a large archive is not read again at each click.
@st.cache_resource(max_entries=2, show_spinner="Reading images and masks…", scope="session")
def _load_checked(digest: str, filename: str, _zip_bytes: bytes) -> Dataset | str:  # noqa: ARG001 (the key)
    try:
        dataset = open_zip(_zip_bytes, filename)
        check_dataset(dataset)
    except WbcsegError as error:
        return str(error)
    return dataset
