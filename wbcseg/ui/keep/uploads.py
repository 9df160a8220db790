"""The uploads of a visit, as a browser keeps them and sends them back."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import streamlit as st

from wbcseg.datasets.uploads import Upload
from wbcseg.errors import WbcsegError
from wbcseg.ui.segment.upload import get_own_upload, restore_upload
from wbcseg.ui.uploads import store

BATCH: Final = "batch"
SEGMENT: Final = "segment"
MAX_NAME: Final = 255
_HASHES_KEY: Final = "kept_hashes"


@dataclass(frozen=True, eq=False)
class KeptFile:
    """An upload.

    Attributes:
        key: SHA-256 of its bytes.
        name: Its name.
        page: The page that it was uploaded on.
        size: Its bytes.
        load: Returns its bytes.
    """

    key: str
    name: str
    page: str
    size: int
    load: Callable[[], bytes]


def list_files() -> list[KeptFile]:
    """Return the uploads of this visit; images to try the app with are not among them."""
    files = []
    for page, uploads in ((BATCH, store.get_own_uploads()), (SEGMENT, _list_opened())):
        for upload in uploads:
            try:
                key, size = _hash(upload)
            except WbcsegError:
                continue
            files.append(KeptFile(key, upload.name, page, size, upload.load))
    return files


def _list_opened() -> list[Upload]:
    """Return the image that the page Segment shows."""
    image = get_own_upload()
    return (
        []
        if image is None or image.key.startswith(store.SAMPLE_PREFIX)
        else [Upload(image.name, image.load, image.key)]
    )


def _hash(upload: Upload) -> tuple[str, int]:
    """Return the SHA-256 of an upload and its size, computed once."""
    hashes: dict[str, tuple[str, int]] = st.session_state.setdefault(_HASHES_KEY, {})
    if upload.key not in hashes:
        data = upload.load()
        hashes[upload.key] = (hashlib.sha256(data).hexdigest(), len(data))
    return hashes[upload.key]


def restore_files(value: object, received: Mapping[str, bytes]) -> int:
    """Make files that the browser sent back the uploads of this visit. Return how many there are.

    Args:
        value: What the browser says about them: a list of mappings with ``key``, ``name`` and ``page``.
        received: Their bytes by SHA-256. They are read like any upload.
    """
    by_page: dict[str, list[Upload]] = {BATCH: [], SEGMENT: []}
    for item in value if isinstance(value, list) else []:
        fields: Mapping[Any, Any] = item if isinstance(item, Mapping) else {}
        key, name, page = fields.get("key"), fields.get("name"), fields.get("page")
        if not isinstance(key, str) or not isinstance(page, str):
            continue
        if key in received and isinstance(name, str) and 0 < len(name) <= MAX_NAME and page in by_page:
            by_page[page].append(Upload(name, partial(_return, received[key]), key))
    uploads = _without_duplicates(by_page[BATCH])
    if uploads:
        store.restore_uploads(uploads)
    for upload in by_page[SEGMENT][:1]:
        _open(upload)
    return len({(upload.key, upload.name) for upload in (*uploads, *by_page[SEGMENT][:1])})


def _open(upload: Upload) -> None:
    """Show an image on the page Segment, with its mask if it is among the uploads."""
    upload_set = store.get_uploads()
    same = [item for item in upload_set.input_images if item.name == upload.name] if upload_set else []
    if same and get_own_upload() is None:
        store.open_image(same[0])
    else:
        restore_upload(upload)


def _without_duplicates(uploads: Sequence[Upload]) -> list[Upload]:
    return list({(upload.key, upload.name): upload for upload in uploads}.values())


def _return(data: Any) -> bytes:
    return bytes(data)
