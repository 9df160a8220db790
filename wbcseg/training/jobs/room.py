"""Whether a training run may start: a lock, room on the disk, a visitor's quotas, whether this server trains at all."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from wbcseg.errors import ErrorCode, RunError
from wbcseg.hosting import get_limits
from wbcseg.io.memory import get_free_memory
from wbcseg.training.runs.folder import Run

START_LOCK_FILE: Final = ".start.lock"
START_LOCK_SECONDS: Final = 20.0
"""Seconds to wait while other runs are being started."""

MIN_FREE_BYTES: Final = 500_000_000
"""Bytes that must be free: two checkpoints of a network of ordinary size, its best weights and the model."""


def check_offered() -> None:
    """Check that this server trains.

    Raises:
        RunError: If it has too little memory (code ``out_of_memory``).
    """
    needed = get_limits().training_memory
    if needed and get_free_memory() < needed:
        raise RunError(
            "This server has too little memory to train networks.",
            code=ErrorCode.OUT_OF_MEMORY,
            hint="Install wbcseg on a computer of your own.",
        )


def check_quotas(runs: Sequence[Run], all_runs: Sequence[Run]) -> None:
    """Check that a visitor may keep one more run.

    Args:
        runs: The visitor's runs.
        all_runs: The runs of all visitors.

    Raises:
        RunError: If one of the server's limits is reached; code ``too_large``.
    """
    limits = get_limits()
    if limits.runs_per_visitor is not None and len(runs) >= limits.runs_per_visitor:
        raise RunError(
            f"On this server, a visitor may keep {limits.runs_per_visitor} training runs.",
            code=ErrorCode.TOO_LARGE,
            hint="Download one and delete it.",
        )
    if limits.run_bytes is not None and measure_runs(runs) >= limits.run_bytes:
        raise RunError(
            f"On this server, the runs of a visitor may have {limits.run_bytes / 1e6:.0f} MB.",
            code=ErrorCode.TOO_LARGE,
            hint="Download one and delete it.",
        )
    if limits.total_run_bytes is not None and measure_runs(all_runs) >= limits.total_run_bytes:
        raise RunError(
            "The room for runs on this server is used up.", code=ErrorCode.TOO_LARGE, hint="Try again later."
        )


def measure_runs(runs: Sequence[Run]) -> int:
    """Return the bytes of the files of runs."""
    total = 0
    for run in runs:
        for folder, _, names in os.walk(run.folder, followlinks=False):
            for name in names:
                with contextlib.suppress(OSError):
                    total += (Path(folder) / name).lstat().st_size
    return total


@contextlib.contextmanager
def start_lock(folder: Path) -> Iterator[None]:
    """Let one run start at a time, of all servers and terminals: so many starts at once do not pass the limit."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / START_LOCK_FILE, timeout=START_LOCK_SECONDS):
            yield
    except Timeout:
        raise RunError("Other runs are being started.", code=ErrorCode.BUSY, hint="Try again.") from None
    except OSError as error:
        raise RunError(
            f"Runs folder {folder} cannot be written: {error.strerror or error}", code=ErrorCode.WRITE_FAILED
        ) from None


def check_free_disk(folder: Path, min_free: int = MIN_FREE_BYTES) -> None:
    """Check that there is room on the disk of a folder.

    Args:
        folder: The folder, or one that will be made in its parent.
        min_free: Bytes that must be free.

    Raises:
        RunError: If there is not (code ``write_failed``).
    """
    try:
        free = shutil.disk_usage(next(path for path in (folder, *folder.parents) if path.exists())).free
    except OSError:
        # Writing will tell.
        return
    if free < min_free:
        raise RunError(
            f"The disk is nearly full: {free / 1e6:.0f} MB are free; a training run needs {min_free / 1e6:.0f} MB.",
            code=ErrorCode.WRITE_FAILED,
            hint="Delete runs or other files.",
        )
