"""Preparing the next picture while the reader looks at this one."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

import streamlit as st

from wbcseg.datasets.dataset import DataSet
from wbcseg.errors import WbcsegError
from wbcseg.prediction import Catalog, ModelEntry
from wbcseg.ui import store

PAUSE: Final = 0.3
"""Seconds before the work begins."""


def prepare_next(
    data: DataSet, sample_id: str, view: store.View, entries: Sequence[ModelEntry], models: Catalog
) -> None:
    """Read, segment and draw the picture after this one in the background, so that it shows at once when asked for.

    All readers share one thread. One who goes on before it got to their picture waits no longer than without it.
    """
    waiting: Future[None] | None = st.session_state.get("ahead")
    if waiting is not None:
        waiting.cancel()
    place = data.ids.index(sample_id) + 1
    if place < len(data):
        names = [entry.name for entry in entries]
        st.session_state["ahead"] = _worker().submit(_prepare, data.name, data.ids[place], view, names, models)


@st.cache_resource(show_spinner=False)
def _worker() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="ahead")


def _prepare(name: str, sample_id: str, view: store.View, names: Sequence[str], models: Catalog) -> None:
    # First of all, the reader's browser fetches what it was just told to show.
    time.sleep(PAUSE)
    # What is wrong with a picture or a model is said when its page is shown.
    with contextlib.suppress(WbcsegError):
        picture = store.shown(name, sample_id)
        store.drawn(picture, view)
        if picture.sample.mask is not None:
            store.drawn(picture, view, picture.sample.mask)
        for model in names:
            store.drawn(picture, view, store.labels(picture, model, models))
