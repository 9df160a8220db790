"""The uploads of a session: all files, and the image that is open on the page Segment.

They are in memory only and shared by all pages: what is dropped on one page is there on the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import streamlit as st

from wbcseg.datasets.pages import read_page_headers
from wbcseg.datasets.uploads import InputImage, Upload, drop_foreign_bytes, pair_uploads
from wbcseg.errors import WbcsegError
from wbcseg.io import PageChoice
from wbcseg.io.formats.header import Header
from wbcseg.ui.state import get_restored_keys, save_choices
from wbcseg.ui.visitors.session import release_files

SAMPLE_PREFIX: Final = "sample:"
"""Prefix of the keys of images to try the program with. A user's own files replace them."""

UPLOAD_SOURCE: Final = "Upload an image"
"""The option of the choice of an image's source on the page Segment that stands for uploads."""

_UPLOADS_KEY: Final = "uploads"
_OPENED_KEY: Final = "opened_image"
_ADDED_KEY: Final = "added_images"
_EARLIER_KEY: Final = "earlier_uploads_of_addition"


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


OpenedImage = tuple[InputImage, PageChoice]
"""An image and the TIFF page to begin with."""


@dataclass(frozen=True, eq=False)
class EarlierUploads:
    """What the last upload was added to, for the user to keep or to remove.

    Attributes:
        uploads: The earlier files.
        image_names: Names of the images among them.
        new_count: Images of the last upload.
        is_removed: Whether the user removed them. They are in memory until that is final, so that it can be undone.
        opened: The image that Segment showed before they were removed.
    """

    uploads: tuple[Upload, ...]
    image_names: tuple[str, ...]
    new_count: int
    is_removed: bool = False
    opened: OpenedImage | None = None


def get_uploads() -> UploadSet | None:
    """Return the files of this session, or ``None`` if there are none."""
    upload_set: UploadSet | None = st.session_state.get(_UPLOADS_KEY)
    return upload_set


def add_uploads(uploads: Sequence[Upload]) -> None:
    """Add files to those of this session. A file that is there already is not added again.

    Their images are what :func:`take_added` returns next. The bytes of a file that is no image are freed at once.
    """
    forget_earlier()
    given, uploads = uploads, [drop_foreign_bytes(upload) for upload in uploads]
    release_files([new.key for old, new in zip(given, uploads, strict=True) if new is not old])
    uploads = _drop_repeated(uploads)
    current = get_uploads()
    earlier = [] if current is None or _are_samples(current.uploads) else list(current.uploads)
    earlier = [upload for upload in earlier if not _is_duplicate(upload, uploads)]
    earlier_keys = {item.key for item in current.input_images} if current is not None and earlier else set()
    _store([*earlier, *uploads])
    stored = get_uploads()
    items = stored.input_images if stored else ()
    added = tuple(item for item in items if item.key not in earlier_keys)
    st.session_state[_ADDED_KEY] = added
    names = tuple(item.name for item in items if item.key in earlier_keys)
    if names and added:
        st.session_state[_EARLIER_KEY] = EarlierUploads(tuple(earlier), names, len(added))


def get_earlier() -> EarlierUploads | None:
    """Return what the last upload was added to, until the user has decided; ``None`` if there was nothing."""
    earlier: EarlierUploads | None = st.session_state.get(_EARLIER_KEY)
    return earlier


def remove_earlier() -> None:
    """Remove the files that the last upload was added to. :func:`bring_back_earlier` undoes it."""
    earlier = get_earlier()
    if earlier is None or earlier.is_removed:
        return
    opened = get_opened_image()
    st.session_state[_EARLIER_KEY] = replace(earlier, is_removed=True, opened=opened)
    keys = {upload.key for upload in earlier.uploads}
    _store([upload for upload in get_own_uploads() if upload.key not in keys])
    current = get_uploads()
    if opened is not None and (current is None or opened[0].key not in [item.key for item in current.input_images]):
        close_image()


def bring_back_earlier() -> None:
    """Put the files back that :func:`remove_earlier` removed."""
    earlier = get_earlier()
    if earlier is None or not earlier.is_removed:
        return
    st.session_state[_EARLIER_KEY] = replace(earlier, is_removed=False, opened=None)
    restore_uploads(earlier.uploads)
    if earlier.opened is not None and get_opened_image() is None:
        set_opened_image(*earlier.opened)


def forget_earlier() -> None:
    """Leave the uploads as they are now: whether earlier ones were kept or removed is no longer a question."""
    earlier = st.session_state.pop(_EARLIER_KEY, None)
    if earlier is not None and earlier.is_removed:
        release_files([upload.key for upload in earlier.uploads])


