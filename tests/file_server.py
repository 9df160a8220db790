"""A local file server that stands in for a repository, records requests and fails on demand."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

import pytest

from wbcseg.datasets import download

Files = dict[str, bytes]


class Server(ThreadingHTTPServer):
    """A local file server that records requests and fails on demand."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: Files = {}
        self.requests: list[str] = []
        self.cut: set[str] = set()
        self.codes: dict[str, list[int]] = {}
        self.lock = threading.Lock()
        self.permits = threading.Semaphore(10_000)

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        path = unquote(self.path)[1:]
        with self.server.lock:
            self.server.requests.append(path)
            codes = self.server.codes.get(path, [])
            code = codes.pop(0) if codes else 200
            cut = path in self.server.cut
            self.server.cut.discard(path)
        self.server.permits.acquire(timeout=20)
        body = self.server.files.get(path)
        if body is None or code != 200:
            self.send_error(404 if body is None else code)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if cut else body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Run a server; downloads go to it directly and are retried at once."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    running = Server()
    monkeypatch.setattr(download, "RETRY_DELAY_SECONDS", 0.0)
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield running
    finally:
        running.shutdown()
        running.server_close()
        thread.join()
