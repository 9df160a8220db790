"""Merge the results of several models for one image into a report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from wbcseg.pipeline.edits import Edit, EditKind
from wbcseg.pipeline.image_result import ImageResult
from wbcseg.pipeline.thumbnails import render_field
from wbcseg.results import CellResult, ImageReport, Pixels

REPORT_IMAGE_SIDE: Final = 1000
"""Longer side of a field of view in a report, in pixels."""


def merge_results(results: Sequence[ImageResult]) -> ImageReport:
    """Return the report on one image.

    Args:
        results: The result of each model, at least one.
    """
    usable = [result for result in results if not result.problem]
    problems = list(dict.fromkeys(result.problem for result in results if result.problem))
    messages = [
        str(message)
        for result in usable
        for message in (result.mask_problem, *result.notices, describe_edits(result.edits))
        if message
    ]
    other_problems = map(str, problems if usable else problems[1:])
    return ImageReport(
        results[0].name,
        next((result.size for result in usable), None),
        tuple(cell for result in usable for cell in result.cells),
        tuple(result.model for result in usable),
        problem=None if usable else problems[0],
        note=" ".join(dict.fromkeys((*messages, *other_problems))),
        mask_rejected=any(result.mask_problem is not None for result in usable),
        field_renderers={
            result.model: build_field_renderer(result.load, result.cells)
            for result in usable
            if result.is_field_of_view and result.load is not None
        },
    )


def build_field_renderer(load: Callable[[], Pixels], cells: Sequence[CellResult]) -> Callable[[], NDArray[np.uint8]]:
    """Return a function that renders a field of view with the outlines and the numbers of its cells.

    Args:
        load: Returns the image, ``uint8[H, W, 3]``, and its class ids, ``uint8[H, W]``.
        cells: Its cells.
    """
    return partial(_render_field, load, tuple(cells))


def _render_field(load: Callable[[], Pixels], cells: tuple[CellResult, ...]) -> NDArray[np.uint8]:
    return render_field(*load(), cells, REPORT_IMAGE_SIDE)


def describe_edits(edits: Iterable[Edit]) -> str:
    """Return what a person corrected, such as “Cells corrected by a person: 2 added, 1 deleted.”; empty without edits.

    Args:
        edits: The corrections in force.
    """
    counts: Counter[str] = Counter()
    for edit in edits:
        counts[_PARTICIPLES[edit.kind]] += len(edit.ids) if edit.kind in ("delete", "set_type") else 1
    parts = [f"{counts[word]} {word}" for word in dict.fromkeys(_PARTICIPLES.values()) if counts[word]]
    return f"Cells corrected by a person: {', '.join(parts)}." if parts else ""


_PARTICIPLES: Final[dict[EditKind, str]] = {
    "add_point": "added",
    "add_box": "added",
    "delete": "deleted",
    "split": "split",
    "merge": "merged",
    "paint": "drawn",
    "set_type": "given a type",
}
