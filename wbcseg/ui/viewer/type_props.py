"""The types of cells as the viewer and the list beside it get them; the JavaScript reads them by these names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from wbcseg.differential import ASSIGNABLE_TYPES, TYPE_COLOURS, TYPE_SHORT_NAMES


@dataclass(frozen=True)
class TypeChoice:
    """A type that a cell can have.

    Attributes:
        title: Its name for people.
        short: Its short name, for where space is little.
        colour: Its colour, as ``#rrggbb``; the same on all pages.
    """

    title: str
    short: str
    colour: str


TYPE_CHOICES: Final = tuple(
    TypeChoice(name.capitalize(), TYPE_SHORT_NAMES[name], TYPE_COLOURS[name]) for name in ASSIGNABLE_TYPES
)
"""The types in the order of :data:`wbcseg.differential.ASSIGNABLE_TYPES` and of the keys 1 to 9."""


def get_type_index(name: str) -> int:
    """Return the place of a type in :data:`TYPE_CHOICES`; -1 without one."""
    return ASSIGNABLE_TYPES.index(name) if name in ASSIGNABLE_TYPES else -1
