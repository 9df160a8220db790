"""Bringing many pictures: files, zips, folders, a camera, or eight drawn cells to try it with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import streamlit as st

from wbcseg.datasets import PAIRING_RULE
from wbcseg.datasets.uploads import InputImage, Upload, count_max_pages, pair_uploads
from wbcseg.io import MAX_BYTES, encode_png
from wbcseg.labels import to_grey
from wbcseg.ui.batch.paste import enable_paste
from wbcseg.ui.formatting import escape_markdown

FILES: Final = "Files or zip"
FOLDER: Final = "Folder"
CAMERA: Final = "Camera"

IMAGE_EXTENSIONS: Final = ("png", "jpg", "jpeg", "bmp", "tif", "tiff")
MAX_UPLOAD_MB: Final = -(-MAX_BYTES // 2**20)
"""Largest file in MB that the server takes."""

SYNTHETIC_COUNT: Final = 8
"""Drawn cells to try it with."""

SYNTHETIC_SEED: Final = 20_261
"""Of those: another than that of the data set, on most of whose cells the models were trained."""

_UPLOAD_SET_KEY: Final = "measure_brought"
_UPLOADER_ROUND_KEY: Final = "measure_round"
_SOURCE_KEY: Final = "measure_from"
_CHANGED_KEY: Final = "measure_changed"
_FILE_IDS_KEY: Final = "measure_mine"
"""Keys of the files that the uploader holds that is there."""

_SYNTHETIC_PREFIX: Final = "drawn"
"""How the keys of drawn cells begin."""


@dataclass(frozen=True, eq=False)
class UploadSet:
    """What a reader brought.

    Attributes:
        uploads: The files, in the order in which they came.
        input_images: Pictures with their masks, and what is wrong with the rest.
        page_count: The number of pages of the TIFF that has most.
    """

    uploads: tuple[Upload, ...]
    input_images: tuple[InputImage, ...]
    page_count: int

    @property
    def cache_key(self) -> tuple[str, ...]:
        """Names it."""
        return tuple(upload.key for upload in self.uploads)


def upload_images() -> UploadSet | None:
    """Ask for pictures. Return what there is, also of an earlier look at this page in the same visit."""
    source = st.segmented_control(
        "How to bring pictures",
        (FILES, FOLDER, CAMERA),
        default=FILES,
        required=True,
        key=_SOURCE_KEY,
        label_visibility="collapsed",
    )
    files = {FILES: _select_files, FOLDER: _select_folder, CAMERA: _take_photo}[source]()
    has_changed = st.session_state.get(_CHANGED_KEY) == source
    file_ids = tuple(file.file_id for file in files)
    earlier_uploads = _list_earlier_uploads(file_ids)
    if file_ids != st.session_state.get(_FILE_IDS_KEY, ()) and (file_ids or has_changed):
        filenames = ["Photo.jpg" if source == CAMERA else file.name for file in files]
        uploads = [_make_upload(name, file) for name, file in zip(filenames, files, strict=True)]
        with st.spinner("Looking through the files…"):
            earlier_uploads = [upload for upload in earlier_uploads if not _is_duplicate(upload, uploads)]
            _store_uploads([*earlier_uploads, *uploads])
    # An uploader that was away comes back without its files: what it brought is here all the same.
    st.session_state[_FILE_IDS_KEY] = file_ids
    # Last of all: a click may end this run early, and the next one then does it again.
    st.session_state.pop(_CHANGED_KEY, None)
    upload_set: UploadSet | None = st.session_state.get(_UPLOAD_SET_KEY)
    if upload_set is not None and file_ids and earlier_uploads:
        count = f"{len(earlier_uploads)} file{'s' if len(earlier_uploads) > 1 else ''}"
        st.caption(f"Added to the {count} that you brought before. *Start over* drops them all.")
    return upload_set


def _list_earlier_uploads(file_ids: Sequence[str]) -> list[Upload]:
    """Return what was brought before by an uploader that is not there any more; drawn cells do not count.

    Args:
        file_ids: Keys of what the present uploader holds.
    """
    upload_set: UploadSet | None = st.session_state.get(_UPLOAD_SET_KEY)
    if upload_set is None or upload_set.uploads[0].key.startswith(_SYNTHETIC_PREFIX):
        return []
    current_ids = {*file_ids, *st.session_state.get(_FILE_IDS_KEY, ())}
    return [upload for upload in upload_set.uploads if upload.key not in current_ids]


def _is_duplicate(upload: Upload, others: Sequence[Upload]) -> bool:
    """Whether the same file is among others: one of the same name may hold another picture."""
    return any(other.name == upload.name and other.load() == upload.load() for other in others)


def show_upload_help() -> None:
    """Say what to bring and what becomes of it, and offer to try it without."""
    st.markdown(
        "- **Crops** of one white cell each, or **whole fields of view** (a side of more than 480 pixels), in which "
        "the white cells are found and numbered.\n"
        "- PNG, JPEG, BMP or TIFF, also with 16 bits; singly, as a folder, or as a zip.\n"
        "- **Expert masks**, if you have some: they are paired by name and the overlap (Dice) is shown.\n\n"
        "Nothing is stored: pictures stay in memory for this visit. Only their pixels are read, nothing of what a file "
        "may say about patient, place or device.",
        width=720,
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            f"Try it with {SYNTHETIC_COUNT} drawn cells",
            icon=":material/play_arrow:",
            on_click=_store_synthetic,
            key="measure_try",
        )
        show_pairing_help()


def show_pairing_help() -> None:
    """Offer the rule by which pictures and masks are paired."""
    with st.popover("How are pictures and masks paired?", icon=":material/help:", type="tertiary"):
        loose_mask_rule = "A mask that is brought by itself also finds the only picture of its name in a folder or zip."
        st.markdown(escape_markdown(f"{PAIRING_RULE} {loose_mask_rule}"), width=480)


def show_start_over_button() -> None:
    """Offer to drop everything that was brought."""
    if st.button("Start over", icon=":material/restart_alt:", type="tertiary", key="measure_start_over"):
        st.session_state.pop(_UPLOAD_SET_KEY, None)
        st.session_state[_UPLOADER_ROUND_KEY] = st.session_state.get(_UPLOADER_ROUND_KEY, 0) + 1
        # The page as a whole, also from within a part of it that is drawn by itself.
        st.rerun()


def _select_files() -> Sequence[Any]:
    files: Sequence[Any] = st.file_uploader(
        # Of any type: a name says little, and what is no picture gets a row that says so.
        "Pictures, masks and zips: drop them here, or paste a picture (Ctrl+V)",
        accept_multiple_files=True,
        max_upload_size=MAX_UPLOAD_MB,
        key=_get_uploader_key("files"),
        on_change=_mark_changed,
        args=(FILES,),
    )
    enable_paste()
    return files


def _select_folder() -> Sequence[Any]:
    files: Sequence[Any] = st.file_uploader(
        "A folder with pictures, and masks if there are some",
        type=IMAGE_EXTENSIONS,
        accept_multiple_files="directory",
        max_upload_size=MAX_UPLOAD_MB,
        key=_get_uploader_key("folder"),
        on_change=_mark_changed,
        args=(FOLDER,),
    )
    return files


def _take_photo() -> Sequence[Any]:
    photo = st.camera_input(
        "A photo through the eyepiece",
        key=_get_uploader_key("camera"),
        on_change=_mark_changed,
        args=(CAMERA,),
        width=480,
        resolution="1080p",
    )
    return [] if photo is None else [photo]


def _get_uploader_key(kind: str) -> str:
    # An uploader forgets its files when it gets another key.
    return f"measure_{kind}_{st.session_state.get(_UPLOADER_ROUND_KEY, 0)}"


def _mark_changed(source: str) -> None:
    # What is brought stays where an uploader that just went away still got a file.
    if st.session_state.get(_SOURCE_KEY) == source:
        st.session_state[_CHANGED_KEY] = source


def _store_uploads(uploads: Sequence[Upload]) -> None:
    if not uploads:
        st.session_state.pop(_UPLOAD_SET_KEY, None)
        return
    input_images = tuple(pair_uploads(uploads))
    st.session_state[_UPLOAD_SET_KEY] = UploadSet(tuple(uploads), input_images, count_max_pages(input_images))


def _make_upload(filename: str, file: Any) -> Upload:
    return Upload(filename, file.getvalue, file.file_id)


def _store_synthetic() -> None:
    uploads = []
    for index in range(SYNTHETIC_COUNT):
        name, key = f"drawn-{index + 1}", f"{_SYNTHETIC_PREFIX} {index}"
        uploads.append(Upload(f"{name}.png", partial(_render_synthetic, index, is_mask=False), key))
        uploads.append(Upload(f"{name}_mask.png", partial(_render_synthetic, index, is_mask=True), f"{key} mask"))
    _store_uploads(uploads)


def _render_synthetic(index: int, *, is_mask: bool) -> bytes:
    # Here and not above: whoever brings pictures need not wait for what draws them.
    from wbcseg.datasets.synthetic import draw_sample

    sample = draw_sample(SYNTHETIC_SEED, index)
    return encode_png(to_grey(sample.mask) if is_mask and sample.mask is not None else sample.image)
