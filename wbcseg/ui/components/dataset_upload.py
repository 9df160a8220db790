"""Upload of images with masks as a zip archive, which stays in memory."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from wbcseg.datasets import PAIRING_RULE, Dataset, check_dataset, open_zip
from wbcseg.datasets.validation import list_mask_warnings
from wbcseg.errors import WbcsegError
from wbcseg.io.mask_meaning import as_correction
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


def upload_dataset(
    key: str = "train_zip", label: str = "Zip archive with images and masks", *, mask_correction: str = "none"
) -> UploadedDataset | None:
    """Ask for a zip archive and check everything in it. Return ``None`` if there is none or it has a problem.

    Args:
        key: Key of the uploader.
        label: Its label.
        mask_correction: What the user said about the masks, as in :class:`wbcseg.training.TrainingConfig`.
    """
    if edited_masks.get_edited_masks() and _select_edited_masks():
        zip_bytes = edited_masks.build_zip()
        return _open_upload(zip_bytes, "corrected.zip", mask_correction)
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
    return _open_upload(file.getvalue(), file.name, mask_correction)


def _select_edited_masks() -> bool:
    """Ask whether to train on the masks that the user corrected in this session."""
    count = len(edited_masks.get_edited_masks())
    label = f"Use the {pluralise(count, 'corrected mask')} from this session"
    help_text = "Masks that you corrected in the viewer and added to the training set."
    return st.toggle(label, value=True, key="train_corrected", help=help_text)


def _open_upload(zip_bytes: bytes, filename: str, mask_correction: str) -> UploadedDataset | None:
    dataset_or_problem = _load_checked(compute_digest(zip_bytes), filename, mask_correction, zip_bytes)
    if isinstance(dataset_or_problem, str):
        st.error(escape_lines(dataset_or_problem), icon=":material/rule:")
        if mask_correction == "none":
            st.caption("If the masks mean something else, such as numbers of cells, say so: **Advanced**, *Masks*.")
        return None
    dataset, warnings = dataset_or_problem
    st.markdown(f":green[:material/check_circle:] {pluralise(len(dataset), 'image')} with masks.")
    for warning in warnings:
        st.warning(warning, icon=":material/rule:")
    return UploadedDataset(zip_bytes, dataset)


# Problems are cached as well, so a large archive is not read again at each click.
@st.cache_resource(max_entries=2, show_spinner="Reading images and masks…", scope="session")
def _load_checked(
    digest: str,  # noqa: ARG001 (the key)
    filename: str,
    mask_correction: str,
    _zip_bytes: bytes,
) -> tuple[Dataset, list[str]] | str:
    try:
        correction = as_correction(mask_correction)
        dataset = open_zip(_zip_bytes, filename, correction=correction)
        check_dataset(dataset, correction=correction)
    except WbcsegError as error:
        return str(error)
    return dataset, list_mask_warnings(dataset)
