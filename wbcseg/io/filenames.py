"""Format file names for messages, and make them safe to write to a folder."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

MAX_STEM_LENGTH: Final = 100
"""Maximum number of characters of a stem."""

MAX_STEM_BYTES: Final = 200
"""Maximum number of bytes of a stem in UTF-8: common file systems limit a whole name to 255."""

_DEVICE_NAMES: Final = [f"{port}{digit}" for port in ("com", "lpt") for digit in "0123456789¹²³"]
_RESERVED_NAMES: Final = frozenset(("con", "prn", "aux", "nul", "conin$", "conout$", *_DEVICE_NAMES))
_FORBIDDEN_CHARACTERS: Final = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f]')


def format_display_name(name: str) -> str:
    """Return a name for use in a message: printable, at most 80 characters. HTML is not escaped."""
    text = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in name)
    return text if len(text) <= 80 else f"{text[:50]}…{text[-29:]}"


def make_safe_stem(name: str, used_names: set[str]) -> str:
    """Return a stem for a file that stays within its folder and does not overwrite another.

    Separators, control characters and characters that Windows forbids become ``_``; leading dots and trailing dots and
    spaces are removed; Unicode letters are kept, in composed form (NFC). A long stem is shortened in the middle, and a
    used one gets a number: ``cell``, ``cell-2``, ``cell-3``. Upper and lower case count as the same.

    Args:
        name: A file name from a user or an archive, with or without folders and suffix.
        used_names: Stems already in use; the new one is added, as it is and in lower case.

    Returns:
        One to 100 characters.
    """
    # Of "../../etc/passwd" or "C:\\x\\cell.png", only the last part counts.
    file_name = re.split(r"[/\\]", name.rstrip("/\\"))[-1]
    stem, dot, suffix = file_name.rpartition(".")
    if not dot or not stem.strip(".") or not re.fullmatch(r"[A-Za-z0-9]{1,5}", suffix):
        stem = file_name
    return make_safe_name(stem, used_names)


def make_safe_name(text: str, used_names: set[str]) -> str:
    """Return any text as a name for a file or folder; like :func:`make_safe_stem`, but without removing a suffix.

    Args:
        text: Any text.
        used_names: Names already in use; the new one is added, as it is and in lower case.

    Returns:
        One to 100 characters.
    """
    text = unicodedata.normalize("NFC", text)
    text = "".join(
        character if character.isprintable() else " " if unicodedata.category(character) == "Zs" else "_"
        for character in text
    )
    text = _FORBIDDEN_CHARACTERS.sub("_", text).strip().lstrip(".").rstrip(". ") or "image"
    if text.split(".")[0].strip().casefold() in _RESERVED_NAMES:
        text = f"_{text}"
    number, unique = 1, _shorten(text, "")
    while not used_names.isdisjoint((unique, unique.casefold())):
        number += 1
        unique = _shorten(text, f"-{number}")
    used_names.update((unique, unique.casefold()))
    return unique


def _shorten(stem: str, suffix: str) -> str:
    """Shorten a stem in the middle so that it and the suffix keep to both limits; names often differ at their ends."""
    max_length, max_bytes = MAX_STEM_LENGTH - len(suffix), MAX_STEM_BYTES - len(suffix.encode())
    shortened = stem
    while len(shortened) > max_length or len(shortened.encode("utf-8", "replace")) > max_bytes:
        length = min(len(shortened) - 1, max_length)
        tail_length = (length - 1) * 3 // 5
        shortened = f"{stem[: length - 1 - tail_length]}~{stem[len(stem) - tail_length :]}"
    return shortened.rstrip(". ") + suffix
