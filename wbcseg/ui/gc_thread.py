"""Garbage collection in a background thread, which keeps the memory of a long-running server small."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import threading
import time
from typing import Final

from wbcseg.inference import set_max_loaded, unload_idle_networks

GC_INTERVAL: Final = 1.0
"""Seconds between two garbage collections while pages are in use."""

MAX_LOADED_MODELS: Final = 3
"""Models that stay loaded, 14 to 22 MB each: as many as the page Segment applies to an image by default."""

MAX_IDLE_SECONDS: Final = 60.0
"""Seconds after their last use at which networks are unloaded; loading them again takes a tenth of a second."""

_M_ARENA_MAX, _M_MMAP_THRESHOLD = -8, -3
"""Parameters of glibc's ``mallopt`` (malloc.h): the maximum number of arenas, and the size from which a block is mapped
separately, so that it returns to the system as soon as it is freed."""

_page_runs = 0
_gc_thread: threading.Thread | None = None


def start_gc_thread() -> None:
    """Start the thread if it is not running. To be called in every run of a page.

    A session leaves reference cycles behind, which only the garbage collector frees. By default, Streamlit collects
    after every run of a page (``runner.postScriptGC``), which blocks all pages for a tenth of a second. The thread
    collects once per interval instead, and only if a page has run since the last time.
    """
    global _page_runs, _gc_thread
    _page_runs += 1
    if _gc_thread is None:
        set_max_loaded(MAX_LOADED_MODELS)
        _configure_malloc()
        _gc_thread = threading.Thread(target=_run_gc, name="gc", daemon=True)
        _gc_thread.start()


def freeze_imports() -> None:
    """Leave what has been imported out of collections, which then take a third of the time.

    To be called before the first session: what is in use now is never searched again.
    """
    gc.collect()
    gc.freeze()


def request_collection() -> None:
    """Collect at the end of the interval, although no page has run: a visit has ended."""
    global _page_runs
    _page_runs += 1


def _run_gc() -> None:
    collected_runs = 0
    while True:
        time.sleep(GC_INTERVAL)
        if unload_idle_networks(MAX_IDLE_SECONDS) or _page_runs != collected_runs:
            collected_runs = _page_runs
            gc.collect()
            _trim_heap()


def _configure_malloc() -> None:
    """Make threads share memory arenas, and map large blocks separately.

    Every run of a page is a thread, and without this each would keep the memory that it once used.
    """
    with contextlib.suppress(OSError, AttributeError):
        glibc = ctypes.CDLL("libc.so.6")
        glibc.mallopt(_M_ARENA_MAX, 2)
        glibc.mallopt(_M_MMAP_THRESHOLD, 4 << 20)


def _trim_heap() -> None:
    """Return unused heap memory to the system."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)
