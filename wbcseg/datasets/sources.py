"""Sources of a user's files: a folder on disk, or a zip in memory."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath
from typing import Final, Protocol

from wbcseg.datasets.pairing import IMAGE_SUFFIXES, is_ignored, is_unexpected
from wbcseg.errors import DatasetError, ErrorCode, Problem
from wbcseg.io import MAX_BYTES, format_display_name
from wbcseg.io.formats.detect import SUPPORTED_FORMATS, describe_unsupported, detect_format

MAX_FILES: Final = 20_000
"""Maximum number of files of any kind in a folder or zip."""

MAX_ZIP_BYTES: Final = 400_000_000
"""Maximum size of a zip."""

MAX_UNPACKED_BYTES: Final = 2_000_000_000
"""Maximum total size of a zip's unpacked images."""

MAX_COMPRESSION_RATIO: Final = 200
"""Maximum ratio of a zip's unpacked to its packed size, unless it unpacks to less than 100 MB."""

_SMALL_ARCHIVE_BYTES: Final = 100_000_000
_SUPPORTED_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENTRY_SIGNATURE: Final = b"PK\x01\x02"
_HEAD_BYTES: Final = 1024


def _is_zip(name: str) -> bool:
    """Return whether a file has the extension of a zip and is not a system file."""
    return name.lower().endswith(".zip") and not any(
        part.startswith(".") or part == "__MACOSX" for part in name.split("/")
    )


def may_be_image(name: str) -> bool:
    """Return whether a file is an image by its extension, or may be one by its content."""
    return not is_ignored(name) or is_unexpected(name)


def sort_out(names: Sequence[str], read_head: Callable[[str], bytes]) -> tuple[tuple[str, ...], tuple[Problem, ...]]:
    """Tell images from other files by their extension, or by their content if it is not an image's.

    Args:
        names: Relative names of files for which :func:`may_be_image` is true.
        read_head: Returns the first bytes of a file.

    Returns:
        The names of the images, and why the other files are not used.
    """
    images: list[str] = []
    unused: list[Problem] = []
    for name in names:
        if PurePosixPath(name).suffix.lower() in IMAGE_SUFFIXES or detect_format(head := read_head(name)):
            images.append(name)
        # Text is a document, whatever its name.
        elif is_unexpected(name) and (content := describe_unsupported(head)) != "text":
            reason = f"The file holds {content}; supported are {SUPPORTED_FORMATS}."
            message = f"{format_display_name(name)} was not used. {reason}"
            unused.append(Problem(message, name, reason, ErrorCode.UNSUPPORTED_FORMAT))
    return tuple(images), tuple(unused)


class Source(Protocol):
    """Files by their relative names, read on demand.

    Attributes:
        origin: Where they are, in words.
        names: Relative, with forward slashes.
        problems: Files that were skipped, and why.
        unused: Files that are no images and no documents either, and what they are.
    """

    origin: str
    names: tuple[str, ...]
    problems: tuple[Problem, ...]
    unused: tuple[Problem, ...]

    def read(self, name: str) -> bytes:
        """Return the bytes of a file.

        Raises:
            DatasetError: If it cannot be read.
        """

    def get_header_source(self, name: str) -> bytes | Path:
        """Return what a file's header is read from: its path if it has one, else its bytes."""


