"""Masks that the user edited in the viewer: kept for the session, to download or to train on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from wbcseg.export import build_pairs_zip
from wbcseg.labels import Labels, decode_rle
from wbcseg.ui import cache, corrections, routes
from wbcseg.ui.formatting import escape_markdown, pluralise

MAX_MASKS: Final = 200
"""Edited masks that a session keeps."""

LINK_PARAM: Final = "upload"
LINK_VALUE: Final = "edited"
"""Parameter and value of a link that leads to a training run on edited masks."""

_MASKS_KEY: Final = "edited_masks"
_PROBLEM_KEY: Final = "edited_masks_problem"


@dataclass(frozen=True, eq=False)
class EditedMask:
    """An image with a mask that the user edited.

    Attributes:
        title: What the page calls the image.
        stem: What its files are called.
        image: ``uint8[H, W, 3]``.
        labels: ``uint8[H, W]`` of class ids.
    """

    title: str
    stem: str
    image: NDArray[np.uint8]
    labels: Labels


def get_edited_masks() -> dict[str, EditedMask]:
    """Return the edited masks of this session by the digest of the image."""
    edited_masks: dict[str, EditedMask] = st.session_state.setdefault(_MASKS_KEY, {})
    return edited_masks


def store_mask(value: object, loaded_image: cache.LoadedImage, title: str, stem: str) -> bool:
    """Store a mask of the image that the viewer shows.

    Args:
        value: What the viewer sent: a dictionary with the mask's run lengths as ``rle``.
        loaded_image: The image.
        title: What the page calls the image.
        stem: What its files are called.

    Returns:
        Whether it is a mask of the image.
    """
    height, width = loaded_image.sample.size
    rle: Any = value.get("rle") if isinstance(value, dict) else None
    edited_masks = get_edited_masks()
    try:
        labels = decode_rle(rle, width, height)
    except ValueError as error:
        st.session_state[_PROBLEM_KEY] = f"The edited mask could not be read. {error}"
        return False
    if len(edited_masks) >= MAX_MASKS and loaded_image.digest not in edited_masks:
        st.session_state[_PROBLEM_KEY] = (
            f"A session keeps up to {MAX_MASKS} edited masks. Download and discard them first."
        )
        return True
    edited_masks[loaded_image.digest] = EditedMask(title, stem, loaded_image.sample.image, labels)
    return True


def restore_mask(digest: str, edited_mask: EditedMask) -> None:
    """Add a mask from before a reload, unless the image has another one by now or there are too many."""
    edited_masks = get_edited_masks()
    if len(edited_masks) < MAX_MASKS:
        edited_masks.setdefault(digest, edited_mask)


def build_zip() -> bytes:
    """Return the edited masks with their images as a zip."""
    return build_pairs_zip(
        (edited_mask.stem, edited_mask.image, edited_mask.labels) for edited_mask in get_edited_masks().values()
    )


def show_edited_masks() -> None:
    """Show which edited masks there are, with buttons to download, train on and discard them."""
    problem = st.session_state.pop(_PROBLEM_KEY, None)
    if problem:
        st.error(escape_markdown(problem), icon=":material/error:")
    edited_masks = get_edited_masks()
    if not edited_masks:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        titles = ", ".join(edited_mask.title for edited_mask in edited_masks.values())
        st.markdown(
            f":material/draw: **{pluralise(len(edited_masks), 'edited mask')} in this session**",
            help=escape_markdown(titles),
            width="content",
        )
        st.download_button(
            "Download masks and images (zip)",
            build_zip,
            "edited-masks.zip",
            "application/zip",
            icon=":material/download:",
            on_click="ignore",
        )
        st.page_link(
            routes.TRAIN,
            label="Adapt a model to them",
            icon=":material/model_training:",
            query_params={LINK_PARAM: LINK_VALUE},
        )
        st.button("Discard", icon=":material/delete:", on_click=_discard, type="tertiary")
    st.caption("Scores, measurements, types and all downloads are those of the edited masks.")


def _discard() -> None:
    get_edited_masks().clear()
    corrections.discard_drawn_masks()
