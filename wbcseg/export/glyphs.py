"""The letters that the report's font has."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any, Final

from wbcseg.printable import make_printable

FONTS: Final = Path(__file__).parent / "pdf" / "fonts"
REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"

_LAST_EUROPEAN: Final = "\u017f"
"""The font has all letters up to this one, so that most texts need not be looked up in it."""


def to_glyphs(text: Any, *, keep_lines: bool = False) -> str:
    """Return a text with the characters that the report's font has; others become U+FFFD.

    The PDF library would log characters that are missing, which may be part of a name.
    """
    has_glyph = _get_glyph_test()
    printable = make_printable(str(text), keep_lines=keep_lines)
    return "".join(
        each if each == "\n" or has_glyph(each) else " " if each.isspace() else REPLACEMENT for each in printable
    )


@cache
def _get_glyph_test() -> Callable[[str], bool]:
    from fontTools.ttLib import TTFont

    with TTFont(FONTS / "DejaVuSansCondensed.ttf") as font:
        codes = frozenset(font.getBestCmap())
    return lambda character: ord(character) in codes


def find_unprintable(texts: Iterable[str]) -> str:
    """Return the letters of texts that the report cannot print, each once, in order.

    Args:
        texts: Any texts, such as names of images.
    """
    letters = dict.fromkeys(
        letter for text in texts if not text.isascii() for letter in make_printable(text) if letter > _LAST_EUROPEAN
    )
    return "".join(letter for letter in letters if to_glyphs(letter) == REPLACEMENT)