class FolderSource:
    """The files of a folder and its subfolders; links to folders are not followed.

    Attributes:
        zip_names: Zips in it, relative; they are not opened.

    Raises:
        DatasetError: If the folder has too many files.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.origin = str(path)
        names: list[str] = []
        zip_names: list[str] = []
        problems: list[Problem] = []
        count = 0

        def record_error(error: OSError) -> None:
            problems.append(
                Problem(
                    f"Folder {format_display_name(str(error.filename))} could not be read: {error.strerror}.",
                    str(error.filename),
                    f"The folder could not be read: {error.strerror}.",
                    ErrorCode.UNREADABLE,
                )
            )

        for folder, subfolders, files in os.walk(path, onerror=record_error):
            subfolders.sort()
            count += len(files)
            if count > MAX_FILES:
                raise DatasetError(
                    f"Folder {path} has more than {MAX_FILES} files.",
                    file=str(path),
                    reason=f"The folder has more than {MAX_FILES} files.",
                    code=ErrorCode.TOO_LARGE,
                    hint="Choose a folder that holds only images.",
                )
            relative = Path(folder).relative_to(path)
            relative_names = [(relative / file).as_posix() for file in files]
            names += (name for name in relative_names if may_be_image(name))
            zip_names += (name for name in relative_names if _is_zip(name))
        # Opening a pipe or device named "a.png" would block.
        files_only = sorted(name for name in names if (path / name).is_file())
        self.names, self.unused = sort_out(files_only, self._read_head)
        self.zip_names = tuple(sorted(zip_names))
        self.problems = tuple(problems)

    def read(self, name: str) -> bytes:
        """Return the bytes of a file, at most one more than allowed, which the decoder rejects."""
        try:
            with (self.path / name).open("rb") as file:
                return file.read(MAX_BYTES + 1)
        except OSError as error:
            raise DatasetError(
                f"File {format_display_name(name)} in {self.path} could not be read: {error.strerror}.",
                file=name,
                reason=f"Reading the file failed: {error.strerror}.",
                code=ErrorCode.UNREADABLE,
            ) from error

    def _read_head(self, name: str) -> bytes:
        try:
            with (self.path / name).open("rb") as file:
                return file.read(_HEAD_BYTES)
        except OSError:
            return b""

    def get_header_source(self, name: str) -> bytes | Path:
        """Return the path of a file."""
        return self.path / name


class ZipSource:
    """The images of a zip, read in memory: nothing is unpacked to disk, so names cannot lead outside a folder.

    Args:
        data: The whole zip.
        name: Its name in messages.

    Raises:
        DatasetError: If it is not a zip, is encrypted, or is larger than the limits when unpacked.
    """

    def __init__(self, data: bytes, name: str) -> None:
        self.origin = name
        self._name = format_display_name(name)
        if len(data) > MAX_ZIP_BYTES:
            raise DatasetError(
                f"Zip {self._name} has {len(data) / 1e6:.0f} MB; the limit is {MAX_ZIP_BYTES / 1e6:.0f} MB.",
                file=name,
                reason=f"The zip has {len(data) / 1e6:.0f} MB; the limit is {MAX_ZIP_BYTES / 1e6:.0f} MB.",
                code=ErrorCode.TOO_LARGE,
                hint="Unpack it and use the folder.",
            )
        # Counted in the raw bytes, since the zip reader creates an object for every entry at once.
        if data.count(_ENTRY_SIGNATURE) > MAX_FILES:
            raise DatasetError(
                f"Zip {self._name} has more than {MAX_FILES} files.",
                file=name,
                reason=f"The zip has more than {MAX_FILES} files.",
                code=ErrorCode.TOO_LARGE,
                hint="Put only the images into the zip.",
            )
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
        # The reader raises errors of many kinds, not only BadZipFile.
        except Exception as error:
            raise DatasetError(
                f"File {self._name} is not a zip, or is damaged.",
                file=name,
                reason="The file is not a zip, or is damaged.",
                code=ErrorCode.DAMAGED,
                hint="Create the zip again.",
            ) from error
        self._entries, self.problems = self._collect_entries()
        self.names, self.unused = sort_out(sorted(self._entries), self._read_head)
        unpacked_bytes = sum(entry.file_size for entry in self._entries.values())
        if unpacked_bytes > MAX_UNPACKED_BYTES or unpacked_bytes > max(
            _SMALL_ARCHIVE_BYTES, MAX_COMPRESSION_RATIO * len(data)
        ):
            raise DatasetError(
                f"Zip {self._name} unpacks from {len(data) / 1e6:.1f} MB to {unpacked_bytes / 1e6:.0f} MB, more than "
                "images do.",
                file=name,
                reason=f"The zip unpacks from {len(data) / 1e6:.1f} MB to {unpacked_bytes / 1e6:.0f} MB.",
                code=ErrorCode.TOO_LARGE,
                hint="Unpack it yourself and use the folder.",
            )

    def _collect_entries(self) -> tuple[dict[str, zipfile.ZipInfo], tuple[Problem, ...]]:
        entries: dict[str, zipfile.ZipInfo] = {}
        problems: list[Problem] = []
        for entry in self._zip.infolist():
            parts = entry.filename.replace("\\", "/").split("/")
            name = "/".join(part for part in parts if part not in ("", ".", ".."))
            if parts[-1] and _is_zip(name):
                problems.append(
                    Problem(
                        f"{format_display_name(name)} is a zip within zip {self._name} and was skipped.",
                        name,
                        "It is a zip within a zip.",
                        ErrorCode.NESTED_ZIP,
                        "Unpack it, or upload it on its own.",
                    )
                )
            if not name or parts[-1] == "" or not may_be_image(name):
                continue
            if entry.flag_bits & 0x1:
                raise DatasetError(
                    f"File {format_display_name(name)} in zip {self._name} is encrypted.",
                    file=name,
                    reason="The zip is encrypted.",
                    code=ErrorCode.ENCRYPTED,
                    hint="Create it without a password.",
                )
            if entry.compress_type not in _SUPPORTED_METHODS:
                problems.append(
                    Problem(
                        f"{format_display_name(name)} in zip {self._name} was skipped: unsupported compression method.",
                        name,
                        "Its compression method in the zip is not supported.",
                        ErrorCode.UNSUPPORTED_ENCODING,
                        "Create the zip with the standard method (deflate).",
                    )
                )
            elif name in entries:
                problems.append(
                    Problem(
                        f"{format_display_name(name)} is in the zip twice; the first is used.",
                        name,
                        "It is in the zip twice; the first is used.",
                        ErrorCode.DUPLICATE,
                    )
                )
            else:
                entries[name] = entry
        return entries, tuple(problems)

    def read(self, name: str) -> bytes:
        """Return the bytes of a file, at most one more than allowed, which the decoder rejects."""
        try:
            with self._zip.open(self._entries[name]) as file:
                return file.read(MAX_BYTES + 1)
        # As above: damaged entries make the reader raise errors of many kinds.
        except Exception as error:
            raise DatasetError(
                f"File {format_display_name(name)} in zip {self._name} is damaged.",
                file=name,
                reason="The file is damaged within its zip.",
                code=ErrorCode.DAMAGED,
                hint="Create the zip again from the original files.",
            ) from error

    def _read_head(self, name: str) -> bytes:
        try:
            with self._zip.open(self._entries[name]) as file:
                return file.read(_HEAD_BYTES)
        # Reported when the file is read.
        except Exception:
            return b""

    def get_header_source(self, name: str) -> bytes | Path:
        """Return the bytes of a file."""
        return self.read(name)
