"""Uploading many images: files, zips, folders, camera photos, or synthetic cells to try it with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

import streamlit as st

from wbcseg.datasets import PAIRING_RULE
from wbcseg.datasets.pages import format_page_choice, list_page_choices, read_page_headers
from wbcseg.datasets.uploads import InputImage, Upload, pair_uploads
from wbcseg.io import encode_png
from wbcseg.io.formats.header import Header
from wbcseg.labels import to_grey
from wbcseg.ui.batch.paste import enable_paste
from wbcseg.ui.formatting import escape_markdown, pluralise
from wbcseg.ui.mask_correction import select_correction
from wbcseg.ui.segment.upload import IMAGE_EXTENSIONS, MAX_UPLOAD_MB
from wbcseg.ui.state import restore_widget, save_widget

FILES: Final = "Files or zip"
FOLDER: Final = "Folder"
CAMERA: Final = "Camera"

SYNTHETIC_COUNT: Final = 8
"""Number of synthetic cells to try it with."""

SYNTHETIC_SEED: Final = 20_261
"""Seed of those cells. It differs from that of the data set, because the models were trained on most of its cells."""

_UPLOAD_SET_KEY: Final = "batch_uploads"
_UPLOADER_ROUND_KEY: Final = "batch_round"
_SOURCE_KEY: Final = "batch_source"
_CHANGED_KEY: Final = "batch_changed"
_FILE_IDS_KEY: Final = "batch_file_ids"
"""Ids of the files in the current uploader."""

_SYNTHETIC_PREFIX: Final = "synthetic"
"""Prefix of the keys of synthetic cells."""


@dataclass(frozen=True, eq=False)
class UploadSet:
    """The uploaded files.

    Attributes:
        uploads: The files, in the order of their upload.
        input_images: The images with their masks, and the files that cannot be used.
        multi_page: Headers of the TIFF files with several pages, by the key of the image.
    """

    uploads: tuple[Upload, ...]
    input_images: tuple[InputImage, ...]
    multi_page: Mapping[str, Header]

    @property
    def cache_key(self) -> tuple[str, ...]:
        """Identifies the content."""
        return (
            *(upload.key for upload in self.uploads),
            *(f"{item.key} {item.page}" for item in self.input_images if item.page is not None or item.mask_correction),
        )

    @property
    def page_count(self) -> int:
        """Largest number of pages of a TIFF."""
        return max((header.page_count for header in self.multi_page.values()), default=1)


def upload_images() -> UploadSet | None:
    """Ask for images. Return all uploads of this session, or ``None`` if there are none."""
    source = st.segmented_control(
        "Source of the images",
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
        with st.spinner("Reading the files…"):
            earlier_uploads = [upload for upload in earlier_uploads if not _is_duplicate(upload, uploads)]
            _store_uploads([*earlier_uploads, *uploads])
    # After a visit to another page, the uploader is empty, but its uploads are still stored here.
    st.session_state[_FILE_IDS_KEY] = file_ids
    # Last, because a click may end this run early, and the next run then needs it.
    st.session_state.pop(_CHANGED_KEY, None)
    upload_set: UploadSet | None = st.session_state.get(_UPLOAD_SET_KEY)
    if upload_set is not None and file_ids and earlier_uploads:
        st.caption(
            f"Added to {pluralise(len(earlier_uploads), 'file')} uploaded earlier. *Start over* discards all files."
        )
    return upload_set


def _list_earlier_uploads(file_ids: Sequence[str]) -> list[Upload]:
    """Return the files of earlier uploaders; synthetic cells do not count.

    Args:
        file_ids: Ids of the files in the current uploader.
    """
    upload_set: UploadSet | None = st.session_state.get(_UPLOAD_SET_KEY)
    if upload_set is None or upload_set.uploads[0].key.startswith(_SYNTHETIC_PREFIX):
        return []
    current_ids = {*file_ids, *st.session_state.get(_FILE_IDS_KEY, ())}
    return [upload for upload in upload_set.uploads if upload.key not in current_ids]


def _is_duplicate(upload: Upload, others: Sequence[Upload]) -> bool:
    """Return whether the same file is among others; one with the same name may have other content."""
    return any(other.name == upload.name and other.load() == upload.load() for other in others)


def select_file_choices(upload_set: UploadSet) -> UploadSet:
    """Ask for the page of each file with several, and what the expert masks mean. Return the uploads with both."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        input_images = select_correction(upload_set.input_images, "batch_mask_correction")
        if upload_set.multi_page:
            with st.popover("Page per file", icon=":material/auto_stories:"):
                input_images = tuple(_select_page(item, upload_set.multi_page) for item in input_images)
    return replace(upload_set, input_images=input_images)


