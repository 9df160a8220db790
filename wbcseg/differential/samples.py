"""Group images into samples: by folder, or by a pattern of their names."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from wbcseg.errors import ConfigError

PLACEHOLDER: Final = "{sample}"
"""Stands for the sample's name in a pattern."""

MAX_PATTERN_LENGTH: Final = 100
MAX_WILDCARDS: Final = 4
"""More of them would make matching slow."""

NO_FOLDER: Final = ""
"""Sample of the images that are in no folder, or do not match a pattern."""


@dataclass(frozen=True)
class SamplePattern:
    """A pattern of file names, such as ``{sample}_*.png``: ``*`` is any text, ``?`` is any character.

    Attributes:
        text: The pattern. It is compared with the whole name without folders, with or without its extension, whatever
            the letter case. The sample's name ends where the pattern first fits.

    Raises:
        ConfigError: If it does not have ``{sample}`` exactly once, is too long or has too many wildcards.
    """

    text: str
    _regex: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.text.count(PLACEHOLDER) != 1:
            raise ConfigError(
                f"A pattern of names must have {PLACEHOLDER} exactly once, as in {PLACEHOLDER}_*. "
                f"Received: {self.text[:MAX_PATTERN_LENGTH]!r}"
            )
        if len(self.text) > MAX_PATTERN_LENGTH or self.text.count("*") > MAX_WILDCARDS:
            raise ConfigError(
                f"A pattern of names can have up to {MAX_PATTERN_LENGTH} characters and {MAX_WILDCARDS} asterisks."
            )
        object.__setattr__(self, "_regex", re.compile(_translate(self.text), re.IGNORECASE | re.DOTALL))

    def match(self, name: str) -> str:
        """Return the sample of an image; empty if its name does not match.

        Args:
            name: Name of the image, with or without folders.
        """
        filename = name.replace("\\", "/").rpartition("/")[2]
        stem = filename.rpartition(".")[0] or filename
        # Without the extension first: it is no part of a sample's name.
        match = self._regex.fullmatch(stem) or self._regex.fullmatch(filename)
        return match[1].strip() if match else NO_FOLDER


def group_by_folder(names: list[str]) -> dict[str, str]:
    """Return the folder of each image as its sample, without the folders that all of them share.

    Args:
        names: Names of the images, with their folders.
    """
    folders = {name: name.replace("\\", "/").split("/")[:-1] for name in names}
    shared = 0
    for parts in zip(*folders.values(), strict=False):
        if len(set(parts)) > 1:
            break
        shared += 1
    # Where all images are in one folder, its own name says most.
    is_single = len({tuple(parts) for parts in folders.values()}) == 1
    return {name: (parts[-1] if is_single and parts else "/".join(parts[shared:])) for name, parts in folders.items()}


def group_by_pattern(names: list[str], pattern: SamplePattern) -> dict[str, str]:
    """Return the sample of each image by a pattern; empty for names that do not match.

    Args:
        names: Names of the images.
        pattern: The pattern.
    """
    return {name: pattern.match(name) for name in names}


def _translate(pattern: str) -> str:
    """Return the regular expression of a pattern. Its time is linear in the length of a name."""
    literal, *rest = re.split(r"(\*|\{sample\})", pattern)
    regex, pairs = _escape(literal), list(zip(rest[::2], rest[1::2], strict=True))
    for index, (wildcard, following) in enumerate(pairs):
        part = ("(.+?)" if wildcard == PLACEHOLDER else ".*?") + _escape(following)
        # The first place where it fits is the best one, except at the end, where the rest has to fit, too.
        regex += part if index == len(pairs) - 1 else f"(?>{part})"
    return regex


def _escape(literal: str) -> str:
    return re.escape(literal).replace(r"\?", ".")
