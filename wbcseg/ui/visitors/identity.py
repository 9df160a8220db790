"""Who a visitor of a public server is: a random number in a cookie of their browser, so that they find their own runs.

Whoever has the number is that visitor, so pages cannot read it (``HttpOnly``), and folders are named after its hash.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from http.cookies import CookieError, SimpleCookie
from typing import Final

import streamlit as st
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.runtime.scriptrunner import get_script_run_ctx

from wbcseg import paths
from wbcseg.hosting import is_public

COOKIE: Final = "wbcseg_visitor"
MAX_AGE: Final = 365 * 24 * 3600
"""Seconds that a browser keeps the cookie."""

NOT_MODIFIED: Final = 304

_NUMBER: Final = re.compile(r"[0-9a-f]{32}")
_SESSION_KEY: Final = "visitor_without_cookie"
_NOBODY: Final = secrets.token_hex(16)


class VisitorCookieMiddleware:
    """Middleware that gives a browser without a number one, on public servers.

    Args:
        app: What comes after it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] != "http" or not is_public() or _read_number(Headers(scope=scope).get("cookie", "")):
            await self._app(scope, receive, send)
            return

        async def send_with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                is_page = headers.get("content-type", "").startswith("text/html")
                # A page that the browser has already comes without its type.
                if is_page or message["status"] == NOT_MODIFIED:
                    headers.append("set-cookie", _write_cookie(secrets.token_hex(16), is_secure=_is_secure(scope)))
            await send(message)

        await self._app(scope, receive, send_with_cookie)


def get_visitor() -> str | None:
    """Return the name of the folder of this visitor's runs on a public server, else ``None``."""
    if not is_public():
        return None
    if get_script_run_ctx(suppress_warning=True) is None:
        # A thread that works for nobody sees nobody's runs.
        return _NOBODY
    cookie = st.context.cookies.get(COOKIE)
    number = _NUMBER.fullmatch(cookie) if isinstance(cookie, str) else None
    # Without cookies, a visitor has the runs of this visit.
    secret = number[0] if number else st.session_state.setdefault(_SESSION_KEY, secrets.token_hex(16))
    return hashlib.sha256(str(secret).encode()).hexdigest()[:32]


def start() -> None:
    """Keep the runs of a public server by visitor."""
    paths.set_visitor_source(get_visitor)


def _read_number(cookies: str) -> str | None:
    try:
        morsel = SimpleCookie(cookies).get(COOKIE)
    except CookieError:
        return None
    return morsel.value if morsel is not None and _NUMBER.fullmatch(morsel.value) else None


def _write_cookie(number: str, *, is_secure: bool) -> str:
    secure = "; Secure" if is_secure else ""
    return f"{COOKIE}={number}; Path=/; Max-Age={MAX_AGE}; HttpOnly; SameSite=Lax{secure}"


def _is_secure(scope: Scope) -> bool:
    """Return whether the browser speaks TLS, to this server or to a proxy in front of it."""
    return scope.get("scheme") == "https" or Headers(scope=scope).get("x-forwarded-proto", "") == "https"
