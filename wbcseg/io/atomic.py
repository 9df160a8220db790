"""Files that a reader never sees half written."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any


@contextlib.contextmanager
def atomic_write(target: Path, *, previous: Path | None = None) -> Iterator[Path]:
    """Give the name of a temporary file beside the target; move it to the target when the block ends well.

    Args:
        target: The file that is to appear, whole or not at all.
        previous: Where the file that was there is kept, as an older generation. For a moment there is then no target:
            whoever reads two generations looks for this one too.

    Raises:
        OSError: If the folder cannot be written; the target is then as it was.
    """
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent)
    os.close(descriptor)
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        if previous is not None:
            with contextlib.suppress(FileNotFoundError):
                target.replace(previous)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def remove_temporary_files(folder: Path) -> None:
    """Delete the temporary files that a killed process left in a folder in which nobody else writes now."""
    for path in folder.glob(".*.part"):
        with contextlib.suppress(OSError):
            path.unlink()


def write_bytes(target: Path, data: bytes) -> None:
    """Write a file atomically."""
    with atomic_write(target) as temporary:
        temporary.write_bytes(data)


def write_json(target: Path, values: Any, *, previous: Path | None = None) -> None:
    """Write JSON atomically, indented, for people to read as well. Numbers that are not finite are refused.

    Args:
        target: The file.
        values: What it is to hold.
        previous: As in :func:`atomic_write`.
    """
    text = json.dumps(values, indent=1, ensure_ascii=False, allow_nan=False)
    with atomic_write(target, previous=previous) as temporary:
        temporary.write_bytes((text + "\n").encode())


def compute_sha256(path: Path) -> str:
    """Return the SHA-256 of a file, as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
