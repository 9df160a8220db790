"""A reader's own pictures and masks, as a zip that stays in memory."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from wbcseg.datasets import PAIRING_RULE, Dataset, check_dataset, open_zip
from wbcseg.errors import WbcsegError
from wbcseg.ui.cache import compute_digest
from wbcseg.ui.formatting import escape_lines, escape_markdown
from wbcseg.ui.segment import edited_masks


@dataclass(frozen=True, eq=False)
class UploadedDataset:
    """What a reader brought to train on.

    Attributes:
        zip_bytes: The zip.
        dataset: The pictures and masks in it, all of them read once without a problem.
    """

    zip_bytes: bytes
    dataset: Dataset


def upload_dataset(key: str = "train_zip", label: str = "A zip of pictures and masks") -> UploadedDataset | None:
    """Ask for a zip and check everything in it. Return it, or ``None`` where there is none that will do."""
    if edited_masks.get_edited_masks() and _select_edited_masks():
        zip_bytes = edited_masks.build_zip()
        return _open_upload(zip_bytes, "corrected.zip")
    file = st.file_uploader(label, type=["zip"], key=key, width=720)
    with st.popover("How are pictures and masks paired?", icon=":material/help:", type="tertiary"):
        st.markdown(escape_markdown(PAIRING_RULE), width=480)
    if file is None:
        st.caption(
            "The zip stays in memory: it is never stored, here or with the training, but for three masks, beside which "
            "the training's film shows what the network makes of their pictures. To go on with a stopped "
            "training, bring the same zip again.",
            width=720,
        )
        return None
    return _open_upload(file.getvalue(), file.name)


def _select_edited_masks() -> bool:
    """Ask whether the pairs are the masks that the reader corrected in this visit."""
    count = len(edited_masks.get_edited_masks())
    label = f"The {count} corrected masks of this visit" if count > 1 else "The corrected mask of this visit"
    return st.toggle(label, value=True, key="train_corrected", help="Those that were handed over from the viewer.")


def _open_upload(zip_bytes: bytes, filename: str) -> UploadedDataset | None:
    dataset_or_problem = _load_checked(compute_digest(zip_bytes), filename, zip_bytes)
    if isinstance(dataset_or_problem, str):
        st.error(escape_lines(dataset_or_problem), icon=":material/rule:")
        return None
    st.markdown(f":green[:material/check_circle:] {len(dataset_or_problem)} pictures with their masks.")
    return UploadedDataset(zip_bytes, dataset_or_problem)


# What is wrong is kept like what is right, so that a large zip is not read again at every click.
@st.cache_resource(max_entries=2, show_spinner="Reading the pictures and masks…", scope="session")
def _load_checked(digest: str, filename: str, _zip_bytes: bytes) -> Dataset | str:  # noqa: ARG001 (the key)
    try:
        dataset = open_zip(_zip_bytes, filename)
        check_dataset(dataset)
    except WbcsegError as error:
        return str(error)
    return dataset
