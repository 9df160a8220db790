"""Products of small matrices on one processor thread: several wait for one another longer than they compute."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

_lock = threading.RLock()


@contextmanager
def single_threaded_blas() -> Iterator[None]:
    """Let NumPy's matrix products use one processor thread; afterwards, as many as before.

    The limit holds for the whole process, so threads take turns: none may lift it while another one computes.
    """
    with _lock, _get_controller().limit(limits=1, user_api="blas"):
        yield


@cache
def _get_controller() -> Any:
    # Comes with scikit-learn.
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
