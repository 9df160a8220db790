"""Files on their way between the server's memory and a browser that keeps them; they are never written to disk."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Final
from weakref import WeakValueDictionary

from wbcseg.errors import ErrorCode, ImageError
from wbcseg.io import MAX_BYTES

MAX_TOTAL_BYTES: Final = 256 * 2**20
"""Bytes that one visitor's browser may send back at once."""

MAX_FILES: Final = 2000
_KEY: Final = re.compile(r"[0-9a-f]{64}")


@dataclass
class FileStore:
    """The files of one visitor. Whoever knows the token can fetch and send them, and nobody else does.

    Attributes:
        token: Part of the address that cannot be guessed.
    """

    token: str = field(default_factory=lambda: secrets.token_urlsafe(18))
    _offered: Mapping[str, Callable[[], bytes]] = field(default_factory=dict)
    _received: dict[str, bytes] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        _stores[self.token] = self

    __hash__ = object.__hash__

    def offer(self, files: Mapping[str, Callable[[], bytes]]) -> None:
        """Let the browser fetch files, and no others.

        Args:
            files: Functions that return their bytes, by SHA-256.
        """
        self._offered = dict(files)

    def read(self, key: str) -> bytes | None:
        """Return a file that is offered, or ``None``."""
        load = self._offered.get(key)
        return None if load is None else load()

    def receive(self, key: str, data: bytes) -> None:
        """Keep a file that the browser sends back, until it is taken.

        Args:
            key: Its SHA-256.
            data: Its bytes.

        Raises:
            ImageError: If it is not the file that was kept, or too large; code ``checksum_mismatch`` or ``too_large``.
        """
        if not _KEY.fullmatch(key) or hashlib.sha256(data).hexdigest() != key:
            raise ImageError("The file was changed in the browser.", code=ErrorCode.CHECKSUM_MISMATCH)
        with self._lock:
            total = sum(map(len, self._received.values())) + len(data)
            if len(data) > MAX_BYTES or total > MAX_TOTAL_BYTES or len(self._received) >= MAX_FILES:
                raise ImageError("There are too many files, or they are too large.", code=ErrorCode.TOO_LARGE)
            self._received[key] = data

    def take(self) -> dict[str, bytes]:
        """Return the files that the browser sent back, once."""
        with self._lock:
            received, self._received = self._received, {}
        return received


_stores: WeakValueDictionary[str, FileStore] = WeakValueDictionary()


def get_store(token: str) -> FileStore | None:
    """Return the store with a token; it is gone as soon as nobody else holds it."""
    return _stores.get(token)
