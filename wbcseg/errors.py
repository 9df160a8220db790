"""Every error that the package raises on purpose, and the record of a problem that does not stop the work.

An error carries fields, so that nothing needs to parse its text: a report without file names is built from ``reason``
and ``hint``, and a caller decides by ``code``. ``str(error)`` is written for people: it names the file, entry or value,
says what was expected and what was received, and what to do about it.

::

    WbcsegError
    ├── ImageError               an image cannot be read or is not acceptable
    ├── MaskError                an expert mask cannot be read or holds values that are not classes
    ├── EditError                a correction of the cells cannot be applied
    ├── DatasetError             a data set is missing or not as expected
    │   ├── PairingError         images and masks do not match
    │   ├── DownloadError        a download failed
    │   └── ManifestError        the data differ from what the manifest records
    ├── SplitError               a split of a data set is not acceptable
    │   └── LeakError            the same cell is on both sides of a split that must not leak
    ├── ConfigError              a setting is unknown or out of range
    ├── RunError                 a run folder cannot be used
    ├── TrainingError            a training run cannot continue
    │   └── NotEnoughMemoryError a training run needs more memory than is free
    └── ModelError               a model folder cannot be used
        ├── ChecksumError        a file differs from what the model card records
        └── WeightsError         the weights do not fit the network
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Self

from wbcseg.printable import make_printable


class ErrorCode(StrEnum):
    """What went wrong, as a word that stays the same from version to version."""

    # Reading files
    UNREADABLE = "unreadable"
    """The operating system could not read the file."""
    EMPTY = "empty"
    UNSUPPORTED_FORMAT = "unsupported_format"
    """The content is not one of the formats that are read."""
    UNSUPPORTED_ENCODING = "unsupported_encoding"
    """The format is read, but not with this compression, bit depth or pixel type."""
    TRUNCATED = "truncated"
    DAMAGED = "damaged"
    TOO_LARGE = "too_large"
    """Too many bytes, pixels, pages, parts or files."""
    TOO_SMALL = "too_small"
    NO_SUCH_PAGE = "no_such_page"
    CHANNELS_AS_PAGES = "channels_as_pages"
    """The pages may be the red, green and blue channel of one image; nothing says so."""
    ENCRYPTED = "encrypted"
    NESTED_ZIP = "nested_zip"
    DUPLICATE = "duplicate"
    NO_IMAGES = "no_images"
    # Masks
    MASK_VALUES = "mask_values"
    """The mask holds values that are not classes."""
    MASK_FORMAT = "mask_format"
    """The mask is in colour, transparent, lossily compressed or has several pages."""
    MASK_SWAPPED = "mask_swapped"
    """Nucleus and cytoplasm seem to be swapped in the mask."""
    MASK_INVERTED = "mask_inverted"
    """Cells and background seem to be swapped in the mask."""
    MASK_INSTANCES = "mask_instances"
    """The mask's values seem to be numbers of cells, not classes."""
    MASK_ONE_CLASS = "mask_one_class"
    """The mask has one class besides the background: whole cells, or only their nuclei."""
    MASK_EMPTY = "mask_empty"
    """The mask has no cell."""
    LOOKS_LIKE_MASK = "looks_like_mask"
    """The file was given as an image, but holds only the codes of a mask."""
    SIZE_MISMATCH = "size_mismatch"
    AMBIGUOUS_ORIENTATION = "ambiguous_orientation"
    MASK_WITHOUT_IMAGE = "mask_without_image"
    IMAGE_WITHOUT_MASK = "image_without_mask"
    UNKNOWN_FILE = "unknown_file"
    """The file is not part of the published data set."""
    AMBIGUOUS_MASK = "ambiguous_mask"
    """More than one image matches the mask."""
    # Processing
    OUT_OF_MEMORY = "out_of_memory"
    CANCELLED = "cancelled"
    INTERNAL = "internal"
    """A bug: an error that the package did not raise on purpose."""
    # Corrections
    NO_CELL = "no_cell"
    """No cell could be segmented there, or a part would not be a cell."""
    NOT_DIVIDED = "not_divided"
    """The line does not cross the cell."""
    TOO_FAR_APART = "too_far_apart"
    # Settings, models, runs, downloads
    INVALID_VALUE = "invalid_value"
    NOT_FOUND = "not_found"
    ALREADY_EXISTS = "already_exists"
    BUSY = "busy"
    INCOMPATIBLE = "incompatible"
    CHECKSUM_MISMATCH = "checksum_mismatch"
    DOWNLOAD_FAILED = "download_failed"
    WRITE_FAILED = "write_failed"
    DATA_LEAKAGE = "data_leakage"
    OTHER = "other"


