"""Garbage is collected in the background, not during the runs of pages."""

from __future__ import annotations

import gc
import time
import tomllib
import weakref
from pathlib import Path

import pytest

from wbcseg.ui import gc_thread

ROOT = Path(__file__).parents[2]


class Cycle:
    """An object that refers to itself, as a session does."""

    def __init__(self) -> None:
        self.itself = self


def test_reference_cycles_are_freed_soon_after_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gc_thread, "GC_INTERVAL", 0.05)
    monkeypatch.setattr(gc_thread, "_gc_thread", None)
    gc.disable()
    try:
        cycle = weakref.ref(Cycle())
        assert cycle() is not None
        gc_thread.start_gc_thread()
        deadline = time.monotonic() + 10
        while cycle() is not None and time.monotonic() < deadline:
            time.sleep(0.02)
        assert cycle() is None
    finally:
        gc.enable()


def test_streamlit_does_not_collect_after_each_run() -> None:
    config = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    assert config["runner"]["postScriptGC"] is False
