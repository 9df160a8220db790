"""Read corrections of cells from values that a browser sent."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final, NoReturn, get_args

from wbcseg.differential import ASSIGNABLE_TYPES
from wbcseg.errors import EditError, ErrorCode
from wbcseg.pipeline.edits import Edit, EditKind, Point

MAX_EDITS: Final = 2000
"""Edits of one image."""

MAX_LINE_POINTS: Final = 200
"""Points of a line that splits a cell."""

MAX_POINTS: Final = 2000
"""Corners of a region."""

MAX_MASK_LENGTH: Final = 5_000_000
"""Characters of a drawn mask."""

MAX_COORDINATE: Final = 1e6
"""Largest absolute value of a coordinate; a line may begin outside the image."""


def parse_edits(value: object) -> tuple[Edit, ...]:
    """Read a list of edits, each with the keys ``kind``, ``ids``, ``points``, ``box``, ``type`` and ``mask``.

    Args:
        value: JSON values from anywhere.

    Raises:
        EditError: If it is not such a list; code ``too_large`` or ``invalid_value``.
    """
    if not isinstance(value, list | tuple):
        _reject("edits", "a list", value)
    if len(value) > MAX_EDITS:
        raise EditError(
            f"An image can have up to {MAX_EDITS} corrections. Received: {len(value)}.", code=ErrorCode.TOO_LARGE
        )
    return tuple(map(_parse_edit, value))


def parse_points(value: object, *, at_least: int = 1, at_most: int = MAX_POINTS) -> tuple[Point, ...]:
    """Read a list of points.

    Args:
        value: JSON values from anywhere.
        at_least: Smallest number of points.
        at_most: Largest number of points.

    Raises:
        EditError: If it is not such a list; code ``too_large`` or ``invalid_value``.
    """
    if not isinstance(value, list | tuple) or len(value) < at_least:
        _reject("points", f"a list of at least {at_least} points", value)
    if len(value) > at_most:
        raise EditError(f"It can have up to {at_most} points. Received: {len(value)}.", code=ErrorCode.TOO_LARGE)
    return tuple((x, y) for x, y in (_parse_numbers(point, 2) for point in value))


def _parse_edit(value: object) -> Edit:
    if not isinstance(value, Mapping):
        _reject("edit", "a mapping", value)
    kind: Any = value.get("kind")
    match kind:
        case "add_point":
            return Edit(kind, points=parse_points(value.get("points"))[:1])
        case "add_box":
            x1, y1, x2, y2 = _parse_numbers(value.get("box"), 4)
            return Edit(kind, box=(min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)))
        case "split":
            line = parse_points(value.get("points"), at_least=2, at_most=MAX_LINE_POINTS)
            return Edit(kind, _parse_ids(value.get("ids"))[:1], line)
    if kind not in get_args(EditKind):
        _reject("kind", f"one of {', '.join(get_args(EditKind))}", kind)
    if kind == "paint":
        mask = value.get("mask")
        if not isinstance(mask, str) or not 0 < len(mask) <= MAX_MASK_LENGTH:
            _reject("mask", f"run lengths of up to {MAX_MASK_LENGTH} characters", mask)
        return Edit(kind, mask=mask)
    if kind == "set_type":
        cell_type = value.get("type")
        if not isinstance(cell_type, str) or cell_type not in ASSIGNABLE_TYPES:
            _reject("type", f"one of {', '.join(ASSIGNABLE_TYPES)}", cell_type)
        return Edit(kind, _parse_ids(value.get("ids")), type=cell_type)
    return Edit(kind, _parse_ids(value.get("ids")))


def _parse_ids(value: object) -> tuple[int, ...]:
    """Read ids of cells, each once, in order."""
    ids = value if isinstance(value, Sequence) and not isinstance(value, str) else ()
    if any(isinstance(item, bool) or not isinstance(item, int) or not 0 < item < 2**16 for item in ids):
        _reject("ids", "ids of cells", value)
    return tuple(dict.fromkeys(ids))


def _parse_numbers(value: object, count: int) -> tuple[float, ...]:
    """Read coordinates."""
    if not isinstance(value, list | tuple) or len(value) != count:
        _reject("coordinates", f"{count} numbers", value)
    for item in value:
        is_number = isinstance(item, int | float) and not isinstance(item, bool)
        if not is_number or abs(item) > MAX_COORDINATE or math.isnan(item):
            _reject("coordinates", f"finite numbers up to {MAX_COORDINATE:g}", value)
    return tuple(float(item) for item in value)


def _reject(name: str, expected: str, value: object) -> NoReturn:
    raise EditError(f"Corrections: `{name}` must be {expected}. Received: {str(value)[:80]}")
