"""What a person does in the workbench: files cells under types, undoes, redoes.

The value ``operations`` of the component is a mapping::

    {"digest": "…",      # of the list of cells that was shown
     "client": "…",      # the browser's page
     "list": [{"n": 1, "kind": "set_type", "keys": ["0.1", …], "type": 3}, {"n": 2, "kind": "undo"}, …]}

The list has everything that was not confirmed yet: Streamlit keeps only the last of several values. Types are
corrections of the images (:mod:`wbcseg.ui.corrections`); an operation may concern many of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from wbcseg.differential import ASSIGNABLE_TYPES
from wbcseg.errors import EditError, ErrorCode
from wbcseg.pipeline import Edit
from wbcseg.ui.corrections import CorrectionKey, append_edit, remove_edit

MAX_OPERATIONS: Final = 500
"""Operations of one message."""

MAX_CELLS: Final = 50_000
"""Cells of one operation."""

MAX_STEPS: Final = 1000
"""Steps that can be undone."""

Step = tuple[tuple[CorrectionKey, Edit], ...]
"""The edits of one operation, by image."""


@dataclass(frozen=True)
class Operation:
    """One thing that a person did.

    Attributes:
        number: Its number, counted by the browser.
        kind: What it was.
        keys: Keys of the cells that were filed.
        type: The type that they were filed under.
    """

    number: int
    kind: Literal["set_type", "undo", "redo"]
    keys: tuple[str, ...] = ()
    type: str = ""


@dataclass
class History:
    """What was done, so that it can be undone.

    Attributes:
        done: The steps in force, the last one at the end.
        undone: The steps that can be redone.
        confirmed: Number of the last operation that was done, by the browser's page.
    """

    done: list[Step] = field(default_factory=list)
    undone: list[Step] = field(default_factory=list)
    confirmed: dict[str, int] = field(default_factory=dict)
    client: str = ""

    def to_props(self) -> dict[str, Any]:
        """Return what the browser needs to know."""
        return {
            "client": self.client,
            "done": self.confirmed.get(self.client, 0),
            "undo": len(self.done),
            "redo": len(self.undone),
        }

    def perform(
        self, client: str, operations: list[Operation], targets: Mapping[str, tuple[CorrectionKey, int]]
    ) -> None:
        """Do what a browser asks for and was not done yet.

        Args:
            client: The browser's page.
            operations: Its operations, in order.
            targets: The image and the id of each cell by its key; a cell that is not among them is left out.
        """
        self.client = client
        for operation in operations:
            if operation.number <= self.confirmed.get(client, 0):
                continue
            self.confirmed[client] = operation.number
            if operation.kind == "set_type":
                self._do(_build_step(operation, targets))
                self.undone.clear()
            elif operation.kind == "undo" and self.done:
                step = self.done.pop()
                for key, edit in reversed(step):
                    remove_edit(key, edit)
                self.undone.append(step)
            elif operation.kind == "redo" and self.undone:
                self._do(self.undone.pop())

    def _do(self, step: Step) -> None:
        if not step:
            return
        for key, edit in step:
            append_edit(key, edit)
        self.done.append(step)
        del self.done[:-MAX_STEPS]


def read_operations(value: object) -> tuple[str, str, list[Operation]]:
    """Read what the browser sent.

    Args:
        value: Anything.

    Returns:
        The digest of the list of cells that was shown, the browser's page, and its operations.

    Raises:
        EditError: If it is not such a message.
    """
    if not isinstance(value, Mapping):
        raise EditError("Operations must be a mapping.")
    digest, client, items = (value.get(name) for name in ("digest", "client", "list"))
    if not isinstance(digest, str) or not isinstance(client, str) or len(client) > 40 or not isinstance(items, list):
        raise EditError("Operations must have a digest, a client and a list.")
    if len(items) > MAX_OPERATIONS:
        raise EditError(f"A message can have up to {MAX_OPERATIONS} operations.", code=ErrorCode.TOO_LARGE)
    return digest, client, [_read_operation(item) for item in items]


def _read_operation(value: object) -> Operation:
    if not isinstance(value, Mapping):
        raise EditError("An operation must be a mapping.")
    number, kind = value.get("n"), value.get("kind")
    if isinstance(number, bool) or not isinstance(number, int) or not 0 < number < 2**53:
        raise EditError("An operation must have a number.")
    if kind in ("undo", "redo"):
        return Operation(number, kind)
    keys, cell_type = value.get("keys"), value.get("type")
    if kind != "set_type" or not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise EditError("An operation must be set_type with keys of cells, undo or redo.")
    if len(keys) > MAX_CELLS:
        raise EditError(f"An operation can concern up to {MAX_CELLS} cells.", code=ErrorCode.TOO_LARGE)
    is_type = isinstance(cell_type, int) and not isinstance(cell_type, bool) and 0 <= cell_type < len(ASSIGNABLE_TYPES)
    if not isinstance(cell_type, int) or not is_type:
        raise EditError(f"An operation must have the number of a type. Received: {str(cell_type)[:40]}")
    return Operation(number, "set_type", tuple(keys), ASSIGNABLE_TYPES[cell_type])


def _build_step(operation: Operation, targets: Mapping[str, tuple[CorrectionKey, int]]) -> Step:
    ids: dict[CorrectionKey, list[int]] = {}
    for key in dict.fromkeys(operation.keys):
        if key in targets:
            image, cell_id = targets[key]
            ids.setdefault(image, []).append(cell_id)
    return tuple((image, Edit("set_type", tuple(each), type=operation.type)) for image, each in ids.items())
