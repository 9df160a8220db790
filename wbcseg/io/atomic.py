"""Write files atomically: the whole file appears, or none."""

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
    """Yield the path of a temporary file next to the target, and move it to the target if the block succeeds.

    Args:
        target: The file to write.
        previous: Path to which an existing target is moved first. For a moment there is then no target, so code that
            reads it must also try this path.

    Raises:
        OSError: If the folder is not writable; the target is then unchanged.
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
    """Delete the temporary files of killed processes from a folder that no other process is writing to."""
    for path in folder.glob(".*.part"):
        with contextlib.suppress(OSError):
            path.unlink()


def write_bytes(target: Path, data: bytes) -> None:
    """Write a file atomically."""
    with atomic_write(target) as temporary:
        temporary.write_bytes(data)


def write_json(target: Path, values: Any, *, previous: Path | None = None) -> None:
    """Write JSON atomically, indented. Numbers that are not finite are rejected.

    Args:
        target: The file.
        values: JSON values.
        previous: As in :func:`atomic_write`.
    """
    text = json.dumps(values, indent=1, ensure_ascii=False, allow_nan=False)
    with atomic_write(target, previous=previous) as temporary:
        temporary.write_bytes((text + "\n").encode())


def compute_sha256(path: Path) -> str:
    """Return the SHA-256 of a file, as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
