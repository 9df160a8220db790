"""Files of results: JSON in which the rows of a table are lines.

A list of records with the same entries, such as the scores of every picture, is written as
``{"columns": ["id", "dice.nucleus", …], "rows": [["zheng-1/001", 0.98, …], …]}``, a row a line; a dot stands for an
entry within an entry. That is a quarter of the size of the records, and reads like a table.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from wbcseg.io.atomic import write_bytes

TABLE_KEYS: Final = {"columns", "rows"}
"""Entries of a table."""


def write_result(target: Path, values: Mapping[str, Any]) -> None:
    """Write a result atomically.

    Args:
        target: The file.
        values: What it is to hold: JSON values, with lists of records as they are.

    Raises:
        ValueError: If a number is not finite, the name of an entry in a record has a dot, or a record has nothing but
            ``columns`` and ``rows``.
    """
    write_bytes(target, (_format_json(_encode_tables(values)) + "\n").encode())


def read_result(path: Path) -> dict[str, Any]:
    """Return a result as it was given to :func:`write_result`."""
    values: dict[str, Any] = _decode_tables(json.loads(path.read_text(encoding="utf-8")))
    return values


def _encode_tables(value: Any) -> Any:
    """Return JSON values with a table for every list of records."""
    if isinstance(value, Mapping):
        if value.keys() == TABLE_KEYS:
            raise ValueError("A record cannot have the entries of a table alone: columns and rows.")
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
    """Yield the entries of a record with their paths."""
    for name, value in record.items():
        if "." in name:
            raise ValueError(f"The name of an entry cannot have a dot. Received: {name}")
        if isinstance(value, Mapping) and value:
            yield from _flatten_record(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def _decode_tables(value: Any) -> Any:
    """Return JSON values with a list of records for every table."""
    if isinstance(value, dict) and value.keys() == TABLE_KEYS:
        return [_unflatten_record(value["columns"], row) for row in value["rows"]]
    if isinstance(value, dict):
        return {name: _decode_tables(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_decode_tables(item) for item in value]
    return value


def _unflatten_record(columns: Sequence[str], row: Sequence[Any]) -> dict[str, Any]:
    record: dict[str, Any] = {}
    for column, value in zip(columns, row, strict=True):
        *path, last = column.split(".")
        node = record
        for name in path:
            node = node.setdefault(name, {})
        node[last] = value
    return record


def _format_json(value: Any, indent: str = "") -> str:
    """Return JSON with a line for every entry and for every list that holds single values."""
    deeper = indent + " "
    if isinstance(value, Mapping) and value:
        lines = [f"{deeper}{_format_json(name)}: {_format_json(item, deeper)}" for name, item in value.items()]
        return "{\n" + ",\n".join(lines) + f"\n{indent}}}"
    if isinstance(value, Sequence) and value and all(isinstance(item, (Mapping, list)) for item in value):
        return "[\n" + ",\n".join(deeper + _format_json(item, deeper) for item in value) + f"\n{indent}]"
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
