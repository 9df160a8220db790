"""Masks that the reader corrected in the viewer: kept for the visit, to be taken away or trained on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from wbcseg.export import pairs_zip
from wbcseg.labels import Labels
from wbcseg.ui import cache, routes
from wbcseg.ui.text import as_text
from wbcseg.ui.viewer.payload import labels_of_runs

MOST: Final = 200
"""Corrected masks that a visit keeps."""

LINK: Final = "own"
CORRECTED: Final = "corrected"
"""Parameter and value of a link that leads to a training on corrected masks."""

_KEPT: Final = "corrected"
_PROBLEM: Final = "corrected_problem"


@dataclass(frozen=True, eq=False)
class Corrected:
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


def kept() -> dict[str, Corrected]:
    """Return the corrected masks of this visit by the digest of the picture."""
    found: dict[str, Corrected] = st.session_state.setdefault(_KEPT, {})
    return found


def collect(value: object, picture: cache.Shown, title: str, stem: str) -> None:
    """Take what the viewer hands over: the runs of a mask of the picture that it shows."""
    height, width = picture.sample.size
    runs: Any = value.get("runs") if isinstance(value, dict) else None
    try:
        labels = labels_of_runs(runs, width, height)
    except ValueError as problem:
        st.session_state[_PROBLEM] = f"The corrected mask could not be read: {problem}"
        return
    if len(kept()) >= MOST and picture.digest not in kept():
        st.session_state[_PROBLEM] = f"A visit keeps {MOST} corrected masks. Take them away or forget them first."
        return
    kept()[picture.digest] = Corrected(title, stem, picture.sample.image, labels)


def archive() -> bytes:
    """Return the corrected masks with their pictures as a zip."""
    return pairs_zip((one.stem, one.image, one.labels) for one in kept().values())


def show_kept() -> None:
    """Show which corrected masks there are and what can be done with them."""
    problem = st.session_state.pop(_PROBLEM, None)
    if problem:
        st.error(as_text(problem), icon=":material/error:")
    if not kept():
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        names = ", ".join(one.title for one in kept().values())
        count = f"{len(kept())} corrected mask{'s' if len(kept()) > 1 else ''}"
        st.markdown(f":material/draw: **{count} in this visit**", help=as_text(names), width="content")
        st.download_button(
            "Save with pictures (zip)",
            archive,
            "corrected.zip",
            "application/zip",
            icon=":material/download:",
            on_click="ignore",
        )
        st.page_link(
            routes.TRAIN, label="Train on them", icon=":material/model_training:", query_params={LINK: CORRECTED}
        )
        st.button("Forget", icon=":material/delete:", on_click=kept().clear, type="tertiary")
    st.caption(
        "They are for training and for taking away: scores, figures and reports remain those of the models' masks."
    )
