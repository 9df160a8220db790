"""The app as a real server, for tests in a browser."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


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
