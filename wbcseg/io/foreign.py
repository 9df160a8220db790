"""Read files of folders that somebody else may have made: run folders and models.

Links, pipes and devices are not opened, nothing larger than expected is read, numbers are finite, and text is
printable.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import stat
from pathlib import Path
from typing import Any, Final

from wbcseg.printable import make_printable

MAX_JSON_BYTES: Final = 16_000_000
"""Maximum size of a JSON file: the metrics of ten thousand epochs have 8 MB."""

MAX_DIGITS: Final = 18
"""Maximum number of digits of a whole number."""

MAX_NAME_LENGTH: Final = 100
"""Maximum number of characters of a folder's name as it is shown."""

_CHUNK: Final = 1 << 20


class ForeignFileError(ValueError):
    """A file is not what it should be; the message is the reason, without the file's name."""


def is_plain_file(path: Path) -> bool:
    """Return whether a path is a file itself: not a link to one, and no pipe or device."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except (OSError, ValueError):
        return False


def read_plain_file(path: Path, max_bytes: int) -> bytes:
    """Return the content of a file.

    Args:
        path: The file.
        max_bytes: Its maximum size.

    Raises:
        OSError: If it cannot be read.
        ForeignFileError: If it is a link, a pipe or a device, or too large.
    """
    with os.fdopen(_open_plain(path), "rb") as file:
        data = file.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise ForeignFileError(f"it has more than {max_bytes:,} bytes")
    return data


def compute_plain_sha256(path: Path) -> str:
    """Return the SHA-256 of a file, as 64 hexadecimal digits.

    Raises:
        OSError: If it cannot be read.
        ForeignFileError: If it is a link, a pipe or a device.
    """
    with os.fdopen(_open_plain(path), "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _open_plain(path: Path) -> int:
    if path.is_symlink():
        raise ForeignFileError("it is a link, and links are not followed")
    # Opening a pipe would otherwise wait for somebody to write to it.
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    if not stat.S_ISREG(path.stat().st_mode):
        raise ForeignFileError("it is not a file")
    descriptor = os.open(path, flags)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise ForeignFileError("it is not a file")
    return descriptor


def read_json_object(path: Path, max_bytes: int = MAX_JSON_BYTES) -> dict[str, Any]:
    """Read a JSON object. Its numbers are finite, and its text is printable.

    Args:
        path: The file.
        max_bytes: Its maximum size.

    Raises:
        OSError: If it cannot be read.
        ForeignFileError: If it is a link, a pipe or a device, too large, or no such JSON.
    """
    data = read_plain_file(path, max_bytes)
    try:
        values = json.loads(data.decode("utf-8"), parse_int=_parse_int)
    except ForeignFileError:
        raise
    except RecursionError:
        raise ForeignFileError("its values are nested too deeply") from None
    except ValueError:
        raise ForeignFileError("it is no complete JSON") from None
    if not isinstance(values, dict):
        raise ForeignFileError("it holds no JSON object")
    try:
        cleaned: dict[str, Any] = _clean(values, "")
    except RecursionError:
        raise ForeignFileError("its values are nested too deeply") from None
    return cleaned


def make_folder_name(folder: Path) -> str:
    """Return the name of a folder: printable, not too long, and different from those of other folders."""
    name = folder.name
    printable = make_printable(name)
    if printable == name and len(name) <= MAX_NAME_LENGTH:
        return name
    digest = hashlib.sha256(os.fsencode(name)).hexdigest()[:6]
    return f"{printable[: MAX_NAME_LENGTH - 7].strip()}~{digest}"


def _clean(value: Any, key: str) -> Any:
    if isinstance(value, str):
        return make_printable(value, keep_lines=True)
    if isinstance(value, float) and not math.isfinite(value):
        raise ForeignFileError(f"`{key}` is no finite number")
    if isinstance(value, list):
        return [_clean(item, key) for item in value]
    if isinstance(value, dict):
        return {make_printable(name): _clean(item, make_printable(name)) for name, item in value.items()}
    return value


def _parse_int(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise ForeignFileError(f"it holds a number of {len(text)} digits")
    return int(text)
