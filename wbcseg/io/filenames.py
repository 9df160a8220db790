"""File names: shown in messages, and made safe to write into a folder."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

MAX_STEM_LENGTH: Final = 100
"""Most characters of a stem; with a suffix it stays below every file system's limit of 255 bytes for Latin names."""

MAX_STEM_BYTES: Final = 200
"""Most bytes of a stem in UTF-8: the limit of common file systems is 255 for the whole name."""

_DEVICE_NAMES: Final = [f"{port}{digit}" for port in ("com", "lpt") for digit in "0123456789¹²³"]
_RESERVED_NAMES: Final = frozenset(("con", "prn", "aux", "nul", "conin$", "conout$", *_DEVICE_NAMES))
_FORBIDDEN_CHARACTERS: Final = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f]')


def format_display_name(name: str) -> str:
    """Return a name as it is put into a message: printable, at most 80 characters, HTML and formulas left as text."""
    text = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in name)
    return text if len(text) <= 80 else f"{text[:50]}…{text[-29:]}"


def make_safe_stem(name: str, used_names: set[str]) -> str:
    """Return a stem for a file that can be written into a folder without leaving it or replacing another.

    Separators, control characters and what Windows forbids become ``_``; leading dots and trailing dots and blanks go;
    Unicode letters stay (composed, so that the same name is the same on every system). A long one loses its middle, and
    one that is taken gets a number: ``cell``, ``cell-2``, ``cell-3``. Stems that differ in case only count as one.

    Args:
        name: A file name with or without folders and suffix, as it came from a user or an archive.
        used_names: Stems that were given out; the new one is added, as it is and in lower case.

    Returns:
        One to 100 characters.
    """
    # A name such as "../../etc/passwd" or "C:\\x\\cell.png" stands for its last part.
    file_name = re.split(r"[/\\]", name.rstrip("/\\"))[-1]
    stem, dot, suffix = file_name.rpartition(".")
    if not dot or not stem.strip(".") or not re.fullmatch(r"[A-Za-z0-9]{1,5}", suffix):
        stem = file_name
    return make_safe_name(stem, used_names)


def make_safe_name(text: str, used_names: set[str]) -> str:
    """Return any text as a name for a file or folder; as :func:`make_safe_stem`, but nothing is taken for a suffix.

    Args:
        text: What the name is made from.
        used_names: Names that were given out; the new one is added, as it is and in lower case.

    Returns:
        One to 100 characters.
    """
    text = unicodedata.normalize("NFC", text)
    text = "".join(
        character if character.isprintable() else " " if unicodedata.category(character) == "Zs" else "_"
        for character in text
    )
    text = _FORBIDDEN_CHARACTERS.sub("_", text).strip().lstrip(".").rstrip(". ") or "picture"
    if text.split(".")[0].strip().casefold() in _RESERVED_NAMES:
        text = f"_{text}"
    number, unique = 1, _shorten(text, "")
    while not used_names.isdisjoint((unique, unique.casefold())):
        number += 1
        unique = _shorten(text, f"-{number}")
    used_names.update((unique, unique.casefold()))
    return unique


def _shorten(stem: str, suffix: str) -> str:
    """Cut a stem so that with its ending it keeps to both limits: in the middle, because names differ at their ends."""
    max_length, max_bytes = MAX_STEM_LENGTH - len(suffix), MAX_STEM_BYTES - len(suffix.encode())
    shortened = stem
    while len(shortened) > max_length or len(shortened.encode("utf-8", "replace")) > max_bytes:
        length = min(len(shortened) - 1, max_length)
        tail_length = (length - 1) * 3 // 5
        shortened = f"{stem[: length - 1 - tail_length]}~{stem[len(stem) - tail_length :]}"
    return shortened.rstrip(". ") + suffix
