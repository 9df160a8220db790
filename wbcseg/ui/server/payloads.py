"""The images that viewers show, kept in memory until the browser fetches them.

A message of Streamlit could carry them, but Streamlit's browser side keeps the messages of the last runs, encoded and
decoded, and a message with an image is large. So a message only says where the image is, and the browser fetches what
it does not have. Of a large image it fetches a shrunk one and the tiles that are in view.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from dataclasses import dataclass, field
from threading import Lock
from typing import Final
from weakref import WeakValueDictionary

import numpy as np
from PIL import Image

from wbcseg.io import encode_png
from wbcseg.visualization import RgbImage

PREFIX: Final = "_wbcseg"
"""What the addresses that the app answers itself begin with."""

MAX_PAYLOADS: Final = 120
MAX_BYTES: Final = 96 * 2**20
"""Payloads that a visitor's memory holds at most; the newest one stays in any case."""

MAX_TILED_IMAGES: Final = 2
"""Large images whose tiles can still be fetched."""

TILE_SIDE: Final = 512
"""Side of a tile in pixels of its level."""


@dataclass
class PayloadStore:
    """The payloads of one visitor. Whoever knows the token can fetch them, and nobody else does.

    Attributes:
        token: Part of the address that cannot be guessed.
    """

    token: str = field(default_factory=lambda: secrets.token_urlsafe(18))
    _payloads: OrderedDict[str, bytes] = field(default_factory=OrderedDict)
    _images: OrderedDict[str, RgbImage] = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        _stores[self.token] = self

    # In a dictionary of weak values, equality would be asked of stores.
    __hash__ = object.__hash__

    def add(self, digest: str, payload: bytes, image: RgbImage | None = None) -> str:
        """Keep a payload until others need the room. Return its address, relative to the start page.

        Args:
            digest: Identifies the content.
            payload: From :func:`wbcseg.ui.viewer.payload.encode_payload`.
            image: The image to make tiles of.
        """
        with self._lock:
            self._payloads.pop(digest, None)
            self._payloads[digest] = payload
            if image is not None:
                self._images.pop(digest, None)
                self._images[digest] = image
            while len(self._payloads) > 1 and (
                len(self._payloads) > MAX_PAYLOADS or sum(map(len, self._payloads.values())) > MAX_BYTES
            ):
                self._payloads.popitem(last=False)
            while len(self._images) > MAX_TILED_IMAGES:
                self._images.popitem(last=False)
        return f"{PREFIX}/payloads/{self.token}/{digest}"

    def get(self, digest: str) -> bytes | None:
        """Return a payload, or ``None`` if it is not kept any more."""
        with self._lock:
            return self._payloads.get(digest)

    def encode_tile(self, digest: str, level: int, column: int, row: int) -> bytes | None:
        """Return a tile as a PNG, or ``None`` where there is none.

        Args:
            digest: Identifies the image.
            level: The image is shrunk by two to the power of this.
            column: From 0.
            row: From 0.
        """
        with self._lock:
            image = self._images.get(digest)
        if image is None or min(level, column, row) < 0 or level > 16:
            return None
        side = TILE_SIDE << level
        tile = image[row * side : (row + 1) * side, column * side : (column + 1) * side]
        return encode_png(shrink_by(tile, 1 << level)) if tile.size else None


_stores: WeakValueDictionary[str, PayloadStore] = WeakValueDictionary()


def get_store(token: str) -> PayloadStore | None:
    """Return the store with a token; it is gone as soon as nobody else holds it."""
    return _stores.get(token)


def shrink_by(image: RgbImage, factor: int) -> RgbImage:
    """Shrink an image by a whole factor; each pixel is the mean of a square."""
    return image if factor == 1 else np.asarray(Image.fromarray(image).reduce(factor))
