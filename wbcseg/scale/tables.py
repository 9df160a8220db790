"""The tables of cells, images and problems as Arrow tables, with the same columns in every part.

Their columns are those of ``cells.csv`` and ``images.csv``, without the running number of the image, which depends on
the other images. Numbers are numbers; what does not apply is null.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import pyarrow as pa

from wbcseg.celltypes import TYPE_NAMES
from wbcseg.export import build_cell_rows, build_image_rows, format_column_name
from wbcseg.export.csv import format_probability_column
from wbcseg.features import FEATURES
from wbcseg.metrics import REGIONS
from wbcseg.results import ImageReport

INTEGERS: Final = frozenset(
    ("width", "height", "cell_index", "counted", "in_region", "bbox_x", "bbox_y", "cells", "cells_cut_by_edge")
)
"""Columns of whole numbers, besides those that begin with ``cells_``."""

PROBLEM_SCHEMA: Final = pa.schema([(name, pa.string()) for name in ("image", "code", "reason", "hint")])


def build_cell_table(
    reports: Sequence[ImageReport], *, pixel_size: float | None, edge_rule: str, types: bool
) -> pa.Table:
    """Return the cells of images.

    Args:
        reports: The images.
        pixel_size: Pixel size in µm, or ``None``.
        edge_rule: Which of the cells cut by the image edge count.
        types: Whether there are columns for the probabilities of the types.
    """
    (base_header,) = build_cell_rows([], pixel_size=pixel_size, edge_rule=edge_rule)
    header = [*base_header, *(f"dice_{region}" for region in REGIONS)]
    header += ["subtype", *(format_probability_column(name) for name in TYPE_NAMES)] if types else []
    measured = {format_column_name(name, pixel_size) for name in FEATURES} | {"type_probability"}
    rows = build_cell_rows(reports, pixel_size=pixel_size, edge_rule=edge_rule)
    return _build_table(rows, header, measured)


def build_image_table(reports: Sequence[ImageReport], *, edge_rule: str) -> pa.Table:
    """Return the counts of cells of images."""
    rows = build_image_rows(reports, edge_rule=edge_rule)
    return _build_table(rows, rows[0], set())


def build_problem_table(reports: Sequence[ImageReport]) -> pa.Table:
    """Return why images could not be used."""
    problems = [(report.name, report.problem) for report in reports if report.problem]
    return pa.Table.from_pylist(
        [
            {"image": name, "code": str(problem.code), "reason": problem.reason or str(problem), "hint": problem.hint}
            for name, problem in problems
        ],
        schema=PROBLEM_SCHEMA,
    )


def _build_table(rows: Sequence[Sequence[str]], header: Sequence[str], floats: set[str]) -> pa.Table:
    present, *records = rows
    names = [name for name in header if name != "image_index"]
    schema = pa.schema([(name, _choose_type(name, floats)) for name in names])
    columns: dict[str, list[Any]] = {}
    for name in names:
        position = present.index(name) if name in present else -1
        texts = [record[position] if position >= 0 else "" for record in records]
        columns[name] = [_parse(text, schema.field(name).type) for text in texts]
    return pa.Table.from_pydict(columns, schema=schema)


def _choose_type(name: str, floats: set[str]) -> pa.DataType:
    if name in INTEGERS or name.startswith("cells_"):
        return pa.int64()
    if name in floats or name.startswith(("dice_", "probability_")):
        return pa.float64()
    return pa.string()


def _parse(text: str, kind: pa.DataType) -> Any:
    if kind == pa.string():
        return text
    if not text:
        return None
    return int(text) if kind == pa.int64() else float(text)
