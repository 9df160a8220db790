"""The masks that were added to the training set, as a browser keeps them and sends them back with their images."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Final

import streamlit as st

from wbcseg import io
from wbcseg.errors import WbcsegError
from wbcseg.labels import to_grey
from wbcseg.ui.keep.uploads import MAX_NAME, KeptFile
from wbcseg.ui.segment.edited_masks import MAX_MASKS, EditedMask, get_edited_masks, restore_mask

PAGE: Final = "training set"
"""What the files of masks say in place of the page that they were uploaded on."""

_GREY_THRESHOLDS: Final = (64, 205)
_KEPT_KEY: Final = "kept_masks"


@dataclass(frozen=True)
class KeptMask:
    """A mask in the record of what is kept.

    Attributes:
        digest: Identifies the image; see :func:`wbcseg.ui.segment.edited_masks.get_edited_masks`.
        title: What the page calls the image.
        stem: What its files are called.
        image_key: SHA-256 of the image, a PNG.
        mask_key: SHA-256 of the mask, a PNG of grey codes.
    """

    digest: str
    title: str
    stem: str
    image_key: str
    mask_key: str


def list_masks() -> tuple[list[dict[str, str]], list[KeptFile]]:
    """Return the masks of this visit as JSON values, and the files that they consist of."""
    kept: dict[str, tuple[EditedMask, KeptMask, list[KeptFile]]] = st.session_state.setdefault(_KEPT_KEY, {})
    edited_masks = get_edited_masks()
    for digest, edited_mask in edited_masks.items():
        # Written again only if the mask was edited again.
        if digest not in kept or kept[digest][0] is not edited_mask:
            kept[digest] = (edited_mask, *_describe(digest, edited_mask))
    for digest in kept.keys() - edited_masks.keys():
        del kept[digest]
    shown = [kept[digest] for digest in edited_masks]
    return [asdict(mask) for _, mask, _ in shown], [file for _, _, files in shown for file in files]


def _describe(digest: str, edited_mask: EditedMask) -> tuple[KeptMask, list[KeptFile]]:
    files = []
    for encode in (_encode_image, _encode_mask):
        data = encode(edited_mask)
        key = hashlib.sha256(data).hexdigest()
        files.append(KeptFile(key, edited_mask.title, PAGE, len(data), partial(encode, edited_mask)))
    return KeptMask(digest, edited_mask.title, edited_mask.stem, files[0].key, files[1].key), files


def _encode_image(edited_mask: EditedMask) -> bytes:
    return io.encode_png(edited_mask.image)


def _encode_mask(edited_mask: EditedMask) -> bytes:
    return io.encode_png(to_grey(edited_mask.labels))


def restore_masks(value: object, received: Mapping[str, bytes]) -> int:
    """Add masks that the browser sent back to the training set. Return how many there are.

    Args:
        value: What the browser says about them: a list of mappings with the fields of :class:`KeptMask`. It may send
            anything; what cannot be used is left out.
        received: Files by their SHA-256. They are read like any upload.
    """
    count = 0
    for item in value[:MAX_MASKS] if isinstance(value, list) else []:
        mask = _parse(item)
        if mask is None or mask.image_key not in received or mask.mask_key not in received:
            continue
        try:
            image = io.open_image(received[mask.image_key], name=mask.title).pixels
            labels = io.open_mask(received[mask.mask_key], name=mask.title, thresholds=_GREY_THRESHOLDS)
        except WbcsegError:
            continue
        if image.shape[:2] == labels.shape:
            restore_mask(mask.digest, EditedMask(mask.title, mask.stem, image, labels))
            count += 1
    return count


def _parse(item: object) -> KeptMask | None:
    fields: Mapping[Any, Any] = item if isinstance(item, Mapping) else {}
    texts = [fields.get(name) for name in KeptMask.__dataclass_fields__]
    if not all(isinstance(text, str) and 0 < len(text) <= MAX_NAME for text in texts):
        return None
    mask = KeptMask(*map(str, texts))
    # The stem becomes a file name in a zip.
    return KeptMask(mask.digest, mask.title, io.make_safe_stem(mask.stem, set()), mask.image_key, mask.mask_key)
