"""Images by their address: a path, or what fsspec reads (``s3://``, ``gs://``, ``https://``, ``zip://``)."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Any, Final

import fsspec

from wbcseg.datasets.pairing import is_ignored, is_unexpected, pair_files
from wbcseg.errors import ErrorCode, ImageError, Problem, WbcsegError
from wbcseg.io import MAX_BYTES

READ_ATTEMPTS: Final = 5
"""How often a file is read before its error is final."""

FIRST_PAUSE: Final = 0.2
"""Seconds before the second attempt; each further pause is twice as long."""

VERSION_KEYS: Final = ("etag", "ETag", "md5Hash", "mtime", "LastModified", "last_modified", "date_time", "size", "CRC")
"""What file systems say of a file that changes with its content."""


@dataclass(frozen=True)
class SourceImage:
    """An image to segment.

    Attributes:
        name: Unique name: its path below the source, and before that the source's name if there are several.
        address: Where it is.
        mask_address: Where its expert mask is; empty if there is none.
        version: What the file systems say of both files that changes with their content.
    """

    name: str
    address: str
    mask_address: str
    version: str


@dataclass(frozen=True)
class Sources:
    """The images of all sources, and the files that cannot be used.

    Attributes:
        images: In natural order of the names.
        problems: Files that were skipped, with the reason.
    """

    images: tuple[SourceImage, ...]
    problems: tuple[Problem, ...]


def list_sources(addresses: Iterable[str]) -> Sources:
    """Find the images below addresses and pair them with masks by their names.

    Args:
        addresses: Files, folders and zips.

    Raises:
        WbcsegError: If an address does not exist or cannot be listed, or there is no image.
    """
    files: dict[str, tuple[str, str]] = {}
    roots = list(dict.fromkeys(addresses))
    for root in roots:
        prefix = f"{PurePosixPath(root.split('::')[0].split('://')[-1]).name or 'source'}/" if len(roots) > 1 else ""
        for name, address, version in _walk(root):
            files.setdefault(prefix + name, (address, version))
    pairs, problems = pair_files(files, require_masks=False)
    paired = {name for pair in pairs for name in (pair.image, pair.mask) if name}
    reported = {problem.file for problem in problems}
    problems += [
        Problem(f"{name} was not used: it is no image by its name.", name, "It is no image by its name.")
        for name in sorted(set(files) - paired - reported)
        if is_ignored(name) and is_unexpected(name)
    ]
    images = []
    for pair in pairs:
        address, version = files[pair.image]
        mask_address, mask_version = files[pair.mask] if pair.mask else ("", "")
        images.append(SourceImage(pair.image, address, mask_address, _digest(version, mask_version)))
    if not images:
        raise WbcsegError(f"No images were found in {', '.join(roots)}.", code=ErrorCode.NO_IMAGES)
    return Sources(tuple(images), tuple(problems))


def read_address(address: str) -> tuple[bytes, int]:
    """Read a file; failures that may pass are tried again.

    Returns:
        Its bytes, and how often the reading failed before it succeeded.

    Raises:
        ImageError: If it cannot be read.
    """
    name = PurePosixPath(address.split("::")[0]).name
    pause = FIRST_PAUSE
    for attempt in range(READ_ATTEMPTS):
        try:
            system, path = _open_system(address)
            with system.open(path, "rb") as file:
                data: bytes = file.read(MAX_BYTES + 1)
        except FileNotFoundError:
            raise ImageError(f"{name} does not exist.", file=name, code=ErrorCode.UNREADABLE) from None
        except Exception as error:
            # Each file system has errors of its own; none of them is a reason to end the chunk.
            if attempt + 1 == READ_ATTEMPTS:
                reason = f"Reading the file failed {READ_ATTEMPTS} times: {type(error).__name__}."
                raise ImageError(f"{name}: {reason}", file=name, reason=reason, code=ErrorCode.UNREADABLE) from None
            time.sleep(pause)
            pause *= 2
            continue
        if len(data) > MAX_BYTES:
            reason = f"The file has more than {MAX_BYTES:,} bytes."
            raise ImageError(f"{name}: {reason}", file=name, reason=reason, code=ErrorCode.TOO_LARGE)
        return data, attempt
    raise AssertionError("unreachable")


def _open_system(address: str) -> tuple[Any, str]:
    """Return the file system of an address, and the path in it; a zip is opened once for all its files."""
    inner, separator, outer = address.partition("::")
    if separator and inner.startswith("zip://"):
        return _open_zip(outer), inner.removeprefix("zip://")
    return fsspec.core.url_to_fs(address)  # type: ignore[no-any-return]


@lru_cache(maxsize=4)
def _open_zip(outer: str) -> Any:
    return fsspec.core.url_to_fs(f"zip://::{outer}")[0]


def _walk(root: str) -> list[tuple[str, str, str]]:
    """Return name, address and version of every file below an address."""
    if root.lower().endswith(".zip") and "::" not in root:
        root = f"zip://::{root}"
    try:
        system, path = fsspec.core.url_to_fs(root)
        if system.isfile(path):
            return [(PurePosixPath(path).name, root, _describe_version(system.info(path)))]
        found: Mapping[str, Mapping[str, Any]] = system.find(path, detail=True)
    except Exception as error:
        raise WbcsegError(
            f"Source {root} cannot be listed: {type(error).__name__}: {error}", code=ErrorCode.UNREADABLE
        ) from None
    if not found and not system.exists(path):
        raise WbcsegError(f"Source {root} does not exist.", code=ErrorCode.NOT_FOUND)
    base = path.rstrip("/")
    _, separator, outer = root.partition("::")
    return [
        (
            file.removeprefix(base).lstrip("/"),
            f"{system.unstrip_protocol(file)}{separator}{outer}",
            _describe_version(info),
        )
        for file, info in sorted(found.items())
    ]


def _describe_version(info: Mapping[str, Any]) -> str:
    return _digest(*(f"{key}={info[key]}" for key in VERSION_KEYS if info.get(key) is not None))


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