def get_own_uploads() -> Sequence[Upload]:
    """Return the files that the user uploaded, without images to try the program with."""
    current = get_uploads()
    return () if current is None or _are_samples(current.uploads) else current.uploads


def restore_uploads(uploads: Sequence[Upload]) -> None:
    """Put files from before a reload in front of those of this session."""
    own_uploads = get_own_uploads()
    _store([*(upload for upload in uploads if not _is_duplicate(upload, own_uploads)), *own_uploads])


def replace_uploads(uploads: Sequence[Upload]) -> None:
    """Put other files in the place of those of this session."""
    _store(uploads)


def set_uploads(upload_set: UploadSet) -> None:
    """Put paired files in the place of those of this session."""
    _release_all_but({upload.key for upload in upload_set.uploads})
    st.session_state[_UPLOADS_KEY] = upload_set


def remove_upload(image_key: str) -> None:
    """Remove an image, with its mask, and close it. One image of a zip cannot be removed alone."""
    current = get_uploads()
    if current is not None:
        _store([upload for upload in current.uploads if upload.key not in image_key.split()])
    opened = get_opened_image()
    if opened is not None and opened[0].key == image_key:
        close_image()


def can_remove(image_key: str) -> bool:
    """Return whether an image was uploaded as a file of its own."""
    current = get_uploads()
    return current is not None and any(upload.key in image_key.split() for upload in current.uploads)


def discard_uploads() -> None:
    """Discard all files of this session."""
    forget_earlier()
    _release_all_but(set())
    for key in (_UPLOADS_KEY, _OPENED_KEY, _ADDED_KEY):
        st.session_state.pop(key, None)


def take_added() -> tuple[InputImage, ...]:
    """Return the images that came with the last upload, once."""
    added: tuple[InputImage, ...] = st.session_state.pop(_ADDED_KEY, ())
    return added


def open_image(input_image: InputImage, page: PageChoice = None) -> None:
    """Make an image the one that the page Segment shows."""
    # Called on a page without the choice of a source, or the page Segment would keep that of its last visit.
    get_restored_keys()
    set_opened_image(input_image, page)
    save_choices(source=UPLOAD_SOURCE)


def set_opened_image(input_image: InputImage, page: PageChoice = None) -> None:
    """Make an image the one that the page Segment shows when it shows an upload."""
    st.session_state[_OPENED_KEY] = (input_image, page)


def get_opened_image() -> OpenedImage | None:
    """Return the uploaded image that the page Segment shows, or ``None``."""
    opened: OpenedImage | None = st.session_state.get(_OPENED_KEY)
    return opened


def set_page(page: PageChoice) -> None:
    """Change the page of the opened image."""
    opened = get_opened_image()
    if opened is not None:
        st.session_state[_OPENED_KEY] = (opened[0], page)


def close_image() -> None:
    """Show no uploaded image on the page Segment. The files stay."""
    st.session_state.pop(_OPENED_KEY, None)


def _store(uploads: Sequence[Upload]) -> None:
    if not uploads:
        _release_all_but(set())
        st.session_state.pop(_UPLOADS_KEY, None)
        return
    input_images = tuple(pair_uploads(uploads))
    set_uploads(UploadSet(tuple(uploads), input_images, read_page_headers(input_images)))


def _release_all_but(kept_keys: set[str]) -> None:
    """Free the memory of files that are no longer wanted."""
    current, earlier = get_uploads(), get_earlier()
    if earlier is not None and earlier.is_removed:
        kept_keys = kept_keys | {upload.key for upload in earlier.uploads}
    if current is not None:
        release_files([upload.key for upload in current.uploads if upload.key not in kept_keys])


def _are_samples(uploads: Sequence[Upload]) -> bool:
    return bool(uploads) and uploads[0].key.startswith(SAMPLE_PREFIX)


def _drop_repeated(uploads: Sequence[Upload]) -> list[Upload]:
    """Return files without those that came twice, such as an image that was pasted again and again."""
    kept: list[Upload] = []
    for upload in uploads:
        if any(other.name == upload.name and _has_same_bytes(other, upload) for other in kept):
            release_files([upload.key])
        else:
            kept.append(upload)
    return kept


def _has_same_bytes(first: Upload, second: Upload) -> bool:
    try:
        return first.load() == second.load()
    except WbcsegError:
        # Files that are no images get a row each.
        return False


def _is_duplicate(upload: Upload, others: Sequence[Upload]) -> bool:
    """Return whether the same file is among others; one with the same name may have other content."""
    try:
        return any(other.name == upload.name and other.load() == upload.load() for other in others)
    except WbcsegError:
        # A file that is no image was not kept.
        return True
