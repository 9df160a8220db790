"""Errors of ``card.json``, the same for all kinds of models."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from wbcseg.errors import ErrorCode, ModelError, WbcsegError
from wbcseg.io.foreign import make_folder_name

CARD_FILE: Final = "card.json"


@contextmanager
def translate_card_errors(folder: Path, kind: str) -> Iterator[None]:
    """Raise a :class:`ModelError` for whatever goes wrong in the block, which reads a folder's card.

    Args:
        folder: The folder.
        kind: What it should be, such as ``cell detector``.
    """
    label = make_folder_name(folder)
    try:
        yield
    except ModelError:
        raise
    except FileNotFoundError:
        raise ModelError(
            f"Folder {label} is not a {kind}: it has no {CARD_FILE}.",
            file=CARD_FILE,
            code=ErrorCode.NOT_FOUND,
            hint="Copy the folder again from its source.",
        ) from None
    except OSError as error:
        raise ModelError(
            f"The card of {kind} {label} could not be read: {error.strerror or error}.",
            file=CARD_FILE,
            code=ErrorCode.UNREADABLE,
        ) from None
    except (ValueError, KeyError, TypeError, AttributeError, WbcsegError) as error:
        raise ModelError(
            f"The card of {kind} {label} is not valid ({type(error).__name__}: {error!s:.300}).",
            file=CARD_FILE,
            code=ErrorCode.DAMAGED,
        ) from None
