"""Where a user's files come from: a folder on the disk, or a zip that stays in memory."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path
from typing import Final, Protocol

from wbcseg.datasets.pairing import is_ignored
from wbcseg.errors import DatasetError
from wbcseg.io import MAX_BYTES, format_display_name

MAX_FILES: Final = 20_000
"""Most files in a folder or zip, whatever they are."""

MAX_ZIP_BYTES: Final = 400_000_000
"""Largest zip file."""

MAX_UNPACKED_BYTES: Final = 2_000_000_000
"""Most bytes that the pictures of a zip may unpack to, all together."""

MAX_COMPRESSION_RATIO: Final = 200
"""Most times that a zip may unpack to its own size; small ones (below 100 MB unpacked) may more."""

_SMALL_ARCHIVE_BYTES: Final = 100_000_000
_SUPPORTED_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENTRY_SIGNATURE: Final = b"PK\x01\x02"


def _is_zip(name: str) -> bool:
    """Whether a file is called a zip, and is none of what systems leave behind."""
    return name.lower().endswith(".zip") and not any(
        part.startswith(".") or part == "__MACOSX" for part in name.split("/")
    )


class Source(Protocol):
    """Files by their relative names, read when asked for.

    Attributes:
        origin: Where they are, in words.
        names: Relative, with forward slashes.
        problems: Plain sentences on files that were left out.
    """

    origin: str
    names: tuple[str, ...]
    problems: tuple[str, ...]

    def read(self, name: str) -> bytes:
        """Return the bytes of a file.

        Raises:
            DatasetError: If it cannot be read.
        """

    def get_header_source(self, name: str) -> bytes | Path:
        """Return what the header of a file is read from: its path where it has one, else its bytes."""


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
        problems: list[str] = []
        count = 0

        def record_error(error: OSError) -> None:
            problems.append(f"The folder {format_display_name(str(error.filename))} cannot be read: {error.strerror}.")

        for folder, subfolders, files in os.walk(path, onerror=record_error):
            subfolders.sort()
            count += len(files)
            if count > MAX_FILES:
                raise DatasetError(f"The folder {path} has more than {MAX_FILES} files. Choose one with pictures only.")
            relative = Path(folder).relative_to(path)
            relative_names = [(relative / file).as_posix() for file in files]
            names += (name for name in relative_names if not is_ignored(name))
            zip_names += (name for name in relative_names if _is_zip(name))
        # A pipe or a device called "a.png" would keep whoever opens it waiting.
        self.names = tuple(sorted(name for name in names if (path / name).is_file()))
        self.zip_names = tuple(sorted(zip_names))
        self.problems = tuple(problems)

    def read(self, name: str) -> bytes:
        """Return the bytes of a file; one byte more than allowed is enough for the door to refuse it."""
        try:
            with (self.path / name).open("rb") as file:
                return file.read(MAX_BYTES + 1)
        except OSError as error:
            raise DatasetError(
                f"The file {format_display_name(name)} in {self.path} cannot be read: {error.strerror}."
            ) from error

    def get_header_source(self, name: str) -> bytes | Path:
        """Return the path of a file."""
        return self.path / name


class ZipSource:
    """The pictures of a zip, read in memory: nothing is ever unpacked to the disk, so names cannot lead anywhere.

    Args:
        data: The whole zip.
        name: What messages call it.

    Raises:
        DatasetError: If it is no zip, is encrypted, or is larger than the limits when unpacked.
    """

    def __init__(self, data: bytes, name: str) -> None:
        self.origin = name
        self._name = format_display_name(name)
        if len(data) > MAX_ZIP_BYTES:
            raise DatasetError(
                f"The zip {self._name} has {len(data) / 1e6:.0f} MB; at most {MAX_ZIP_BYTES / 1e6:.0f} MB are read. "
                "Unpack it and use the folder."
            )
        # Counted in the raw bytes, since the zip reader makes an object of every entry before it can be asked.
        if data.count(_ENTRY_SIGNATURE) > MAX_FILES:
            raise DatasetError(f"The zip {self._name} has more than {MAX_FILES} files. Pack the pictures only.")
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
        # The reader raises whatever its parsing runs into, not only BadZipFile.
        except Exception as error:
            raise DatasetError(f"The file {self._name} is no zip, or is damaged. Pack it again.") from error
        self._entries, self.problems = self._collect_entries()
        self.names = tuple(sorted(self._entries))
        unpacked_bytes = sum(entry.file_size for entry in self._entries.values())
        if unpacked_bytes > MAX_UNPACKED_BYTES or unpacked_bytes > max(
            _SMALL_ARCHIVE_BYTES, MAX_COMPRESSION_RATIO * len(data)
        ):
            raise DatasetError(
                f"The pictures in the zip {self._name} unpack to {unpacked_bytes / 1e6:.0f} MB from {len(data) / 1e6:.1f} "
                "MB, more than pictures do. Unpack it yourself and use the folder."
            )

    def _collect_entries(self) -> tuple[dict[str, zipfile.ZipInfo], tuple[str, ...]]:
        entries: dict[str, zipfile.ZipInfo] = {}
        problems: list[str] = []
        for entry in self._zip.infolist():
            parts = entry.filename.replace("\\", "/").split("/")
            name = "/".join(part for part in parts if part not in ("", ".", ".."))
            if parts[-1] and _is_zip(name):
                problems.append(
                    f"{format_display_name(name)} is a zip in the zip {self._name}; it is left out. Unpack it, or bring it by itself."
                )
            if not name or parts[-1] == "" or is_ignored(name):
                continue
            if entry.flag_bits & 0x1:
                raise DatasetError(
                    f"The file {format_display_name(name)} in the zip {self._name} is encrypted. Pack it without a password."
                )
            if entry.compress_type not in _SUPPORTED_METHODS:
                problems.append(
                    f"{format_display_name(name)}: packed with a method that is not read; it is left out. Pack as usual."
                )
            elif name in entries:
                problems.append(f"{format_display_name(name)} is in the zip twice; the first is used.")
            else:
                entries[name] = entry
        return entries, tuple(problems)

    def read(self, name: str) -> bytes:
        """Return the bytes of a file; one byte more than allowed is enough for the door to refuse it."""
        try:
            with self._zip.open(self._entries[name]) as file:
                return file.read(MAX_BYTES + 1)
        # As above: damaged entries make the reader raise errors of many kinds.
        except Exception as error:
            raise DatasetError(
                f"The file {format_display_name(name)} in the zip {self._name} is damaged. Pack it again from the original."
            ) from error

    def get_header_source(self, name: str) -> bytes | Path:
        """Return the bytes of a file."""
        return self.read(name)
