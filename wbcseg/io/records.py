"""Read dataclasses from JSON values, with every value checked against the type of its field."""

from __future__ import annotations

import dataclasses
import functools
import math
import types
from collections.abc import Hashable, Mapping
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

Record = TypeVar("Record")


def read_record(record_type: type[Record], values: object, name: str = "") -> Record:
    """Return a dataclass from JSON values.

    Fields may be ``int``, ``float`` (finite), ``str``, ``bool``, dataclasses, ``tuple[X, ...]`` (from a list),
    ``Mapping[str, X]``, and any of these or ``None``. Fields with a default may be missing.

    Args:
        record_type: The dataclass.
        values: The JSON object.
        name: What messages call the object.

    Raises:
        ValueError: If a value is missing, unknown or of another type, or a number is not finite.
    """
    if not isinstance(values, dict):
        raise ValueError(f"{name or record_type.__name__} must be an object. Received: {values!r:.40}")
    hints = _get_hints(cast("Hashable", record_type))
    fields = dataclasses.fields(record_type)  # type: ignore[arg-type]
    missing = [
        field.name
        for field in fields
        if field.name not in values
        and field.default is dataclasses.MISSING
        and field.default_factory is dataclasses.MISSING
    ]
    if missing or (unknown := sorted(set(values) - {field.name for field in fields})):
        problem = f"has no {', '.join(missing)}" if missing else f"has the unknown {', '.join(unknown)}"
        raise ValueError(f"{name or record_type.__name__} {problem}")
    prefix = f"{name}." if name else ""
    return record_type(**{key: _read_value(hints[key], value, f"{prefix}{key}") for key, value in values.items()})


@functools.lru_cache(maxsize=64)
def _get_hints(record_type: Hashable) -> dict[str, Any]:
    return get_type_hints(record_type)


def _read_value(expected: Any, value: Any, name: str) -> Any:
    origin, arguments = get_origin(expected), get_args(expected)
    if origin in (Union, types.UnionType):
        if value is None and types.NoneType in arguments:
            return None
        (expected,) = (argument for argument in arguments if argument is not types.NoneType)
        return _read_value(expected, value, name)
    if origin is tuple and isinstance(value, list):
        return tuple(_read_value(arguments[0], item, f"{name}[{index}]") for index, item in enumerate(value))
    if origin is not None and issubclass(origin, Mapping) and isinstance(value, dict):
        return {key: _read_value(arguments[1], item, f"{name}.{key}") for key, item in value.items()}
    if dataclasses.is_dataclass(expected) and isinstance(expected, type):
        return read_record(expected, value, name)
    if expected is float and isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    if expected in (int, str, bool) and type(value) is expected:
        return value
    raise ValueError(f"{name} must be {_describe_type(expected)}. Received: {value!r:.40}")


def _describe_type(expected: Any) -> str:
    names = {float: "a finite number", int: "a whole number", str: "text", bool: "true or false"}
    return names.get(expected) or {tuple: "a list"}.get(get_origin(expected), "an object")
