"""Corrections of cells that a person makes in the viewer: kept for the session by image and model, on every page."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import streamlit as st

from wbcseg.api import Result
from wbcseg.differential import ASSIGNABLE_TYPES
from wbcseg.errors import EditError, WbcsegError
from wbcseg.pipeline.edits import Edit, Point
from wbcseg.ui.cache import CachedPrediction
from wbcseg.ui.counting import save_edge_rule
from wbcseg.ui.viewer.message import read_message
from wbcseg.ui.viewer.payload import encode_payload

MAX_IMAGES: Final = 20_000
"""Images whose corrections a session keeps; those corrected first are dropped first."""

MAX_CACHED: Final = 6
"""Corrected results that a session keeps."""

CorrectionKey = tuple[str, tuple[str, str], bool]
"""Digest of an image, key of a model, and whether test-time averaging is used."""

_STORE_KEY: Final = "corrections"
_CACHE_KEY: Final = "corrected_predictions"
_TARGETS_KEY: Final = "correction_targets"


@dataclass(frozen=True)
class Corrections:
    """What a person corrected in one image, for one model.

    Attributes:
        edits: The corrections in force, in order.
        region: Corners of the region to count in, or ``None``.
        problem: Why the last edit did nothing, or ``None``.
        as_field: Whether a crop is shown as a field of view, to correct its cells.
    """

    edits: tuple[Edit, ...] = ()
    region: tuple[Point, ...] | None = None
    problem: str | None = None
    as_field: bool = False

    @property
    def is_drawn_mask(self) -> bool:
        """Whether nothing was corrected but the mask, by drawing it."""
        return bool(self.edits) and self.region is None and all(edit.kind == "paint" for edit in self.edits)


@dataclass(frozen=True, eq=False)
class CorrectionTarget:
    """What a message from a viewer corrects.

    Attributes:
        key: The image and the model.
        get_result: Returns the model's own result.
    """

    key: CorrectionKey
    get_result: Callable[[], Result]


@dataclass(frozen=True, eq=False)
class CorrectedPrediction:
    """A model's result with corrections.

    Attributes:
        prediction: The result after corrections.
        corrections: The corrections.
        map_payload: Digest and payload of its map, if it is not the model's own.
    """

    prediction: CachedPrediction
    corrections: Corrections
    map_payload: tuple[str, bytes] | None = None


def get_corrections(key: CorrectionKey) -> Corrections:
    """Return the corrections of an image for a model."""
    store: dict[CorrectionKey, Corrections] = st.session_state.get(_STORE_KEY, {})
    return store.get(key, Corrections())


def get_all_corrections() -> Mapping[CorrectionKey, Corrections]:
    """Return all corrections of this visit."""
    store: dict[CorrectionKey, Corrections] = st.session_state.get(_STORE_KEY, {})
    return store


def has_corrections(key: CorrectionKey) -> bool:
    """Return whether anything was corrected in an image for a model, even if all of it was undone."""
    return key in st.session_state.get(_STORE_KEY, {})


def restore_corrections(key: CorrectionKey, corrections: Corrections) -> None:
    """Put corrections from a session file in the place of those that there are; without any, those are kept."""
    if corrections.edits or corrections.region or corrections.as_field:
        _store(key, corrections)


def append_edit(key: CorrectionKey, edit: Edit) -> None:
    """Add a correction of an image, without checking that it can be applied."""
    corrections = get_corrections(key)
    _store(key, replace(corrections, edits=(*corrections.edits, edit), problem=None))


def set_type(key: CorrectionKey, cell_id: int, cell_type: str) -> None:
    """Give a cell a type; an empty one gives it back the type model's.

    Args:
        key: The image and the model.
        cell_id: Id of the cell.
        cell_type: One of :data:`wbcseg.differential.ASSIGNABLE_TYPES`, or empty.
    """
    if cell_type:
        append_edit(key, Edit("set_type", (cell_id,), type=cell_type))
        return
    corrections = get_corrections(key)
    edits = []
    for edit in corrections.edits:
        ids = tuple(each for each in edit.ids if each != cell_id)
        if edit.kind != "set_type" or ids == edit.ids:
            edits.append(edit)
        elif ids:
            edits.append(replace(edit, ids=ids))
    _store(key, replace(corrections, edits=tuple(edits), problem=None))


def on_type_chosen(viewer_key: str, value: object) -> None:
    """Take over a type that a person gave a cell in the list beside a viewer.

    Args:
        viewer_key: Key of the viewer.
        value: What the browser sent; anything.
    """
    digest, targets = st.session_state.get(f"{_TARGETS_KEY} {viewer_key}", ("", {}))
    if not isinstance(value, Mapping) or value.get("digest") != digest:
        return
    target: CorrectionTarget | None = targets.get(str(value.get("model")))
    cell_id, index = value.get("id"), value.get("type")
    # Booleans are integers, too.
    if target is None or type(cell_id) is not int or type(index) is not int:
        return
    if 0 < cell_id < 2**16 and -1 <= index < len(ASSIGNABLE_TYPES):
        set_type(target.key, cell_id, ASSIGNABLE_TYPES[index] if index >= 0 else "")


def paint(viewer_key: str, panel: object, mask: str) -> None:
    """Take over a mask that a person drew in a viewer, so that all that is measured follows.

    Args:
        viewer_key: Key of the viewer.
        panel: Key of the panel that was drawn on; nothing happens if it is none of a model.
        mask: Run lengths of the mask; see :func:`wbcseg.labels.decode_rle`.
    """
    _, targets = st.session_state.get(f"{_TARGETS_KEY} {viewer_key}", ("", {}))
    target: CorrectionTarget | None = targets.get(str(panel))
    if target is None:
        return
    edits = get_corrections(target.key).edits
    if edits and edits[-1].kind == "paint":
        edits = edits[:-1]
    _store(target.key, _apply(target, (*edits, Edit("paint", mask=mask))))


def discard_drawn_masks() -> None:
    """Take back all masks that a person drew in this visit."""
    for key, corrections in list(get_all_corrections().items()):
        edits = tuple(edit for edit in corrections.edits if edit.kind != "paint")
        if edits != corrections.edits:
            _store(key, replace(corrections, edits=edits, problem=None))


def remove_edit(key: CorrectionKey, edit: Edit) -> None:
    """Take a correction of an image back, the last one that is equal; nothing happens if there is none."""
    corrections = get_corrections(key)
    edits = list(corrections.edits)
    for index in range(len(edits) - 1, -1, -1):
        if edits[index] == edit:
            del edits[index]
            _store(key, replace(corrections, edits=tuple(edits), problem=None))
            return


def set_targets(viewer_key: str, digest: str, targets: Mapping[str, CorrectionTarget]) -> None:
    """Say what the messages of a viewer correct.

    Args:
        viewer_key: Key of the viewer.
        digest: Digest of the props that it shows.
        targets: What is corrected, by the key of the panel.
    """
    st.session_state[f"{_TARGETS_KEY} {viewer_key}"] = (digest, dict(targets))


def on_cells_edited(viewer_key: str) -> None:
    """Take over the corrections that a viewer sent. Messages about another image than the one shown are ignored.

    Args:
        viewer_key: Key of the viewer.
    """
    digest, targets = st.session_state.get(f"{_TARGETS_KEY} {viewer_key}", ("", {}))
    try:
        message = read_message(st.session_state[viewer_key].get("edits"))
    except EditError as error:
        # The browser may send anything; which model it is about is not known then.
        for key in [each.key for each in targets.values()]:
            _store(key, replace(get_corrections(key), problem=str(error)))
        return
    target: CorrectionTarget | None = targets.get(message.model)
    if message.digest != digest or target is None:
        return
    save_edge_rule(message.edge_rule)
    _store(target.key, replace(_apply(target, message.edits), region=message.region))


def correct_predictions(
    targets: Mapping[str, CorrectionTarget], predictions: Mapping[str, CachedPrediction]
) -> dict[str, CorrectedPrediction]:
    """Return the predictions of an image with the corrections of this session.

    Args:
        targets: The image and the model, by the key of the panel.
        predictions: The models' own results, by the same keys.
    """
    return {name: _correct_cached(name, targets[name], prediction) for name, prediction in predictions.items()}


def _correct_cached(name: str, target: CorrectionTarget, prediction: CachedPrediction) -> CorrectedPrediction:
    corrections = get_corrections(target.key)
    as_field = corrections.as_field and not prediction.is_field_of_view
    if not corrections.edits and not as_field:
        return CorrectedPrediction(prediction, corrections)
    cached: dict[tuple[CorrectionKey, tuple[Edit, ...]], tuple[CachedPrediction, tuple[str, bytes]]]
    cached = st.session_state.setdefault(_CACHE_KEY, {})
    key = (target.key, corrections.edits)
    entry = cached.pop(key, None)
    if entry is None:
        corrected = CachedPrediction.from_result(target.get_result().correct(corrections.edits, as_field=as_field))
        digest = hashlib.sha256(name.encode() + corrected.png).hexdigest()[:24]
        entry = (corrected, (digest, encode_payload({"digest": digest}, {name: corrected.png})))
    cached[key] = entry
    while len(cached) > MAX_CACHED:
        del cached[next(iter(cached))]
    return CorrectedPrediction(entry[0], corrections, entry[1])


def show_field_button(keys: Sequence[CorrectionKey]) -> None:
    """Show a button that makes a field of view of a crop, so that its cells can be corrected.

    Args:
        keys: The image and each of the models.
    """
    st.button(
        "More than one cell? Correct the cells",
        icon=":material/edit:",
        type="tertiary",
        key="correct_cells",
        on_click=_make_field,
        args=(tuple(keys),),
        help="Shows the image as a field of view, in which cells can be added, deleted, split and merged.",
    )


def _make_field(keys: Sequence[CorrectionKey]) -> None:
    for key in keys:
        _store(key, replace(get_corrections(key), as_field=True))


def _apply(target: CorrectionTarget, edits: tuple[Edit, ...]) -> Corrections:
    try:
        result = target.get_result().correct(edits)
    except WbcsegError as error:
        return replace(get_corrections(target.key), problem=str(error))
    stored = get_corrections(target.key)
    return replace(stored, edits=result.edits, problem=str(result.edit_problem) if result.edit_problem else None)


def _store(key: CorrectionKey, corrections: Corrections) -> None:
    store: dict[CorrectionKey, Corrections] = st.session_state.setdefault(_STORE_KEY, {})
    store.pop(key, None)
    store[key] = corrections
    while len(store) > MAX_IMAGES:
        del store[next(iter(store))]
