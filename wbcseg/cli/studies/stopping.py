"""Stop a training with Ctrl-C after its step."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from wbcseg.training.jobs.stop_signal import print_to_stderr


@contextmanager
def listen_for_stop() -> Iterator[Callable[[], bool]]:
    """Yield a function that returns whether Ctrl-C was pressed; a second Ctrl-C ends the program at once."""
    stop_requested = threading.Event()

    def handle_signal(_number: int, _frame: Any) -> None:
        if stop_requested.is_set():
            raise KeyboardInterrupt
        stop_requested.set()
        print_to_stderr("\nStopping after this step.")

    previous = {number: signal.signal(number, handle_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop_requested.is_set
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
