"""Masks that the reader corrected in the viewer: kept for the visit, to be taken away or trained on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from wbcseg.export import build_pairs_zip
from wbcseg.labels import Labels
from wbcseg.ui import cache, routes
from wbcseg.ui.formatting import escape_markdown
from wbcseg.ui.viewer.payload import decode_rle

MAX_MASKS: Final = 200
"""Corrected masks that a visit keeps."""

LINK_PARAM: Final = "own"
LINK_VALUE: Final = "corrected"
"""Parameter and value of a link that leads to a training on corrected masks."""

_MASKS_KEY: Final = "corrected"
_PROBLEM_KEY: Final = "corrected_problem"


@dataclass(frozen=True, eq=False)
class EditedMask:
    """A picture with a mask that the reader corrected.

    Attributes:
        title: What the page calls the picture.
        stem: What its files are called.
        image: ``uint8[H, W, 3]``.
        labels: ``uint8[H, W]`` of class ids.
    """

    title: str
    stem: str
    image: NDArray[np.uint8]
    labels: Labels


def get_edited_masks() -> dict[str, EditedMask]:
    """Return the corrected masks of this visit by the digest of the picture."""
    edited_masks: dict[str, EditedMask] = st.session_state.setdefault(_MASKS_KEY, {})
    return edited_masks


def store_mask(value: object, loaded_image: cache.LoadedImage, title: str, stem: str) -> None:
    """Take what the viewer hands over: the runs of a mask of the picture that it shows."""
    height, width = loaded_image.sample.size
    rle: Any = value.get("runs") if isinstance(value, dict) else None
    try:
        labels = decode_rle(rle, width, height)
    except ValueError as error:
        st.session_state[_PROBLEM_KEY] = f"The corrected mask could not be read: {error}"
        return
    if len(get_edited_masks()) >= MAX_MASKS and loaded_image.digest not in get_edited_masks():
        st.session_state[_PROBLEM_KEY] = (
            f"A visit keeps {MAX_MASKS} corrected masks. Take them away or forget them first."
        )
        return
    get_edited_masks()[loaded_image.digest] = EditedMask(title, stem, loaded_image.sample.image, labels)


def build_zip() -> bytes:
    """Return the corrected masks with their pictures as a zip."""
    return build_pairs_zip(
        (edited_mask.stem, edited_mask.image, edited_mask.labels) for edited_mask in get_edited_masks().values()
    )


def show_edited_masks() -> None:
    """Show which corrected masks there are and what can be done with them."""
    problem = st.session_state.pop(_PROBLEM_KEY, None)
    if problem:
        st.error(escape_markdown(problem), icon=":material/error:")
    if not get_edited_masks():
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        titles = ", ".join(edited_mask.title for edited_mask in get_edited_masks().values())
        count_text = f"{len(get_edited_masks())} corrected mask{'s' if len(get_edited_masks()) > 1 else ''}"
        st.markdown(f":material/draw: **{count_text} in this visit**", help=escape_markdown(titles), width="content")
        st.download_button(
            "Save with pictures (zip)",
            build_zip,
            "corrected.zip",
            "application/zip",
            icon=":material/download:",
            on_click="ignore",
        )
        st.page_link(
            routes.TRAIN,
            label="Train on them",
            icon=":material/model_training:",
            query_params={LINK_PARAM: LINK_VALUE},
        )
        st.button("Forget", icon=":material/delete:", on_click=get_edited_masks().clear, type="tertiary")
    st.caption(
        "They are for training and for taking away: scores, figures and reports remain those of the models' masks."
    )
