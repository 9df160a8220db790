"""Identify processes: a number alone is not enough, since systems reuse the numbers of dead processes."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import psutil

START_TIME_TOLERANCE: Final = 2.0
"""Seconds by which two readings of a start time may differ: the system clock can be changed while a process runs."""

_PR_SET_PDEATHSIG: Final = 1
"""Option of Linux' ``prctl``: the signal that a process gets when the thread that started it ends."""


@dataclass(frozen=True)
class ProcessId:
    """A process, identified by number and start time.

    Attributes:
        pid: Process number.
        started: Start time, in seconds since 1970.
    """

    pid: int
    started: float

    @classmethod
    def current(cls) -> ProcessId:
        """Return the current process."""
        process = psutil.Process()
        return cls(process.pid, process.create_time())

    @classmethod
    def from_dict(cls, values: Mapping[str, Any] | None) -> ProcessId | None:
        """Read what :meth:`to_dict` wrote; ``None`` if it is missing or invalid."""
        try:
            return cls(int(values["pid"]), float(values["started"])) if values else None
        except (KeyError, TypeError, ValueError, OverflowError):
            return None

    def to_dict(self) -> dict[str, float]:
        """Return number and start time as JSON values."""
        return {"pid": self.pid, "started": self.started}

    def is_alive(self) -> bool:
        """Return whether this very process is running; a zombie is not."""
        return self._find_process() is not None

    def kill(self) -> None:
        """End this very process at once, if it is running; never another one with the same number, nor our own."""
        process = None if self.pid == os.getpid() else self._find_process()
        if process is not None:
            with contextlib.suppress(psutil.Error):
                process.kill()

    def _find_process(self) -> psutil.Process | None:
        try:
            process = psutil.Process(self.pid)
            is_same = abs(process.create_time() - self.started) <= START_TIME_TOLERANCE
            return process if is_same and process.status() != psutil.STATUS_ZOMBIE else None
        except (psutil.Error, ValueError, OverflowError):
            return None


def end_with_parent() -> Callable[[], None] | None:
    """Return what a child process calls first, to be ended with its parent; ``None`` except on Linux."""
    if sys.platform != "linux":
        return None
    # Loaded here: after the fork, a child must not load anything.
    set_option = ctypes.CDLL(None).prctl
    return partial(_ignore_result, set_option, _PR_SET_PDEATHSIG, int(signal.SIGKILL))


def _ignore_result(function: Callable[..., Any], *arguments: int) -> None:
    function(*arguments)


def get_detached_popen_kwargs() -> dict[str, Any]:
    """Return arguments of :class:`subprocess.Popen` that start the process in a new session.

    Neither Ctrl-C in this process' terminal nor the end of this process reaches it then.
    """
    if sys.platform == "win32":
        return {"creationflags": subprocess.DETACHED_PROCESS | subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True}


def get_peak_memory() -> int:
    """Return the peak memory of this process so far, in bytes."""
    if sys.platform == "win32":
        return int(psutil.Process().memory_info().peak_wset)
    with contextlib.suppress(OSError, StopIteration, ValueError):
        # The fallback below also counts the parent process before the fork.
        lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
        return 1024 * int(next(line for line in lines if line.startswith("VmHWM:")).split()[1])
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak) if sys.platform == "darwin" else int(peak) * 1024


def lower_priority() -> None:
    """Lower the priority of this process: less processor time, and the first to be ended if memory runs out."""
    with contextlib.suppress(psutil.Error, OSError):
        process = psutil.Process()
        if sys.platform == "win32":
            process.nice(psutil.BELOW_NORMAL_PRIORITY_CLASS)
        else:
            process.nice(max(int(process.nice()), 10))
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("800", encoding="ascii")
