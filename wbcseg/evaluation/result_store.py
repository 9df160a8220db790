"""Result files: JSON that stores lists of records as tables.

A list of records with the same keys, such as the metrics of each image, is written as
``{"columns": ["id", "dice.nucleus", …], "rows": [["zheng-1/001", 0.98, …], …]}``, one row on each line; a dot separates
the keys of nested records. This takes a quarter of the space and is easy to read and to diff.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from wbcseg.io.atomic import write_bytes

TABLE_KEYS: Final = {"columns", "rows"}
"""Keys of a table."""


def write_result(target: Path, values: Mapping[str, Any]) -> None:
    """Write a result atomically.

    Args:
        target: The file.
        values: JSON values, with lists of records as they are.

    Raises:
        ValueError: If a number is not finite, a key of a record has a dot, or a record's only keys are ``columns`` and
            ``rows``.
    """
    write_bytes(target, (_format_json(_encode_tables(values)) + "\n").encode())


def read_result(path: Path) -> dict[str, Any]:
    """Return the values that :func:`write_result` wrote."""
    values: dict[str, Any] = decode_tables(json.loads(path.read_text(encoding="utf-8")))
    return values


def _encode_tables(value: Any) -> Any:
    """Return JSON values with each list of records as a table."""
    if isinstance(value, Mapping):
        if value.keys() == TABLE_KEYS:
            raise ValueError("A record cannot have only the keys of a table: columns and rows.")
        return {name: _encode_tables(item) for name, item in value.items()}
    if not isinstance(value, Sequence) or isinstance(value, str):
        return value
    if not value or not all(isinstance(item, Mapping) for item in value):
        return [_encode_tables(item) for item in value]
    records = [dict(_flatten_record(item)) for item in value]
    columns = list(records[0])
    if any(list(record) != columns for record in records):
        return [_encode_tables(item) for item in value]
    return {"columns": columns, "rows": [list(record.values()) for record in records]}


def _flatten_record(record: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the values of a record with their dotted keys."""
    for name, value in record.items():
        if "." in name:
            raise ValueError(f"A key cannot have a dot. Received: {name}")
        if isinstance(value, Mapping) and value:
            yield from _flatten_record(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def decode_tables(value: Any) -> Any:
    """Return JSON values with each table as the list of records that it was made of."""
    """Return JSON values with each table as a list of records."""
    if isinstance(value, dict) and value.keys() == TABLE_KEYS:
        paths = [tuple(column.split(".")) for column in value["columns"]]
        return [_unflatten_record(paths, row) for row in value["rows"]]
    if isinstance(value, dict):
        return {name: decode_tables(item) for name, item in value.items()}
    if isinstance(value, list):
        return [decode_tables(item) for item in value]
    return value


def _unflatten_record(paths: Sequence[tuple[str, ...]], row: Sequence[Any]) -> dict[str, Any]:
    record: dict[str, Any] = {}
    for path, value in zip(paths, row, strict=True):
        node = record
        for name in path[:-1]:
            node = node.setdefault(name, {})
        node[path[-1]] = value
    return record


def _format_json(value: Any, indent: str = "") -> str:
    """Return JSON with one line for each entry and each list of plain values."""
    deeper = indent + " "
    if isinstance(value, Mapping) and value:
        lines = [f"{deeper}{_format_json(name)}: {_format_json(item, deeper)}" for name, item in value.items()]
        return "{\n" + ",\n".join(lines) + f"\n{indent}}}"
    if isinstance(value, Sequence) and value and all(isinstance(item, (Mapping, list)) for item in value):
        return "[\n" + ",\n".join(deeper + _format_json(item, deeper) for item in value) + f"\n{indent}]"
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
