"""Make text from outside printable: names, notes and messages must not move a cursor or add a line."""

from __future__ import annotations

import unicodedata
from typing import Final

_BIDI_CONTROLS: Final = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_REPLACED: Final = frozenset(("Cs", "Co", "Cn"))
_SPACES: Final = frozenset(("Cc", "Zl", "Zp"))


def make_printable(text: str, *, keep_lines: bool = False) -> str:
    """Return a text in which nothing controls a terminal, a page or the direction of writing.

    Control characters and line breaks become spaces, characters that turn the direction of writing vanish, and what is
    not a character (a half of a surrogate pair, as in names that are not UTF-8) becomes U+FFFD.

    Args:
        text: Any text.
        keep_lines: Whether to keep line breaks and tabs.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_replace_character(character, keep_lines=keep_lines) for character in text)


def _replace_character(character: str, *, keep_lines: bool) -> str:
    if character.isprintable() or (keep_lines and character in "\n\t"):
        return character
    if character in _BIDI_CONTROLS:
        return ""
    category = unicodedata.category(character)
    if category in _SPACES:
        return " "
    return "\N{REPLACEMENT CHARACTER}" if category in _REPLACED else character
