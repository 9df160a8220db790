"""Which cells are selected: in the gallery, the table or a plot, and what the browser says about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from wbcseg.errors import EditError, ErrorCode

MAX_SELECTED: Final = 50_000
"""Cells of a selection."""


@dataclass
class Selection:
    """The selected cells.

    Attributes:
        keys: Keys of the selected cells.
        focus: Key of the cell that is shown large; may be empty.
        version: How often the selection was changed elsewhere than in the browser's component.
        sent: The keys that were selected elsewhere last.
    """

    keys: tuple[str, ...] = ()
    focus: str = ""
    version: int = 0
    sent: tuple[str, ...] = ()

    def select(self, keys: Iterable[str]) -> None:
        """Select cells in a plot, so that the gallery and the table follow."""
        self.keys = self.sent = tuple(keys)
        self.focus = self.keys[0] if self.keys else self.focus
        self.version += 1

    def to_props(self) -> dict[str, Any]:
        """Return what the component needs to know."""
        return {"version": self.version, "keys": list(self.sent)}


def read_look(value: object) -> tuple[str, str, tuple[str, ...]]:
    """Read where the user is in the component.

    Args:
        value: Anything.

    Returns:
        The digest of the list of cells that was shown, the key of the active cell, and those of the selected ones.

    Raises:
        EditError: If it is not such a message.
    """
    if not isinstance(value, Mapping):
        raise EditError("It must be a mapping.")
    digest, focus, keys = value.get("digest"), value.get("focus") or "", value.get("selection")
    if not isinstance(digest, str) or not isinstance(focus, str) or not isinstance(keys, list):
        raise EditError("It must have a digest, a focus and a selection.")
    if len(keys) > MAX_SELECTED:
        raise EditError(f"Up to {MAX_SELECTED} cells can be selected.", code=ErrorCode.TOO_LARGE)
    if not all(isinstance(key, str) for key in keys):
        raise EditError("A selection must consist of keys of cells.")
    return digest, focus, tuple(keys)
