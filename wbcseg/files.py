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
def replacing(target: Path) -> Iterator[Path]:
    """Give the name of a temporary file beside the target; move it to the target when the block ends well.

    Args:
        target: The file that is to appear, whole or not at all.

    Raises:
        OSError: If the folder cannot be written; the target is then as it was.
    """
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def write_bytes(target: Path, data: bytes) -> None:
    """Write a file atomically."""
    with replacing(target) as temporary:
        temporary.write_bytes(data)


def write_json(target: Path, values: Any) -> None:
    """Write JSON atomically, indented, for people to read as well. Numbers that are not finite are refused."""
    text = json.dumps(values, indent=1, ensure_ascii=False, allow_nan=False)
    write_bytes(target, (text + "\n").encode())


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
