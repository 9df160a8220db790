"""One training at a time: the others wait in line, each in its own process, which costs next to nothing.

Whoever trains holds a lock on a file in the folder of the runs. The system gives it back when the process ends, however
it ends, so nothing has to watch over the line: not the page, not the server.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from wbcseg.errors import RunError
from wbcseg.paths import get_runs_folder
from wbcseg.training.runs.folder import Run

LOCK_FILE: Final = ".training.lock"
POLL_INTERVAL: Final = 0.25
"""Seconds between two looks at the line."""


def list_queued_runs(folder: Path | None = None) -> list[Run]:
    """Return the runs that wait for their turn, the next one first."""
    queued = []
    for run in list_runs(folder or get_runs_folder()):
        try:
            state = run.load_state()
            if state["status"] == "waiting" and run.find_process():
                queued.append((float(state.get("queued", 0.0)), run.name, run))
        except (RunError, TypeError, ValueError):
            continue
    return [run for *_, run in sorted(queued, key=lambda item: item[:2])]


def list_runs(folder: Path) -> list[Run]:
    """Return every run of a folder, by name."""
    try:
        return [Run(path.parent) for path in sorted(folder.glob("[!.]*/config.json"))]
    except OSError:
        return []


@contextmanager
def training_slot(run: Run, *, should_stop: Callable[[], bool], on_waiting: Callable[[], None]) -> Iterator[bool]:
    """Wait until no other training runs and it is this run's turn; give the turn back when the block ends.

    Args:
        run: The run, whose state says ``waiting`` for as long as it waits.
        should_stop: Asked while it waits.
        on_waiting: Called once, where it has to wait.

    Yields:
        Whether it has the turn; ``False`` where it was asked to stop before.

    Raises:
        RunError: If the folder of the runs cannot be written.
    """
    folder = get_runs_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / LOCK_FILE, thread_local=False)
        run.set_state("waiting", queued=time.time(), **run.load_epoch_counts())
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
        raise RunError(f"The folder of the runs, {folder}, cannot be written: {error.strerror or error}") from None
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
    # A run in a folder of its own is not in the list; it takes its turn when it finds the line empty.
    is_first = queue[0] == folder if folder in queue else not queue
    if not is_first:
        lock.release()
    return is_first
