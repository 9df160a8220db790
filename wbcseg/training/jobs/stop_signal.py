"""Stop requests to a training process, from the terminal or from another process."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final

from wbcseg.errors import RunError
from wbcseg.training.runs.folder import Run

STOP_GRACE_SECONDS: Final = 10.0
"""Seconds for finishing the current batch. After that the process ends at once; the last whole epoch is kept."""

POLL_INTERVAL: Final = 0.2
"""Seconds between two checks for a stop request."""

STOPPED_EXIT_CODE: Final = 130
"""Exit code of a training that was stopped, as of a command that Ctrl-C interrupted."""


@contextmanager
def stop_signal(run: Run) -> Iterator[Callable[[], bool]]:
    """Listen, within the block, for stop requests: a signal (Ctrl-C) or the run's ``stop`` file.

    If the block takes longer than :data:`STOP_GRACE_SECONDS` after that, the process ends at once.

    Args:
        run: The run that this process works on.

    Yields:
        A function that returns whether to stop.
    """
    stop_requested, finished = threading.Event(), threading.Event()

    def handle_signal(_number: int, _frame: FrameType | None) -> None:
        if stop_requested.is_set():
            raise KeyboardInterrupt
        stop_requested.set()
        print_to_stderr("\nStopping after this batch. The last whole epoch is kept.")

    def watch_stop_file() -> None:
        while not finished.wait(POLL_INTERVAL):
            if run.get_stop_request_age() is not None:
                stop_requested.set()
            if stop_requested.is_set():
                if not finished.wait(STOP_GRACE_SECONDS):
                    _exit_immediately(run)
                return

    previous_handlers: dict[signal.Signals, Any] = {
        s: signal.signal(s, handle_signal) for s in (signal.SIGINT, signal.SIGTERM)
    }
    watcher = threading.Thread(target=watch_stop_file, daemon=True, name="stop requests")
    watcher.start()
    try:
        yield stop_requested.is_set
    finally:
        finished.set()
        watcher.join()
        for number, handler in previous_handlers.items():
            signal.signal(number, handler)
        with contextlib.suppress(RunError):
            run.clear_stop_request()


def mark_stopped(run: Run) -> None:
    """Set the status of a run to ``stopped``.

    Raises:
        RunError: If the folder cannot be written.
    """
    run.set_state("stopped", reason="Stopped by user.")


def print_to_stderr(text: str) -> None:
    """Write a line to standard error; if it is closed, do nothing."""
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()


def _exit_immediately(run: Run) -> None:
    with contextlib.suppress(RunError):
        mark_stopped(run)
        run.clear_stop_request()
    # The main thread is inside a computation and cannot be asked. Files are replaced whole, so none is half written.
    os._exit(STOPPED_EXIT_CODE)
