"""When a visit ends: at once if the browser says that it leaves, else after fifteen minutes without a connection.

Streamlit keeps the session of a lost connection, so that a visitor whose network was away goes on where they were. It
cannot tell this from a closed tab, whose uploads would stay in memory as long. The close code of the connection can: a
browser that closes a tab says 1001, a connection that broke has no code.
"""

from __future__ import annotations

import asyncio
import secrets
import threading
from collections.abc import Callable, MutableMapping
from typing import Any, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

RESUME_SECONDS: Final = 15 * 60
"""Seconds in which a lost connection may come back."""

LEAVE_SECONDS: Final = 20
"""Seconds after which a visit has ended whose browser has left; a page that is reloaded is a new visit."""

LEAVE_CODES: Final = frozenset((1000, 1001))
"""Codes with which a browser closes a connection on purpose (RFC 6455, section 7.4.1)."""

CONNECTION_HEADER: Final = "x-wbcseg-connection"
ENDED_HEADER: Final = "x-wbcseg-ended"
"""Headers that this server adds to a connection: its id, and whether the visit that it asks for has ended."""

STREAM_PATH: Final = "/_stcore/stream"


class Visits:
    """The visits that are connected, and those whose connection was lost.

    Args:
        is_connected: Returns whether a session has a connection.
        is_known: Returns whether a session has not ended.
        end_session: Ends a session. It is called in the server's event loop.
    """

    def __init__(
        self,
        is_connected: Callable[[str], bool],
        is_known: Callable[[str], bool],
        end_session: Callable[[str], None],
    ) -> None:
        self._is_connected, self.is_known, self._end_session = is_connected, is_known, end_session
        self._sessions: dict[str, str] = {}
        self._deadlines: dict[str, float] = {}
        self._lock = threading.Lock()

    def register(self, connection: str, session_id: str) -> None:
        """Record the session of a connection."""
        with self._lock:
            self._sessions[connection] = session_id
            self._deadlines.pop(session_id, None)

    def schedule_end(self, connection: str, code: int) -> None:
        """Let the visit of a closed connection end in time, unless it connects again.

        Args:
            connection: The connection.
            code: Its close code.
        """
        with self._lock:
            session_id = self._sessions.pop(connection, None)
        if session_id is None:
            return
        delay = LEAVE_SECONDS if code in LEAVE_CODES else RESUME_SECONDS
        loop = asyncio.get_running_loop()
        self._deadlines[session_id] = deadline = loop.time() + delay
        loop.call_later(delay, self._end_if_due, session_id, deadline)

    def _end_if_due(self, session_id: str, deadline: float) -> None:
        # A later connection, and its end, set another deadline.
        if self._deadlines.get(session_id) == deadline and not self._is_connected(session_id):
            self._deadlines.pop(session_id)
            self._end_session(session_id)


class VisitMiddleware:
    """Middleware that sees connections open and close.

    Args:
        app: What comes after it.
        visits: The visits.
    """

    def __init__(self, app: ASGIApp, *, visits: Visits) -> None:
        self._app, self._visits = app, visits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a connection."""
        if scope["type"] != "websocket" or not str(scope["path"]).endswith(STREAM_PATH):
            await self._app(scope, receive, send)
            return
        connection, code = secrets.token_hex(16), 1006

        async def receive_and_watch() -> Message:
            nonlocal code
            message = await receive()
            if message["type"] == "websocket.disconnect":
                code = int(message.get("code") or 1006)
            return message

        try:
            await self._app(self._add_headers(scope, connection), receive_and_watch, send)
        finally:
            self._visits.schedule_end(connection, code)

    def _add_headers(self, scope: Scope, connection: str) -> MutableMapping[str, Any]:
        """Return the scope with the headers of this server, and without those that a client made up."""
        own = (CONNECTION_HEADER.encode(), ENDED_HEADER.encode())
        headers = [(name, value) for name, value in scope["headers"] if name.lower() not in own]
        headers.append((own[0], connection.encode()))
        previous = _read_previous_session(scope)
        if previous is not None and not self._visits.is_known(previous):
            headers.append((own[1], b"1"))
        return {**scope, "headers": headers}


def _read_previous_session(scope: Scope) -> str | None:
    """Return the id of the session that a connection wants to go on with; Streamlit sends it as the third protocol."""
    for name, value in scope["headers"]:
        if name.lower() == b"sec-websocket-protocol":
            protocols = [protocol.strip() for protocol in value.decode("latin-1").split(",")]
            return protocols[2] if len(protocols) > 2 and protocols[2] else None
    return None
