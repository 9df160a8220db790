"""Servers and browsers for benchmarks of the app."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, sync_playwright

PROJECT_ROOT: Final = Path(__file__).resolve().parents[1]
START_SECONDS: Final = 60.0


@contextmanager
def serve_app(root: Path = PROJECT_ROOT) -> Iterator[str]:
    """Run the app of a checkout, with the shipped models and images only; yield its address."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {name: value for name, value in os.environ.items() if name not in ("WBCSEG_DATA", "PYTHONPATH")}
        environment |= {"WBCSEG_RUNS": f"{folder}/runs", "WBCSEG_CACHE": f"{folder}/cache"}
        with _serve(Path("app.py"), root, environment) as address:
            yield address


@contextmanager
def serve_script(source: str) -> Iterator[str]:
    """Run a small app that uses the package; yield its address.

    Args:
        source: Its script.
    """
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "small_app.py"
        script.write_text(source, encoding="utf-8")
        with _serve(script, PROJECT_ROOT, {**os.environ, "PYTHONPATH": str(PROJECT_ROOT)}) as address:
            yield address


@contextmanager
def open_browser() -> Iterator[Browser]:
    """Run a headless Chromium: the system's, or the one that Playwright has downloaded."""
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def _serve(script: Path, folder: Path, environment: Mapping[str, str]) -> Iterator[str]:
    """Run a script of Streamlit on a free port; yield its address as soon as it answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", str(script), "--server.headless=true"]
    command += [f"--server.port={port}", "--server.address=127.0.0.1", "--server.fileWatcherType=none"]
    process = subprocess.Popen(
        command, cwd=folder, env=dict(environment), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _wait_until_up(f"http://127.0.0.1:{port}")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def _wait_until_up(address: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            urllib.request.urlopen(f"{address}/_stcore/health", timeout=1).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
