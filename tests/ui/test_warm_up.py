"""A server loads what the first result needs before anybody asks for it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from wbcseg.ui.server import warm_up

STARTS_SERVER = """
import asyncio, gc, threading
from wbcseg.ui import server

async def run():
    async with server.run(object()):
        [thread] = [thread for thread in threading.enumerate() if thread.name == "warm-up"]
        await asyncio.to_thread(thread.join, 60)

asyncio.run(run())
from wbcseg.celltypes import model
from wbcseg.inference.detection import detector
import sys
sizes = [module._load_cached.cache_info().currsize for module in (detector, model)]
print(*sizes, "wbcseg.ui.viewer" in sys.modules, gc.get_freeze_count() > 2 * len(gc.get_objects()))
"""


def test_a_server_that_starts_loads_models_but_no_page_and_spares_imports_from_collections() -> None:
    # Components that were imported before Streamlit's server runs would be missing in it.
    output = subprocess.run([sys.executable, "-c", STARTS_SERVER], capture_output=True, text=True, check=True).stdout
    assert output.split() == ["1", "1", "False", "True"]


def test_a_server_without_models_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WBCSEG_WEIGHTS", str(tmp_path))
    warm_up.segment_example()
