"""Corrections of the cells of an image by a person: cells added, deleted, split and merged.

A list of edits is always applied from the model's own result on, so a shorter list undoes. Cells keep their ids, an id
is never given twice, and the masks of different cells never overlap.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal, Protocol, get_args

import numpy as np
from numpy.typing import NDArray

from wbcseg.errors import EditError, ErrorCode, Problem
from wbcseg.inference import DetectedCell, Segmentation
from wbcseg.pipeline.reshape import Line, convert_to_field, measure_crossing, merge_cells, split_cell

EditKind = Literal["add_point", "add_box", "delete", "split", "merge"]

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
            ``split`` divides a cell by a line; ``merge`` makes one cell of several.
        ids: Ids of the cells: at least one for ``delete``, at least two for ``merge``; for ``split`` the cell to
            divide, or none for the cell that most of the line crosses.
        points: The point of ``add_point``, or the line of ``split``.
        box: The box of ``add_box``.

    Raises:
        EditError: If it lacks what its kind needs.
    """

    kind: EditKind
    ids: tuple[int, ...] = ()
    points: tuple[Point, ...] = ()
    box: Box | None = None

    def __post_init__(self) -> None:
        is_complete, needed = {
            "add_point": (len(self.points) == 1, "one point"),
            "add_box": (self.box is not None, "a box"),
            "delete": (len(self.ids) >= 1, "the id of a cell"),
            "split": (len(self.points) >= 2, "a line of two or more points"),
            "merge": (len(set(self.ids)) >= 2, "the ids of two or more cells"),
        }.get(self.kind, (False, f"to be one of {', '.join(get_args(EditKind))}"))
        if not is_complete:
            raise EditError(f"A correction of the kind {self.kind} needs {needed}.")


class CellSegmenter(Protocol):
    """Segments single cells, such as :class:`wbcseg.inference.Segmenter`."""

    def segment_cell(
        self,
        image: NDArray[np.uint8],
        *,
        box: Box | None = None,
        point: Point | None = None,
        occupied: NDArray[np.uint16] | None = None,
        tta: bool = False,
    ) -> DetectedCell | None:
        """Segment the cell in a box or at a point, outside the pixels of other cells; ``None`` if there is none."""


@dataclass(frozen=True, eq=False)
class Correction:
    """A corrected segmentation.

    Attributes:
        segmentation: The segmentation with the cells that there are now; their labels are the model's. It is that of a
            field of view, unless there were no edits.
        edits: The edits that did something, in order.
        problem: Why the last edit did nothing, or ``None``.
    """

    segmentation: Segmentation
    edits: tuple[Edit, ...]
    problem: Problem | None = None


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


def describe_edits(edits: Iterable[Edit]) -> str:
    """Return what a person corrected, such as “Cells corrected by a person: 2 added, 1 deleted.”; empty without edits.

    Args:
        edits: The corrections in force.
    """
    counts: Counter[str] = Counter()
    for edit in edits:
        counts[_PARTICIPLES[edit.kind]] += len(edit.ids) if edit.kind == "delete" else 1
    parts = [f"{counts[word]} {word}" for word in dict.fromkeys(_PARTICIPLES.values()) if counts[word]]
    return f"Cells corrected by a person: {', '.join(parts)}." if parts else ""


_PARTICIPLES: Final[dict[EditKind, str]] = {
    "add_point": "added",
    "add_box": "added",
    "delete": "deleted",
    "split": "split",
    "merge": "merged",
}


def count_in_region(cells: Iterable[DetectedCell], region: Sequence[Point]) -> int:
    """Return how many cells have their centroid in a polygon.

    Args:
        cells: The cells.
        region: Corners of the polygon, at least three.
    """
    return int(np.count_nonzero(contain_points(region, [cell.centroid for cell in cells])))


def contain_points(region: Sequence[Point], points: Sequence[Point]) -> NDArray[np.bool_]:
    """Return for each point whether it is in a polygon, by the even-odd rule.

    Args:
        region: Corners of the polygon, at least three.
        points: The points.
    """
    # Imported here, so that listing models does not wait for it.
    from skimage.measure import points_in_poly

    inside: NDArray[np.bool_] = points_in_poly(np.reshape(points, (-1, 2)), np.asarray(region))
    return inside


@dataclass(eq=False)
class _Step:
    """The cells after an edit, and what is known to follow from it.

    Attributes:
        cells: The cells by id, in increasing order.
        next_id: The id that the next new cell gets.
        following: The step after each further edit that was tried, or why it did nothing.
    """

    cells: dict[int, DetectedCell]
    next_id: int
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
        own = self._field if as_field else self._segmentation
        return Correction(self._build_segmentation(step) if in_force else own, tuple(in_force), problem)

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
            raise EditError(f"There is no cell {' and no cell '.join(missing)} any more.", code=ErrorCode.NOT_FOUND)
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
        remaining = {cell_id: cell for cell_id, cell in step.cells.items() if cell_id not in edit.ids}
        return _add_cells(remaining, new_cells, sorted(edit.ids), step.next_id)

    def _segment(self, step: _Step, edit: Edit) -> DetectedCell:
        """Segment the cell that an edit adds."""
        occupied = self._build_segmentation(step).instances
        point, box = (edit.points[0], None) if edit.kind == "add_point" else (None, self._clip_box(edit.box))
        if point is not None and (cell_id := self._get_cell_id(occupied, point)):
            raise EditError(
                f"Cell {cell_id} is there already.",
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
            hint = "Drag a box round the cell." if point is not None else "Drag the box closely round the whole cell."
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
