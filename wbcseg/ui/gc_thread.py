"""How a server that runs for weeks keeps its memory small, and its readers from waiting for that."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import threading
import time
from typing import Final

from wbcseg.inference import set_max_loaded

GC_INTERVAL: Final = 1.0
"""Seconds between two rounds of the garbage collector, while somebody reads."""

MAX_LOADED_MODELS: Final = 3
"""How many networks keep their memory, 14 to 22 MB each: as many as Predict asks about a picture."""

_M_ARENA_MAX, _M_MMAP_THRESHOLD = -8, -3
"""What glibc's ``mallopt`` calls the greatest number of its arenas (``M_ARENA_MAX`` in malloc.h), and the size from
which a piece of memory lies apart and goes back to the system as soon as it is free (``M_MMAP_THRESHOLD``)."""

_page_runs = 0
_gc_thread: threading.Thread | None = None


def start_gc_thread() -> None:
    """Look after the memory from now on; to be called in every run of a page.

    What a reader leaves behind lies in circles, which the garbage collector alone can free. Streamlit would run it
    after every run of a page, a tenth of a second in which nobody's page goes on (``runner.postScriptGC``). Here it
    runs now and then, as long as pages are read.
    """
    global _page_runs, _gc_thread
    _page_runs += 1
    if _gc_thread is None:
        set_max_loaded(MAX_LOADED_MODELS)
        _configure_malloc()
        _gc_thread = threading.Thread(target=_run_gc, name="memory", daemon=True)
        _gc_thread.start()


def _run_gc() -> None:
    collected_runs = 0
    while True:
        time.sleep(GC_INTERVAL)
        if _page_runs != collected_runs:
            collected_runs = _page_runs
            gc.collect()
            _trim_heap()


def _configure_malloc() -> None:
    """Let threads share arenas of memory, and large pieces lie apart.

    Every run of a page is a thread, and each would keep what it once took.
    """
    with contextlib.suppress(OSError, AttributeError):
        glibc = ctypes.CDLL("libc.so.6")
        glibc.mallopt(_M_ARENA_MAX, 2)
        glibc.mallopt(_M_MMAP_THRESHOLD, 4 << 20)


def _trim_heap() -> None:
    """Give the system what is free between pieces that are not."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)