def _select_page(input_image: InputImage, headers: Mapping[str, Header]) -> InputImage:
    header = headers.get(input_image.key)
    if header is None:
        return input_image
    key = f"batch_page_of_{input_image.key}"
    choices = [None, *(choice for choice in list_page_choices(header) if choice is not None)]
    restore_widget(key, None, choices)
    page = st.selectbox(
        escape_markdown(input_image.name),
        choices,
        format_func=lambda choice: "As for all files" if choice is None else format_page_choice(choice),
        key=key,
        on_change=save_widget,
        args=(key,),
    )
    return input_image if page is None else replace(input_image, key=f"{input_image.key} page {page}", page=page)


def show_upload_help() -> None:
    """Explain what to upload and what happens to it, and offer synthetic cells to try it with."""
    st.markdown(
        "- **Crops** of one white blood cell each, or **whole fields of view** with any number of cells, in "
        "which the white blood cells are found and numbered.\n"
        "- PNG, JPEG, BMP, TIFF, WebP or HEIC, 8 or 16 bits; as single files, a folder or a zip.\n"
        "- **Expert masks**, if you have them: they are paired with the images by name, and the Dice is shown.\n\n"
        "Nothing is stored: images stay in memory for this session. Only pixels are read, no metadata about patient, "
        "place or device.",
        width=720,
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            f"Try it with {SYNTHETIC_COUNT} synthetic cells",
            icon=":material/play_arrow:",
            on_click=_store_synthetic,
            key="batch_try",
        )
        show_pairing_help()


def show_pairing_help() -> None:
    """Show a popover that explains how images and masks are paired."""
    with st.popover("How are images and masks paired?", icon=":material/help:", type="tertiary"):
        loose_mask_rule = (
            "A mask uploaded as a single file also matches the only image with its name in a folder or zip."
        )
        st.markdown(escape_markdown(f"{PAIRING_RULE} {loose_mask_rule}"), width=480)


def show_start_over_button() -> None:
    """Show a button that discards all uploads."""
    if st.button("Start over", icon=":material/restart_alt:", type="tertiary", key="batch_start_over"):
        st.session_state.pop(_UPLOAD_SET_KEY, None)
        st.session_state[_UPLOADER_ROUND_KEY] = st.session_state.get(_UPLOADER_ROUND_KEY, 0) + 1
        # Runs the whole page, also from within a fragment.
        st.rerun()


def _select_files() -> Sequence[Any]:
    files: Sequence[Any] = st.file_uploader(
        # Any type: names are unreliable, and files that are not images get a row with the reason.
        "Images, masks and zips: drop them here, or paste an image (Ctrl+V)",
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
        "A folder with images and, optionally, masks",
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
        "Photo through the eyepiece",
        key=_get_uploader_key("camera"),
        on_change=_mark_changed,
        args=(CAMERA,),
        width=480,
        resolution="1080p",
    )
    return [] if photo is None else [photo]


def _get_uploader_key(kind: str) -> str:
    # With another key, an uploader has no files.
    return f"batch_{kind}_{st.session_state.get(_UPLOADER_ROUND_KEY, 0)}"


def _mark_changed(source: str) -> None:
    # Ignore a change of an uploader that has just been replaced: the uploads stay.
    if st.session_state.get(_SOURCE_KEY) == source:
        st.session_state[_CHANGED_KEY] = source


def _store_uploads(uploads: Sequence[Upload]) -> None:
    if not uploads:
        st.session_state.pop(_UPLOAD_SET_KEY, None)
        return
    input_images = tuple(pair_uploads(uploads))
    st.session_state[_UPLOAD_SET_KEY] = UploadSet(tuple(uploads), input_images, read_page_headers(input_images))


def _make_upload(filename: str, file: Any) -> Upload:
    return Upload(filename, file.getvalue, file.file_id)


def _store_synthetic() -> None:
    uploads = []
    for index in range(SYNTHETIC_COUNT):
        name, key = f"synthetic-{index + 1}", f"{_SYNTHETIC_PREFIX} {index}"
        uploads.append(Upload(f"{name}.png", partial(_render_synthetic, index, is_mask=False), key))
        uploads.append(Upload(f"{name}_mask.png", partial(_render_synthetic, index, is_mask=True), f"{key} mask"))
    _store_uploads(uploads)


def _render_synthetic(index: int, *, is_mask: bool) -> bytes:
    # Imported here, so that users who upload images do not wait for it.
    from wbcseg.datasets.synthetic import draw_sample

    sample = draw_sample(SYNTHETIC_SEED, index)
    return encode_png(to_grey(sample.mask) if is_mask and sample.mask is not None else sample.image)
