"""Saving and opening a whole session as one file. Nothing of it is stored on the server."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import streamlit as st

from wbcseg.api import Batch
from wbcseg.celltypes import PRIORS
from wbcseg.counting import DEFAULT_EDGE_RULE
from wbcseg.datasets.pages import read_page_headers
from wbcseg.errors import WbcsegError
from wbcseg.export import CELLS_FILE, build_cell_rows, encode_csv
from wbcseg.pipeline import ImageResult, merge_results
from wbcseg.pipeline.correct import retype
from wbcseg.pipeline.session_file import (
    SESSION_FILE,
    Content,
    ImageState,
    Session,
    SessionArchive,
    SessionImage,
    SessionSettings,
    build_results,
    list_inputs,
    read_edits,
    read_session,
    write_session,
)
from wbcseg.ui import cache, corrections
from wbcseg.ui.batch.field_view import make_key
from wbcseg.ui.batch.options import PredictionOptions
from wbcseg.ui.cell_types import PRIOR_KEY, assign_types
from wbcseg.ui.components.downloads import select_decimal_comma, uses_decimal_comma
from wbcseg.ui.components.pixel_size import CURRENT_PIXEL_SIZE
from wbcseg.ui.corrections import CorrectionKey, Corrections, restore_corrections
from wbcseg.ui.counting import EDGE_RULE_KEY, save_edge_rule
from wbcseg.ui.formatting import escape_markdown
from wbcseg.ui.state import get_saved_choices, save_choices
from wbcseg.ui.uploads import store
from wbcseg.ui.uploads.drop_area import MAX_UPLOAD_MB
from wbcseg.ui.workbench import samples, view

CONTENTS: Final[dict[str, Content]] = {
    "With small images of the cells": "tiles",
    "With all images": "images",
    "Results only": "results",
}

UPLOADER_KEY: Final = "session_file"

_OPENED_KEY: Final = "opened_session"
_PROBLEM_KEY: Final = "session_problem"


@dataclass(eq=False)
class OpenedSession:
    """A session that was opened without its images.

    Attributes:
        name: Name of the file.
        session: What it holds.
        results: The results, with the corrections of this visit.
        digest: Identifies the file.
    """

    name: str
    session: Session
    results: list[ImageResult]
    digest: str


def show_save_button(batch: Batch, options: PredictionOptions) -> None:
    """Show a popover from which the session is saved.

    Args:
        batch: The batch.
        options: Its settings.
    """
    choices = get_saved_choices()
    get_results = batch.get_results
    states = {result.digest: corrections.get_corrections(make_key(result, options)) for result in get_results()}

    def build(content: Content) -> bytes:
        model, checksum = options.entry.key
        settings = _collect_settings(choices, model, checksum, tta=options.tta)
        with batch.cache_last_image():
            return write_session(
                get_results(),
                settings,
                get_state=lambda result: _get_state(states.get(result.digest)),
                content=content,
            )

    _show_save_popover(build, list(CONTENTS))


def _show_save_popover(build: Any, labels: Sequence[str]) -> None:
    with st.popover("Save session", icon=":material/save:"):
        label = st.radio("What the file holds", labels, key="session_content")
        st.caption(
            "Cells, types, corrections, samples and settings are always part of it. The file is made here for you; "
            "nothing is kept on the server. It names your images: handle it like them."
        )
        st.download_button(
            "Download session",
            partial(build, CONTENTS[label]),
            SESSION_FILE,
            "application/zip",
            icon=":material/download:",
            on_click="ignore",
        )


def open_session() -> None:
    """Ask for a session file, and open it."""
    with st.popover("Open a saved session", icon=":material/folder_open:"):
        st.file_uploader(
            "A file that *Save session* made, to go on where you left off",
            type="zip",
            key=UPLOADER_KEY,
            on_change=_on_uploaded,
            max_upload_size=MAX_UPLOAD_MB,
            width=480,
        )
    show_problem()


def show_problem() -> None:
    """Show why the last session file could not be opened, or not fully."""
    if problem := st.session_state.get(_PROBLEM_KEY):
        st.error(escape_markdown(problem), icon=":material/error:")


def has_opened_session() -> bool:
    """Return whether a session is open that has no images."""
    return _OPENED_KEY in st.session_state


def show_opened_session() -> None:
    """Show the cells of a session that has no images, to sort and to file."""
    opened: OpenedSession = st.session_state[_OPENED_KEY]
    st.markdown(f"**{escape_markdown(opened.name)}**, without its images: masks cannot be corrected.")
    settings = opened.session.settings

    def get_key(result: ImageResult) -> CorrectionKey:
        return result.digest, (settings.model, settings.checksum), settings.tta

    def get_results() -> Sequence[ImageResult]:
        for index, result in enumerate(opened.results):
            current = corrections.get_corrections(get_key(result))
            if result.edits != current.edits:
                opened.results[index] = retype(result, current.edits) or result
        opened.results = assign_types(opened.results)
        return opened.results

    choices = get_saved_choices()
    with st.container(horizontal=True, vertical_alignment="center"):
        select_decimal_comma()
        st.download_button(
            "Download measurements (CSV)",
            lambda: _build_csv(opened.results, settings, decimal_comma=uses_decimal_comma(choices)),
            CELLS_FILE,
            "text/csv",
            icon=":material/table:",
            on_click="ignore",
        )

        def build(content: Content) -> bytes:
            saved = _collect_settings(choices, settings.model, settings.checksum, tta=settings.tta)
            return write_session(opened.results, saved, content=content)

        _show_save_popover(build, [label for label, content in CONTENTS.items() if content != "images"])
        st.button("Close session", icon=":material/close:", type="tertiary", on_click=_close, key="session_close")
    view.show(view.WorkbenchSource(opened.digest, get_results, get_key, settings.pixel_size))


def _build_csv(results: Sequence[ImageResult], settings: SessionSettings, *, decimal_comma: bool) -> bytes:
    reports = [merge_results([result]) for result in results]
    rows = build_cell_rows(reports, pixel_size=settings.pixel_size, edge_rule=settings.edge_rule)
    return encode_csv(rows, decimal_comma=decimal_comma)


def _collect_settings(choices: dict[str, Any], model: str, checksum: str, *, tta: bool) -> SessionSettings:
    by_hand = choices.get(samples.HAND_KEY, {})
    return SessionSettings(
        model,
        checksum,
        tta,
        choices.get(CURRENT_PIXEL_SIZE),
        str(choices.get(EDGE_RULE_KEY, DEFAULT_EDGE_RULE)),
        str(choices.get(samples.RULE_KEY, "")),
        str(choices.get(samples.PATTERN_KEY, "")),
        dict(by_hand) if isinstance(by_hand, dict) else {},
        str(choices.get(PRIOR_KEY, "")),
    )


def _get_state(state: Corrections | None) -> ImageState:
    return ImageState() if state is None else ImageState(state.region, state.as_field)


def _on_uploaded() -> None:
    file = st.session_state.get(UPLOADER_KEY)
    st.session_state.pop(_PROBLEM_KEY, None)
    if file is None:
        return
    try:
        _open(*read_session(file.getvalue(), file.name), file.name)
    except WbcsegError as error:
        st.session_state[_PROBLEM_KEY] = str(error)


def _open(session: Session, archive: SessionArchive, name: str) -> None:
    settings = session.settings
    key = (settings.model, settings.checksum)
    restored = [(image, _restore(image)) for image in session.images]
    uploads, inputs = list_inputs(session, archive)
    opened = None if inputs else OpenedSession(name, session, build_results(session, archive), archive.digest)
    # Nothing changes before everything was read.
    for image, state in restored:
        restore_corrections((image.digest, key, settings.tta), state)
    save_edge_rule(settings.edge_rule)
    save_choices(**{samples.HAND_KEY: dict(settings.samples)})
    _choose(samples.RULE_KEY, settings.sample_rule, samples.RULES)
    if settings.type_prior in PRIORS:
        save_choices(**{PRIOR_KEY: settings.type_prior})
    if settings.sample_pattern:
        _set_widgets(**{samples.PATTERN_KEY: settings.sample_pattern})
    if opened is not None:
        st.session_state[_OPENED_KEY] = opened
        return
    st.session_state.pop(_OPENED_KEY, None)
    entries = {entry.name: entry for entry in cache.load_catalog().usable}
    if settings.model in entries:
        _set_widgets(batch_model=settings.model, batch_tta=settings.tta)
    if settings.model not in entries or entries[settings.model].key != key:
        st.session_state[_PROBLEM_KEY] = (
            f"The session was made with a model that is not here: {settings.model}, file {settings.checksum[:8]}. Its "
            "images are segmented again by another one, without its types and corrections. Saved without images, a "
            "session keeps them."
        )
    store.set_uploads(store.UploadSet(tuple(uploads), tuple(inputs), read_page_headers(inputs)))


def _choose(key: str, value: str, options: Sequence[str]) -> None:
    if value in options:
        _set_widgets(**{key: value})


def _set_widgets(**values: object) -> None:
    """Set widgets, also those that the page shows already."""
    save_choices(**values)
    for key, value in values.items():
        st.session_state[key] = value


def _restore(image: SessionImage) -> Corrections:
    region = tuple((point[0], point[1]) for point in image.region) if image.region else None
    return Corrections(read_edits(image), region, as_field=image.as_field)


def _close() -> None:
    st.session_state.pop(_OPENED_KEY, None)
    st.session_state.pop(UPLOADER_KEY, None)
