"""Streamlit's scripts and styles, compressed.

Streamlit serves its 300 scripts as they are, because a server that compressed them for every request would be slow, and
leaves compression to a proxy. Many small installations have none, and then a first visit loads 2.4 MB before anything
is shown. Here each file is compressed once per server and kept in memory.
"""

from __future__ import annotations

import gzip
import re
from pathlib import Path
from threading import Lock
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

MEDIA_TYPES: Final = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
}
"""Kinds of files that compression makes much smaller. Fonts and images are compressed already."""

IMMUTABLE: Final = "public, immutable, max-age=31536000"
"""The names of Streamlit's files change with their content, so that browsers never have to ask again."""

COMPRESSION_LEVEL: Final = 9
FONT_PRELOAD: Final = re.compile(rb'<link\s+rel="preload"[^>]*\sas="font"[^>]*>')
UNUSED_FONT: Final = re.compile(rb"@font-face\s*{\s*font-family:\s*\"?Source Sans\"?;[^}]*}")
"""Streamlit's own font: pages would load it for the moment until the app's theme arrives. The system's stands in."""

PAGE_TYPE: Final = "text/html; charset=utf-8"

_UI_FOLDER: Final = Path(__file__).resolve().parents[1]
STYLE_FILES: Final = tuple(
    _UI_FOLDER / name
    for name in ("app.css", "home/examples.css", "uploads/drop_area.css", "segment/workspace.css", "batch/batch.css")
)
"""The app's own styles. If they came with a run of a page, the page would move when they arrive."""


class StaticFileIndex:
    """The files that are served compressed, by their path below the folder.

    Args:
        folder: Folder with ``index.html`` and ``static/``.
    """

    def __init__(self, folder: str | Path) -> None:
        self._paths = {
            path.relative_to(folder).as_posix(): path
            for path in Path(folder, "static").rglob("*")
            if path.suffix in MEDIA_TYPES and path.is_file()
        }
        self._compressed: dict[str, bytes] = {}
        self._lock = Lock()
        self._page = Path(folder, "index.html")

    def __contains__(self, name: str) -> bool:
        return name in self._paths

    def compress(self, name: str) -> bytes:
        """Return a file compressed with gzip."""
        with self._lock:
            if name not in self._compressed:
                content = self._paths[name].read_bytes()
                if name.endswith(".css"):
                    content = UNUSED_FONT.sub(b"", content)
                self._compressed[name] = gzip.compress(content, COMPRESSION_LEVEL, mtime=0)
            return self._compressed[name]

    def get_media_type(self, name: str) -> str:
        """Return the media type of a file."""
        return MEDIA_TYPES[self._paths[name].suffix]

    def compress_page(self) -> bytes:
        """Return the page that loads the scripts, compressed; see :meth:`build_page`."""
        with self._lock:
            if "" not in self._compressed:
                self._compressed[""] = gzip.compress(self.build_page(), COMPRESSION_LEVEL, mtime=0)
            return self._compressed[""]

    def build_page(self) -> bytes:
        """Return the page that loads the scripts, with the app's styles, without a font that its theme does not use."""
        style = b"<style>%b</style>" % b"".join(path.read_bytes() for path in STYLE_FILES)
        return FONT_PRELOAD.sub(b"", self._page.read_bytes()).replace(b"</head>", style + b"</head>", 1)


class CompressedStaticFiles:
    """Middleware that answers requests for Streamlit's scripts, styles and start page, and passes on all others.

    Args:
        app: What comes after it.
        index: The files.
        base_path: Path that all addresses begin with; see :func:`wbcseg.ui.server.get_base_path`.
        pages: Names of the app's pages in the address.
    """

    def __init__(self, app: ASGIApp, *, index: StaticFileIndex, base_path: str = "", pages: frozenset[str]) -> None:
        self._app = app
        self._index = index
        self._base_path = base_path
        self._pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        response = await self._respond(scope)
        await (response or self._app)(scope, receive, send)

    async def _respond(self, scope: Scope) -> Response | None:
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
            return None
        path = str(scope["path"]).removeprefix(str(scope.get("root_path", ""))).removeprefix(self._base_path)
        name = path.removeprefix("/")
        if name in self._pages and not _accepts_gzip(scope):
            body = await run_in_threadpool(self._index.build_page)
            return Response(
                body, media_type=PAGE_TYPE, headers={"Vary": "Accept-Encoding", "Cache-Control": "no-cache"}
            )
        if not _accepts_gzip(scope):
            return None
        if name in self._index:
            body = await run_in_threadpool(self._index.compress, name)
            return _create_response(body, self._index.get_media_type(name), IMMUTABLE)
        if name in self._pages:
            body = await run_in_threadpool(self._index.compress_page)
            return _create_response(body, PAGE_TYPE, "no-cache")
        return None


def _accepts_gzip(scope: Scope) -> bool:
    headers = Headers(scope=scope)
    codings = [coding.strip().partition(";") for coding in headers.get("accept-encoding", "").split(",")]
    accepted = any(name.strip() == "gzip" and weight.strip() not in ("q=0", "q=0.0") for name, _, weight in codings)
    return accepted and "range" not in headers


def _create_response(body: bytes, media_type: str, cache_control: str) -> Response:
    headers = {"Content-Encoding": "gzip", "Vary": "Accept-Encoding", "Cache-Control": cache_control}
    return Response(body, media_type=media_type, headers=headers)
