"""The queue of training runs: one trains at a time, the others wait, each in its own idle process.

The process that trains holds a lock on a file in the runs folder. The operating system releases it when the process
ends, however it ends, so nothing has to supervise the queue.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from wbcseg.errors import ErrorCode, RunError
from wbcseg.paths import VISITORS_FOLDER, get_runs_root
from wbcseg.training.runs.folder import Run

LOCK_FILE: Final = ".training.lock"
POLL_INTERVAL: Final = 0.25
"""Seconds between two checks of the queue."""


def list_queued_runs(folder: Path | None = None) -> list[Run]:
    """Return the queued runs, those of all visitors, the next one first."""
    queued = []
    for run in list_all_runs(folder or get_runs_root()):
        try:
            state = run.load_state()
            if state.status == "queued" and run.find_process():
                queued.append((state.queued_at, run.name, run))
        except RunError:
            continue
    return [run for *_, run in sorted(queued, key=lambda item: item[:2])]


def list_runs(folder: Path) -> list[Run]:
    """Return all runs of a folder, by name."""
    try:
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries if not entry.name.startswith("."))
        return [Run(folder / name) for name in names if os.path.lexists(folder / name / "config.json")]
    except OSError:
        return []


def list_all_runs(root: Path) -> list[Run]:
    """Return the runs of a folder and those of the visitors whose folders are in it."""
    try:
        with os.scandir(root / VISITORS_FOLDER) as entries:
            folders = sorted(Path(entry.path) for entry in entries if entry.is_dir(follow_symlinks=False))
    except OSError:
        folders = []
    return [run for folder in (root, *folders) for run in list_runs(folder)]


@contextmanager
def training_slot(run: Run, *, should_stop: Callable[[], bool], on_waiting: Callable[[], None]) -> Iterator[bool]:
    """Wait until no other run trains and this run is first in the queue; free the slot when the block ends.

    Args:
        run: The run; its status is ``queued`` while it waits.
        should_stop: Asked while it waits.
        on_waiting: Called once if it has to wait.

    Yields:
        Whether the run may train; ``False`` if it was asked to stop before.

    Raises:
        RunError: If the runs folder cannot be written.
    """
    folder = get_runs_root()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / LOCK_FILE, thread_local=False)
        run.set_state("queued", queued_at=time.time())
        notified = False
        while not _try_acquire(lock, run):
            if should_stop():
                yield False
                return
            if not notified:
                on_waiting()
                notified = True
            time.sleep(POLL_INTERVAL)
    except OSError as error:
        raise RunError(
            f"Runs folder {folder} cannot be written: {error.strerror or error}", code=ErrorCode.WRITE_FAILED
        ) from None
    try:
        yield True
    finally:
        lock.release()


def _try_acquire(lock: FileLock, run: Run) -> bool:
    try:
        lock.acquire(blocking=False)
    except Timeout:
        return False
    queue, folder = [other.folder.resolve() for other in list_queued_runs()], run.folder.resolve()
    # A run outside the runs folder is not in the list; it goes ahead when the queue is empty.
    is_first = queue[0] == folder if folder in queue else not queue
    if not is_first:
        lock.release()
    return is_first
