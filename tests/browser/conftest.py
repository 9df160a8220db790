"""A real server and a real browser.

Without a browser these tests are skipped with a reason; with ``CI=true`` in the environment they fail instead.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from prerequisites import skip_or_fail

ROOT = Path(__file__).parents[2]
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(item.path).parent == Path(__file__).parent:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A headless Chromium: the system's, or the one that Playwright has downloaded."""
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError:
        skip_or_fail('Playwright is not installed: pip install -e ".[dev]"')
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    with sync_playwright() as playwright:
        try:
            chromium = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        except Error:
            skip_or_fail(
                "Chromium is not installed. On Debian: apt install chromium. Elsewhere: playwright install chromium"
            )
        yield chromium
        chromium.close()


@dataclass
class Server:
    """A running app.

    Attributes:
        url: Its address.
        pid: Its process.
        log: The file with its output.
    """

    url: str
    pid: int
    log: Path


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The app on a free port, with the shipped models and the synthetic images only."""
    with run_server(tmp_path_factory.mktemp("server"), find_free_port()) as running:
        yield running


def find_free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


@contextmanager
def run_server(folder: Path, port: int) -> Iterator[Server]:
    """Run the app with its runs, cache and log in a folder."""
    environment = {name: value for name, value in os.environ.items() if name not in ("WBCSEG_DATA", "WBCSEG_WEIGHTS")}
    environment |= {"WBCSEG_RUNS": str(folder / "runs"), "WBCSEG_CACHE": str(folder / "cache")}
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless=true"]
    command += ["--server.address=127.0.0.1", f"--server.port={port}", "--server.fileWatcherType=none"]
    log = folder / "log.txt"
    with log.open("w") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT)
        url = f"http://127.0.0.1:{port}"
        try:
            wait_until_up(process, url, log)
            yield Server(url, process.pid, log)
        finally:
            process.terminate()
            process.wait(10)


def wait_until_up(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    for _ in range(600):
        if process.poll() is not None:
            pytest.fail(f"The server stopped: {log.read_text()}")
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    pytest.fail(f"The server did not answer: {log.read_text()}")


@pytest.fixture(scope="session")
def context(browser: Any, server: Server) -> Iterator[Any]:
    """A browser context that keeps the app's scripts cached between tests; each window is a session of its own."""
    shared_context = browser.new_context(base_url=server.url, viewport={"width": 1280, "height": 900})
    shared_context.set_default_timeout(60_000)
    yield shared_context
    shared_context.close()


@pytest.fixture
def page(context: Any) -> Iterator[Any]:
    """A new window. Errors of the page's scripts fail the test."""
    window = context.new_page()
    errors: list[str] = []
    window.on("pageerror", lambda error: errors.append(str(error)))
    yield window
    window.close()
    assert not errors
