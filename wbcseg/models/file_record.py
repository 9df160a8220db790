"""Record of a file in a model's folder: its size and checksum."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from wbcseg.errors import ChecksumError, ErrorCode, ModelError
from wbcseg.io.atomic import compute_sha256
from wbcseg.io.foreign import ForeignFileError, make_folder_name, read_plain_file

MAX_MODEL_BYTES: Final = 600_000_000
"""Maximum size of a model's file: the float32 weights of the largest network have 300 MB."""


@dataclass(frozen=True)
class FileRecord:
    """A file in a model's folder.

    Attributes:
        name: File name.
        size: Size in bytes.
        sha256: Checksum of its content.
    """

    name: str
    size: int
    sha256: str

    @classmethod
    def from_path(cls, path: Path) -> FileRecord:
        """Return the record of a file as it is now."""
        return cls(path.name, path.stat().st_size, compute_sha256(path))

    def read(self, folder: Path) -> bytes:
        """Return the file's content.

        Args:
            folder: The model's folder.

        Raises:
            ModelError: If it cannot be read.
            ChecksumError: If it differs from what the card records.
        """
        label = make_folder_name(folder)
        try:
            data = read_plain_file(folder / self.name, MAX_MODEL_BYTES)
        except OSError as error:
            raise ModelError(
                f"File {self.name} of model {label} could not be read: {error.strerror or error}.",
                file=self.name,
                code=ErrorCode.UNREADABLE,
                hint="Copy the model folder again from its source.",
            ) from None
        except ForeignFileError as error:
            raise ModelError(
                f"File {self.name} of model {label} is not read: {error}.",
                file=self.name,
                code=ErrorCode.UNREADABLE,
            ) from None
        self.check(data, folder)
        return data

    def check(self, data: bytes, folder: Path) -> None:
        """Check that ``data`` is this file's content.

        Raises:
            ChecksumError: If it is not.
        """
        digest, label = hashlib.sha256(data).hexdigest(), make_folder_name(folder)
        if len(data) != self.size or digest != self.sha256:
            raise ChecksumError(
                f"File {self.name} of model {label} is damaged or was replaced: it must have {self.size} bytes "
                f"and the checksum {self.sha256[:12]}…. Received: {len(data)} bytes, {digest[:12]}….",
                file=self.name,
                reason="The file is damaged or was replaced.",
                hint="Copy the model folder again from its source.",
            )
