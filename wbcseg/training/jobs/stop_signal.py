"""Stop requests to a training process, from the terminal or from another process."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final

from wbcseg.errors import RunError
from wbcseg.hosting import get_limits
from wbcseg.training.runs.folder import Run

STOP_GRACE_SECONDS: Final = 10.0
"""Seconds for finishing the current batch. After that the process ends at once; the last whole epoch is kept."""

POLL_INTERVAL: Final = 0.2
"""Seconds between two checks for a stop request."""

STOPPED_REASON: Final = "Stopped by user."

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


class TimeLimit:
    """Ends a training after the minutes that this server allows.

    Args:
        run: The run; the time of its earlier epochs counts.
        should_stop: Returns whether to stop for another reason.

    Attributes:
        reason: Why it was stopped, in a sentence.
    """

    def __init__(self, run: Run, should_stop: Callable[[], bool]) -> None:
        self._should_stop, self.reason = should_stop, STOPPED_REASON
        self._minutes = get_limits().training_minutes
        earlier = sum(row.get("seconds", 0.0) for row in run.load_metrics())
        self._deadline = None if self._minutes is None else time.monotonic() + 60 * self._minutes - earlier

    def should_stop(self) -> bool:
        """Return whether to stop."""
        if self._deadline is not None and time.monotonic() > self._deadline:
            self.reason = f"Stopped: on this server, a training may take {self._minutes} minutes."
            return True
        return self._should_stop()


def mark_stopped(run: Run, reason: str = STOPPED_REASON) -> None:
    """Set the status of a run to ``stopped``.

    Args:
        run: The run.
        reason: Why, in a sentence.

    Raises:
        RunError: If the folder cannot be written.
    """
    run.set_state("stopped", reason=reason)


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
