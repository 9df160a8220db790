"""How a server that runs for weeks keeps its memory small, and its readers from waiting for that."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import threading
import time
from typing import Final

from wbcseg.inference import keep_open

PERIOD: Final = 1.0
"""Seconds between two rounds of the garbage collector, while somebody reads."""

NETWORKS: Final = 3
"""How many networks keep their memory, 14 to 22 MB each: as many as Predict asks about a picture."""

_ARENAS, _APART = -8, -3
"""What glibc's ``mallopt`` calls the greatest number of its arenas (``M_ARENA_MAX`` in malloc.h), and the size from
which a piece of memory lies apart and goes back to the system as soon as it is free (``M_MMAP_THRESHOLD``)."""

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
        keep_open(NETWORKS)
        _set_up()
        _keeper = threading.Thread(target=_collect, name="memory", daemon=True)
        _keeper.start()


def _collect() -> None:
    collected = 0
    while True:
        time.sleep(PERIOD)
        if _runs != collected:
            collected = _runs
            gc.collect()
            _give_back()


def _set_up() -> None:
    """Let threads share arenas of memory, and large pieces lie apart.

    Every run of a page is a thread, and each would keep what it once took.
    """
    with contextlib.suppress(OSError, AttributeError):
        glibc = ctypes.CDLL("libc.so.6")
        glibc.mallopt(_ARENAS, 2)
        glibc.mallopt(_APART, 4 << 20)


def _give_back() -> None:
    """Give the system what is free between pieces that are not."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)