@dataclass(frozen=True)
class Problem:
    """Why one file of many was not used, or not fully; the others go on.

    Attributes:
        message: What happened, in one or two sentences. They may name files.
        file: Name of the file.
        reason: Why, without the name of any file, since a name can be a patient's.
        code: What went wrong, for programs.
        hint: What to do about it, without the name of any file.
    """

    message: str
    file: str | None = None
    reason: str | None = None
    code: ErrorCode = ErrorCode.OTHER
    hint: str | None = None

    def __post_init__(self) -> None:
        """Make all text printable: it may quote names from outside."""
        for name in ("message", "file", "reason", "hint"):
            text = getattr(self, name)
            if text is not None:
                object.__setattr__(self, name, make_printable(text, keep_lines=True))

    def __str__(self) -> str:
        """Return the message and the hint."""
        return " ".join(filter(None, (self.message, self.hint)))

    @property
    def text_without_names(self) -> str | None:
        """Reason and hint: safe for a report that must not name files. ``None`` if the reason is not known."""
        return " ".join(filter(None, (self.reason, self.hint))) if self.reason else None


class WbcsegError(Exception):
    """Base of every error that the package raises on purpose.

    Args:
        message: What happened, in one or two sentences.
        file: Name of the file that it is about.
        reason: Why, without the name of any file.
        code: What went wrong, for programs; by default the class's :attr:`default_code`.
        hint: What to do about it; ``str(error)`` ends with it.

    Example:
        >>> error = MaskError("Mask a.png could not be read. It is blank.", file="a.png", reason="It is blank.")
        >>> error.to_problem().text_without_names
        'It is blank.'
    """

    default_code: ClassVar[ErrorCode] = ErrorCode.OTHER

    def __init__(
        self,
        message: str,
        *,
        file: str | None = None,
        reason: str | None = None,
        code: ErrorCode | None = None,
        hint: str | None = None,
    ) -> None:
        # The text may quote names from outside.
        self.message = make_printable(message, keep_lines=True)
        self.file, self.reason, self.hint = (
            None if text is None else make_printable(text, keep_lines=True) for text in (file, reason, hint)
        )
        super().__init__(" ".join(filter(None, (self.message, self.hint))))
        self.code = code or self.default_code

    @classmethod
    def from_problem(cls, problem: Problem) -> Self:
        """Return an error with the fields of a problem."""
        return cls(problem.message, file=problem.file, reason=problem.reason, code=problem.code, hint=problem.hint)

    def to_problem(self) -> Problem:
        """Return the error's fields without its traceback, which would keep images in memory."""
        return Problem(self.message, self.file, self.reason, self.code, self.hint)


class ImageError(WbcsegError):
    """An image cannot be read, or is not acceptable."""


class MaskError(WbcsegError):
    """An expert mask cannot be read, or holds values that are not classes."""


class EditError(WbcsegError):
    """A correction of the cells of an image cannot be applied."""

    default_code = ErrorCode.INVALID_VALUE


class DatasetError(WbcsegError):
    """A data set is missing, or not as expected."""


class PairingError(DatasetError):
    """Images and masks do not match."""


class DownloadError(DatasetError):
    """A download failed."""

    default_code = ErrorCode.DOWNLOAD_FAILED


class ManifestError(DatasetError):
    """The data differ from what the manifest records."""

    default_code = ErrorCode.CHECKSUM_MISMATCH


class SplitError(WbcsegError):
    """A split of a data set is not acceptable."""


class LeakError(SplitError):
    """The same cell is on both sides of a split that must not leak."""

    default_code = ErrorCode.DATA_LEAKAGE


class ConfigError(WbcsegError):
    """A setting is unknown or out of range."""

    default_code = ErrorCode.INVALID_VALUE


class RunError(WbcsegError):
    """A run folder cannot be used."""


class TrainingError(WbcsegError):
    """A training run cannot continue."""


class NotEnoughMemoryError(TrainingError):
    """A training run needs more memory than is free."""

    default_code = ErrorCode.OUT_OF_MEMORY


class ModelError(WbcsegError):
    """A model folder cannot be used."""


class ChecksumError(ModelError):
    """A file differs from what the model card records."""

    default_code = ErrorCode.CHECKSUM_MISMATCH


class WeightsError(ModelError):
    """The weights do not fit the network."""

    default_code = ErrorCode.INCOMPATIBLE
