"""Corrections of the cells of an image by a person: cells added, deleted, split and merged, and types changed.

A list of edits is always applied from the model's own result on, so a shorter list undoes. Cells keep their ids, an id
is never given twice, and the masks of different cells never overlap.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from wbcseg.differential import ASSIGNABLE_TYPES
from wbcseg.errors import EditError, ErrorCode, Problem
from wbcseg.inference import CellSegmenter, DetectedCell, Segmentation
from wbcseg.labels import decode_rle
from wbcseg.pipeline.reshape import (
    Line,
    convert_to_crop,
    convert_to_field,
    measure_crossing,
    merge_cells,
    paint_cells,
    split_cell,
)

EditKind = Literal["add_point", "add_box", "delete", "split", "merge", "paint", "set_type"]

Point = tuple[float, float]
"""x and y in pixels of the image, from its upper left corner."""

Box = tuple[float, float, float, float]
"""Left, top, right and bottom in pixels of the image."""

MIN_FREE_FRACTION: Final = 0.5
"""Minimum free fraction of a box, for a cell to be added in it."""

MAX_STEPS: Final = 1000
"""Steps that an editor remembers."""


@dataclass(frozen=True)
class Edit:
    """One correction.

    Attributes:
        kind: ``add_point`` segments the cell at a point, ``add_box`` the cell in a box; ``delete`` removes cells;
            ``split`` divides a cell by a line; ``merge`` makes one cell of several; ``paint`` gives the image a mask
            that a person drew; ``set_type`` gives cells a type.
        ids: Ids of the cells: at least one for ``delete`` and ``set_type``, at least two for ``merge``; for ``split``
            the cell to divide, or none for the cell that most of the line crosses.
        points: The point of ``add_point``, or the line of ``split``.
        box: The box of ``add_box``.
        type: The type that ``set_type`` gives, one of :data:`wbcseg.differential.ASSIGNABLE_TYPES`.
        mask: The mask of ``paint``, as run lengths; see :func:`wbcseg.labels.decode_rle`.

    Raises:
        EditError: If it lacks what its kind needs.
    """

    kind: EditKind
    ids: tuple[int, ...] = ()
    points: tuple[Point, ...] = ()
    box: Box | None = None
    type: str = ""
    mask: str = ""

    def __post_init__(self) -> None:
        is_complete, needed = {
            "add_point": (len(self.points) == 1, "one point"),
            "add_box": (self.box is not None, "a box"),
            "delete": (len(self.ids) >= 1, "the id of a cell"),
            "split": (len(self.points) >= 2, "a line of two or more points"),
            "merge": (len(set(self.ids)) >= 2, "the ids of two or more cells"),
            "paint": (bool(self.mask), "a mask"),
            "set_type": (
                bool(self.ids) and self.type in ASSIGNABLE_TYPES,
                f"ids and one of the types {', '.join(ASSIGNABLE_TYPES)}",
            ),
        }.get(self.kind, (False, f"to be one of {', '.join(get_args(EditKind))}"))
        if not is_complete:
            raise EditError(f"A correction of the kind {self.kind} needs {needed}.")


@dataclass(frozen=True, eq=False)
class Correction:
    """A corrected segmentation.

    Attributes:
        segmentation: The segmentation with the cells that there are now; their labels are the model's. It is that of a
            field of view, unless there were no edits.
        edits: The edits that did something, in order.
        problem: Why the last edit did nothing, or ``None``.
        types: The types that a person gave, by the id of the cell.
    """

    segmentation: Segmentation
    edits: tuple[Edit, ...]
    problem: Problem | None = None
    types: Mapping[int, str] = field(default_factory=dict)


def apply_edits(
    image: NDArray[np.uint8],
    segmentation: Segmentation,
    edits: Sequence[Edit],
    segmenter: CellSegmenter,
    *,
    tta: bool = False,
) -> Correction:
    """Apply corrections to a model's segmentation.

    Args:
        image: ``uint8[H, W, 3]``, RGB.
        segmentation: What the model predicted.
        edits: The corrections, in order. One that cannot be applied is left out.
        segmenter: Segments the cells to add.
        tta: Whether it is to use test-time averaging.

    Returns:
        The corrected segmentation; the same arguments give the same.
    """
    return CellEditor(image, segmentation, segmenter, tta=tta).apply(edits)


@dataclass(eq=False)
class _Step:
    """The cells after an edit, and what is known to follow from it.

    Attributes:
        cells: The cells by id, in increasing order.
        next_id: The id that the next new cell gets.
        types: The types that a person gave, by the id of the cell. A cell that is changed is to be typed again.
        following: The step after each further edit that was tried, or why it did nothing.
    """

    cells: dict[int, DetectedCell]
    next_id: int
    types: Mapping[int, str] = field(default_factory=dict)
    following: dict[Edit, _Step | Problem] = field(default_factory=dict)


class CellEditor:
    """Applies lists of edits to one image and remembers the steps, so that only what is new is segmented.

    Args:
        image: ``uint8[H, W, 3]``, RGB.
        segmentation: What the model predicted.
        segmenter: Segments the cells to add.
        tta: Whether it is to use test-time averaging.
    """

    def __init__(
        self, image: NDArray[np.uint8], segmentation: Segmentation, segmenter: CellSegmenter, *, tta: bool = False
    ) -> None:
        self._image, self._segmentation, self._segmenter, self._tta = image, segmentation, segmenter, tta
        self._field = convert_to_field(segmentation)
        cells = {cell.id: cell for cell in sorted(self._field.cells, key=lambda cell: cell.id)}
        self._first_step = _Step(cells, max(cells, default=0) + 1)
        self._step_count = 0

    def apply(self, edits: Sequence[Edit], *, as_field: bool = False) -> Correction:
        """Return the segmentation after edits; see :func:`apply_edits`.

        Args:
            edits: The corrections, in order.
            as_field: Whether a crop without corrections becomes a field of view, too.
        """
        if self._step_count > MAX_STEPS:
            self._first_step.following.clear()
            self._step_count = 0
        step, in_force, problem = self._first_step, [], None
        for edit in edits:
            following = self._take_step(step, edit)
            problem = following if isinstance(following, Problem) else None
            if not isinstance(following, Problem):
                step = following
                in_force.append(edit)
        kinds = {edit.kind for edit in in_force}
        is_crop = not self._segmentation.is_field_of_view and not as_field
        # Neither types nor a drawn mask make a field of view of a crop.
        if is_crop and "paint" in kinds and kinds <= {"paint", "set_type"} and len(step.cells) == 1:
            (cell,) = step.cells.values()
            is_drawn = cell.origin == "person"
            segmentation = convert_to_crop(cell, self._segmentation) if is_drawn else self._segmentation
        elif kinds - {"set_type"}:
            segmentation = self._build_segmentation(step)
        else:
            segmentation = self._field if as_field else self._segmentation
        return Correction(segmentation, tuple(in_force), problem, step.types)

    def _take_step(self, step: _Step, edit: Edit) -> _Step | Problem:
        following = step.following.get(edit)
        if following is None:
            self._step_count += 1
            try:
                following = self._edit(step, edit)
            except EditError as error:
                following = error.to_problem()
            step.following[edit] = following
        return following

    def _build_segmentation(self, step: _Step) -> Segmentation:
        return Segmentation.from_cells(tuple(step.cells.values()), self._image.shape, self._segmentation.model)

    def _edit(self, step: _Step, edit: Edit) -> _Step:
        """Return the step after an edit.

        Raises:
            EditError: If it cannot be applied.
        """
        missing = [str(cell_id) for cell_id in edit.ids if cell_id not in step.cells]
        if missing:
            raise EditError(f"There is no cell with the id {' or '.join(missing)} any more.", code=ErrorCode.NOT_FOUND)
        match edit.kind:
            case "add_point" | "add_box":
                new_cells = [self._segment(step, edit)]
            case "split":
                cell = step.cells[edit.ids[0]] if edit.ids else self._find_crossed(step, edit.points)
                edit = replace(edit, ids=(cell.id,))
                new_cells = list(split_cell(cell, edit.points, self._image.shape))
            case "merge":
                cells = [step.cells[cell_id] for cell_id in edit.ids]
                new_cells = [merge_cells(cells, self._build_segmentation(step).instances)]
            case "delete":
                new_cells = []
            case "paint":
                return self._paint(step, edit)
            case "set_type":
                return _Step(step.cells, step.next_id, {**step.types, **dict.fromkeys(edit.ids, edit.type)})
        remaining = {cell_id: cell for cell_id, cell in step.cells.items() if cell_id not in edit.ids}
        types = {cell_id: cell_type for cell_id, cell_type in step.types.items() if cell_id not in edit.ids}
        return replace(_add_cells(remaining, new_cells, sorted(edit.ids), step.next_id), types=types)

    def _paint(self, step: _Step, edit: Edit) -> _Step:
        """Return the step after a mask was drawn; cells whose pixels did not change stay as they are."""
        height, width = self._image.shape[:2]
        try:
            labels = decode_rle(edit.mask, width, height)
        except ValueError as error:
            raise EditError(f"The mask could not be read. {error}") from None
        changed, new = paint_cells(step.cells, labels)
        cells = {cell_id: changed.get(cell_id, cell) for cell_id, cell in step.cells.items()}
        kept = {cell_id: cell for cell_id, cell in cells.items() if cell is not None}
        types = {cell_id: cell_type for cell_id, cell_type in step.types.items() if cell_id in kept}
        return replace(_add_cells(kept, new, (), step.next_id), types=types)

    def _segment(self, step: _Step, edit: Edit) -> DetectedCell:
        """Segment the cell that an edit adds."""
        occupied = self._build_segmentation(step).instances
        point, box = (edit.points[0], None) if edit.kind == "add_point" else (None, self._clip_box(edit.box))
        if point is not None and (cell_id := self._get_cell_id(occupied, point)):
            raise EditError(
                f"Cell {list(step.cells).index(cell_id) + 1} is there already.",
                code=ErrorCode.ALREADY_EXISTS,
                hint="To make two cells of it, draw a line across it with Split.",
            )
        if box is not None:
            left, top, right, bottom = map(round, box)
            if np.mean(occupied[top : bottom + 1, left : right + 1] == 0) < MIN_FREE_FRACTION:
                raise EditError(
                    "Other cells fill the box.",
                    code=ErrorCode.ALREADY_EXISTS,
                    hint="Delete or split them first.",
                )
        cell = self._segmenter.segment_cell(self._image, box=box, point=point, occupied=occupied, tta=self._tta)
        if cell is None:
            hint = "If there is one, drag a box round it." if point else "Drag the box closely round the whole cell."
            raise EditError("No white blood cell could be segmented there.", code=ErrorCode.NO_CELL, hint=hint)
        return replace(cell, cell_mask=cell.cell_mask & (occupied[cell.bbox.slices] == 0))

    def _get_cell_id(self, instances: NDArray[np.uint16], point: Point) -> int:
        """Return the id of the cell at a point, 0 if there is none."""
        height, width = instances.shape
        x, y = point
        if not (0 <= x < width and 0 <= y < height):
            raise EditError("The point is outside the image.")
        return int(instances[int(y), int(x)])

    def _clip_box(self, box: Box | None) -> Box:
        height, width = self._image.shape[:2]
        left, top, right, bottom = box or (0.0, 0.0, 0.0, 0.0)
        left, top, right, bottom = max(0.0, left), max(0.0, top), min(float(width), right), min(float(height), bottom)
        if right - left < 2 or bottom - top < 2:
            raise EditError("The box is too small, or outside the image.", code=ErrorCode.TOO_SMALL)
        return left, top, right, bottom

    def _find_crossed(self, step: _Step, line: Line) -> DetectedCell:
        """Return the cell that most of a line crosses."""
        lengths = {cell_id: measure_crossing(cell, line) for cell_id, cell in step.cells.items()}
        longest = max(lengths, key=lambda cell_id: lengths[cell_id], default=0)
        if not lengths.get(longest):
            raise EditError("The line crosses no cell.", code=ErrorCode.NOT_DIVIDED)
        return step.cells[longest]


def _add_cells(
    cells: dict[int, DetectedCell], new_cells: Sequence[DetectedCell], old_ids: Sequence[int], next_id: int
) -> _Step:
    """Return cells with new ones; the first of these takes over the lowest id of the cells that it is made of."""
    result = dict(cells)
    for index, cell in enumerate(new_cells):
        cell_id = old_ids[0] if index == 0 and old_ids else next_id
        next_id += cell_id == next_id
        result[cell_id] = replace(cell, id=cell_id, score=1.0, origin="person")
    return _Step(dict(sorted(result.items())), next_id)
