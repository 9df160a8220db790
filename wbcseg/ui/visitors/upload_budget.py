"""How many bytes of uploads a visit, and all visits together, may hold in memory.

Refused before the bytes are read, from the length that the browser states.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from typing import Final

from starlette.datastructures import Headers
from starlette.formparsers import MultiPartParser
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from wbcseg.hosting import get_limits

UPLOAD_PATH: Final = re.compile(r"/_stcore/upload_file/([^/]+)/([^/]+)$")

TOO_LARGE: Final = 413
"""Status of a refused upload (RFC 9110: content too large)."""

_MB: Final = 1_000_000


class UploadBudget:
    """The bytes of uploads, by session.

    Args:
        get_held_bytes: Returns the bytes of the files that are in memory, by session.
    """

    def __init__(self, get_held_bytes: Callable[[], Mapping[str, int]]) -> None:
        self._get_held_bytes = get_held_bytes
        self._arriving: dict[object, tuple[str, int]] = {}
        self._lock = threading.Lock()

    def reserve(self, session_id: str, n_bytes: int) -> object | None:
        """Reserve room for a file that arrives. Return what :meth:`release` takes; ``None`` if there is none."""
        limits, held = get_limits(), self._get_held_bytes()
        with self._lock:
            arriving = list(self._arriving.values())
            visit = held.get(session_id, 0) + sum(size for session, size in arriving if session == session_id)
            total = sum(held.values()) + sum(size for _, size in arriving)
            if visit + n_bytes > limits.visit_bytes or total + n_bytes > limits.upload_bytes:
                return None
            reservation = object()
            self._arriving[reservation] = (session_id, n_bytes)
            return reservation

    def release(self, reservation: object) -> None:
        """End a reservation: the file is there, or was not sent."""
        with self._lock:
            self._arriving.pop(reservation, None)

    def get_free_bytes(self, session_id: str) -> int:
        """Return how many bytes a visit may still upload."""
        limits, held = get_limits(), self._get_held_bytes()
        free = min(limits.visit_bytes - held.get(session_id, 0), limits.upload_bytes - sum(held.values()))
        return max(0, free)


class UploadBudgetMiddleware:
    """Middleware that refuses uploads beyond the budget.

    Args:
        app: What comes after it.
        budget: The budget.
    """

    def __init__(self, app: ASGIApp, *, budget: UploadBudget) -> None:
        self._app, self._budget = app, budget
        # Files that arrive stay in memory: by default, large ones are written to a temporary file.
        MultiPartParser.spool_max_size = get_limits().visit_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        match = UPLOAD_PATH.search(str(scope["path"])) if scope["type"] == "http" and scope["method"] == "PUT" else None
        if match is None:
            await self._app(scope, receive, send)
            return
        length = Headers(scope=scope).get("content-length", "")
        if not length.isdecimal():
            await PlainTextResponse("The length of an upload must be stated.", 411)(scope, receive, send)
            return
        reservation = self._budget.reserve(match[1], int(length))
        if reservation is None:
            # Read and dropped: a browser that cannot send to the end does not show the answer.
            while (await receive()).get("more_body", False):
                pass
            await PlainTextResponse(describe_limits(), TOO_LARGE)(scope, receive, send)
            return
        try:
            await self._app(scope, receive, send)
        finally:
            self._budget.release(reservation)


def describe_limits() -> str:
    """Return what a visit may upload, as a sentence."""
    limits = get_limits()
    return (
        f"The uploads of one visit may have {limits.visit_bytes // _MB} MB, those of all visitors "
        f"{limits.upload_bytes // _MB} MB together. Discard files, or upload fewer at a time."
    )
