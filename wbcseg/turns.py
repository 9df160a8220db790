"""Take turns: of all threads that compute within :func:`take_turns`, one works at a time, and each gets its share.

Long work calls :func:`pause` between its pieces, each of which takes a second at most. There, the thread lets others
that wait work for a moment, the longest waiting one first, so that someone who segments one cell does not wait for
someone who segments a thousand. Work that is no longer wanted ends there, too. Outside :func:`take_turns`, as in a
script or in the terminal, :func:`pause` does nothing.

A thread must not hold a lock that others need while it calls :func:`pause`.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

MIN_TURN: Final = 0.1
"""Seconds that a thread works at least before another one does: changing too often would slow down both."""

POLL_INTERVAL: Final = 0.1
"""Seconds between two checks, by a thread that waits, of whether its work is still wanted."""


class WorkCancelledError(Exception):
    """The work is no longer wanted."""


class _Queue:
    """Threads that wait for their turn; the first has waited longest."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._tickets: deque[object] = deque()
        self._is_taken = False

    def acquire(self, check: Callable[[], None]) -> None:
        """Wait for a turn. ``check`` is called meanwhile and may raise."""
        ticket = object()
        with self._changed:
            self._tickets.append(ticket)
        try:
            while True:
                check()
                with self._changed:
                    if not self._is_taken and self._tickets[0] is ticket:
                        self._is_taken = True
                        return
                    self._changed.wait(POLL_INTERVAL)
        finally:
            with self._changed:
                self._tickets.remove(ticket)
                self._changed.notify_all()

    def release(self) -> None:
        """End the turn."""
        with self._changed:
            self._is_taken = False
            self._changed.notify_all()

    @property
    def has_waiting(self) -> bool:
        """Whether a thread waits."""
        return bool(self._tickets)


_queue = _Queue()


class _Turn:
    """The work of one thread.

    Args:
        is_wanted: Returns whether its work is still wanted. It may also raise.
    """

    def __init__(self, is_wanted: Callable[[], bool]) -> None:
        self._is_wanted = is_wanted
        self._began = 0.0
        self.is_held = False

    def begin(self) -> None:
        _queue.acquire(self._check)
        self._began, self.is_held = time.monotonic(), True

    def end(self) -> None:
        if self.is_held:
            self.is_held = False
            _queue.release()

    def pause(self) -> None:
        self._check()
        if _queue.has_waiting and time.monotonic() - self._began >= MIN_TURN:
            self.end()
            self.begin()

    def _check(self) -> None:
        if not self._is_wanted():
            raise WorkCancelledError


_current: ContextVar[_Turn | None] = ContextVar("turn", default=None)


@contextmanager
def take_turns(is_wanted: Callable[[], bool] = lambda: True) -> Iterator[None]:
    """Wait for a turn, and take turns with other threads at every :func:`pause` of the block.

    Within another such block it does nothing.

    Args:
        is_wanted: Called at every pause and while waiting; when it returns ``False``, the work ends.

    Raises:
        WorkCancelledError: If the work is no longer wanted.
    """
    if _current.get() is not None:
        yield
        return
    turn = _Turn(is_wanted)
    turn.begin()
    token = _current.set(turn)
    try:
        yield
    finally:
        _current.reset(token)
        turn.end()


def pause() -> None:
    """Let others work for a moment if someone waits.

    Raises:
        WorkCancelledError: If the work is no longer wanted.
    """
    turn = _current.get()
    if turn is not None:
        turn.pause()
