"""How a server that runs for weeks keeps its memory small, and its readers from waiting for that."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import threading
import time
from typing import Final

PERIOD: Final = 3.0
"""Seconds between two rounds of the garbage collector, while somebody reads."""

_ARENAS: Final = -8
"""What glibc's ``mallopt`` calls the greatest number of its arenas (``M_ARENA_MAX`` in malloc.h)."""

_runs = 0
_keeper: threading.Thread | None = None


def tend() -> None:
    """Look after the memory from now on; to be called in every run of a page.

    What a reader leaves behind lies in circles, which the garbage collector alone can free. Streamlit would run it
    after every run of a page, a tenth of a second in which nobody's page goes on (``runner.postScriptGC``). Here it
    runs now and then, as long as pages are read.
    """
    global _runs, _keeper
    _runs += 1
    if _keeper is None:
        _share_arenas()
        _keeper = threading.Thread(target=_collect, name="memory", daemon=True)
        _keeper.start()


def _collect() -> None:
    collected = 0
    while True:
        time.sleep(PERIOD)
        if _runs != collected:
            collected = _runs
            gc.collect()


def _share_arenas() -> None:
    """Let threads share arenas of memory: every run of a page is a thread, and each would keep what it once took."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").mallopt(_ARENAS, 2)
