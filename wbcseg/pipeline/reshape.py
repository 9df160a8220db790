"""Split a cell by a line, merge cells into one, and make a field of view of a crop."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from wbcseg.errors import EditError, ErrorCode
from wbcseg.inference import BBox, DetectedCell, Segmentation
from wbcseg.inference.postprocess import keep_main_cell
from wbcseg.inference.segmentation import clip_bbox
from wbcseg.labels import BACKGROUND, CLASSES, CYTOPLASM, NUCLEUS, Labels, find_bounds
from wbcseg.results import find_cut_edges

Line = Sequence[tuple[float, float]]
"""Points of a line, x and y in pixels of the image."""

MIN_PART_FRACTION: Final = 0.08
"""Minimum area of a part of a cell that is split, as a fraction of the cell's."""

MIN_NUCLEUS_FRACTION: Final = 0.05
"""Minimum area of the nucleus of such a part, as a fraction of the part's."""

MIN_DRAWN_PIXELS: Final = 16
"""Fewer pixels that a person drew apart from all cells are no cell."""

MARGIN_FACTOR: Final = 1.5
"""Side of the crop of a cell that was cut out, relative to the cell's."""


def split_cell(cell: DetectedCell, line: Line, shape: tuple[int, ...]) -> tuple[DetectedCell, DetectedCell]:
    """Split a cell by a line.

    Args:
        cell: The cell.
        line: The line, from edge to edge of the cell.
        shape: Height and width of the image.

    Returns:
        Both parts, the larger one first. Together they have the pixels of the cell.

    Raises:
        EditError: If the line does not divide it, or if a part is too small or has no nucleus.
    """
    from scipy import ndimage

    is_line = rasterize_line(line, cell.bbox)
    pieces, count = ndimage.label(cell.cell_mask & ~is_line)
    areas = np.bincount(pieces.ravel(), minlength=count + 1)[1:]
    if count < 2:
        raise EditError(
            f"The line does not divide cell {cell.id}.",
            code=ErrorCode.NOT_DIVIDED,
            hint="Draw it across the whole cell, from outside to outside.",
        )
    first, second = (1 + np.argsort(-areas, kind="stable")[:2]).tolist()
    is_part = (pieces == first) | (pieces == second)
    # The pixels under the line, and small pieces beside it, go to the part that is next to them.
    rows, columns = ndimage.distance_transform_edt(~is_part, return_distances=False, return_indices=True)
    nearest = pieces[rows, columns]
    masks = [cell.cell_mask & (nearest == piece) for piece in (first, second)]
    if any(not _is_cell(cell, mask) for mask in masks):
        raise EditError(
            f"A part of cell {cell.id} would have no nucleus of its own.",
            code=ErrorCode.NO_CELL,
            hint="Draw the line between two nuclei.",
        )
    larger, smaller = sorted((_cut_out(cell, mask, shape) for mask in masks), key=lambda part: -part.cell_mask.sum())
    return larger, smaller


def merge_cells(cells: Sequence[DetectedCell], instances: NDArray[np.uint16]) -> DetectedCell:
    """Merge cells into one; a gap between them becomes cytoplasm, unless it belongs to another cell.

    Args:
        cells: At least two cells.
        instances: ``uint16[H, W]``: the id of the cell that each pixel belongs to.

    Raises:
        EditError: If they are too far apart for one cell.
    """
    boxes = [cell.bbox for cell in cells]
    bbox = BBox(
        min(box.top for box in boxes),
        min(box.left for box in boxes),
        max(box.bottom for box in boxes),
        max(box.right for box in boxes),
    )
    ids = [cell.id for cell in cells]
    crop = instances[bbox.slices]
    parts, free = np.isin(crop, ids), crop == 0
    merged = _bridge_gaps(parts, free, max(float(cell.cell_mask.sum()) for cell in cells))
    probabilities = np.zeros((*merged.shape, len(CLASSES)), np.float32)
    probabilities[..., BACKGROUND.id] = ~merged
    probabilities[..., CYTOPLASM.id] = merged & ~parts
    for cell in cells:
        top, left = cell.bbox.top - bbox.top, cell.bbox.left - bbox.left
        height, width = cell.cell_mask.shape
        probabilities[top : top + height, left : left + width][cell.cell_mask] = cell.probabilities[cell.cell_mask]
    height, width = instances.shape
    return DetectedCell(
        bbox, probabilities, merged, min(ids), edges=find_cut_edges(merged, bbox.find_image_edges(height, width))
    )


def convert_to_field(segmentation: Segmentation) -> Segmentation:
    """Return the segmentation of a crop as that of a field of view with its main cell, which has id 1.

    Args:
        segmentation: Of a crop; that of a field of view is returned as it is.
    """
    if segmentation.is_field_of_view:
        return segmentation
    mask = keep_main_cell(segmentation.labels) != BACKGROUND.id
    height, width = mask.shape
    cells = []
    if mask.any():
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        inner = BBox(int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1)
        bbox = inner.expand(MARGIN_FACTOR, height, width)
        cell_mask = mask[bbox.slices]
        edges = find_cut_edges(cell_mask, bbox.find_image_edges(height, width))
        cells.append(DetectedCell(bbox, segmentation.probabilities[bbox.slices], cell_mask, 1, edges=edges))
    return Segmentation.from_cells(cells, (height, width), segmentation.model)


def convert_to_crop(cell: DetectedCell, segmentation: Segmentation) -> Segmentation:
    """Return the segmentation of a crop that shows a cell which a person drew.

    Args:
        cell: The cell.
        segmentation: The model's segmentation of the crop.
    """
    labels = np.full(segmentation.labels.shape, BACKGROUND.id, np.uint8)
    labels[cell.bbox.slices][cell.cell_mask] = cell.labels[cell.cell_mask]
    return Segmentation(labels, _to_probabilities(labels), segmentation.model, notices=segmentation.notices)


def paint_cells(
    cells: Mapping[int, DetectedCell], labels: Labels
) -> tuple[dict[int, DetectedCell | None], list[DetectedCell]]:
    """Return the cells of an image after a person drew its mask.

    Pixels that a cell had stay its own, if they are part of the mask; others go to the nearest cell that they are
    connected with, or are a new cell.

    Args:
        cells: The cells by id.
        labels: The mask, ``uint8[H, W]`` of class ids.

    Returns:
        The cells that changed by id, ``None`` for those that are gone, and the new ones.
    """
    from scipy import ndimage

    owners, before = np.zeros(labels.shape, np.int32), np.zeros(labels.shape, np.uint8)
    for cell_id, cell in cells.items():
        owners[cell.bbox.slices][cell.cell_mask] = cell_id
        before[cell.bbox.slices][cell.cell_mask] = cell.labels[cell.cell_mask]
    old_owners = owners.copy()
    owners[labels == BACKGROUND.id] = 0
    pieces, count = ndimage.label(labels != BACKGROUND.id, np.ones((3, 3)))
    new: list[DetectedCell] = []
    for number, region in enumerate(ndimage.find_objects(pieces, count), start=1):
        piece, own = pieces[region] == number, owners[region]
        is_owned = piece & (own > 0)
        if is_owned.any():
            rows, columns = ndimage.distance_transform_edt(~is_owned, return_distances=False, return_indices=True)
            own[piece] = own[rows, columns][piece]
        elif piece.sum() >= MIN_DRAWN_PIXELS:
            mask = pieces == number
            new.append(_draw_cell(mask, labels, 0))
    changed: dict[int, DetectedCell | None] = {}
    for cell_id in cells:
        mask = owners == cell_id
        was = old_owners == cell_id
        if not mask.any():
            changed[cell_id] = None
        elif (mask != was).any() or (labels[mask] != before[mask]).any():
            changed[cell_id] = _draw_cell(mask, labels, cell_id)
    return changed, new


def _draw_cell(mask: NDArray[np.bool_], labels: Labels, cell_id: int) -> DetectedCell:
    """Return a cell of a mask, ``bool[H, W]``, that a person drew."""
    height, width = mask.shape
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    inner = BBox(int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1)
    bbox = inner.expand(MARGIN_FACTOR, height, width)
    cell_mask = mask[bbox.slices]
    edges = find_cut_edges(cell_mask, bbox.find_image_edges(height, width))
    probabilities = _to_probabilities(np.where(cell_mask, labels[bbox.slices], np.uint8(BACKGROUND.id)))
    return DetectedCell(bbox, probabilities, cell_mask, cell_id, edges=edges, origin="person")


def _to_probabilities(labels: Labels) -> NDArray[np.float32]:
    """Return class ids as probabilities of 0 and 1, ``float32[h, w, 3]``."""
    return np.eye(len(CLASSES), dtype=np.float32)[labels]


def measure_crossing(cell: DetectedCell, line: Line) -> int:
    """Return how many pixels of a cell a line crosses."""
    return int(np.count_nonzero(rasterize_line(line, cell.bbox) & cell.cell_mask))


def rasterize_line(line: Line, bbox: BBox) -> NDArray[np.bool_]:
    """Return the pixels of a crop on a line, ``bool[h, w]``, connected at least at their corners."""
    from skimage.draw import line as draw_line

    result = np.zeros((bbox.bottom - bbox.top, bbox.right - bbox.left), np.bool_)
    height, width = result.shape
    points = [(int(np.floor(y)) - bbox.top, int(np.floor(x)) - bbox.left) for x, y in line]
    for start, end in itertools.pairwise(points):
        if any(
            max(pair) < 0 or min(pair) >= side
            for pair, side in zip(zip(start, end, strict=True), result.shape, strict=True)
        ):
            continue
        rows, columns = draw_line(*start, *end)
        is_inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
        result[rows[is_inside], columns[is_inside]] = True
    return result


def _is_cell(cell: DetectedCell, mask: NDArray[np.bool_]) -> bool:
    """Return whether a part of a cell is large enough and has a nucleus."""
    area, cell_area = int(np.count_nonzero(mask)), int(np.count_nonzero(cell.cell_mask))
    nucleus_area = int(np.count_nonzero(cell.labels[mask] == NUCLEUS.id))
    return area >= MIN_PART_FRACTION * cell_area and nucleus_area >= MIN_NUCLEUS_FRACTION * area


def _cut_out(cell: DetectedCell, mask: NDArray[np.bool_], shape: tuple[int, ...]) -> DetectedCell:
    """Return the part of a cell in a mask of its crop, in a crop of its own within that of the cell."""
    bounds = find_bounds(mask)
    assert bounds is not None
    left, top, right, bottom = bounds
    inner = BBox(top, left, bottom, right).expand(MARGIN_FACTOR, *mask.shape)
    bbox = clip_bbox(
        inner.top + cell.bbox.top,
        inner.left + cell.bbox.left,
        inner.bottom + cell.bbox.top,
        inner.right + cell.bbox.left,
        shape[0],
        shape[1],
    )
    part = mask[inner.slices]
    edges = find_cut_edges(part, bbox.find_image_edges(shape[0], shape[1]))
    return DetectedCell(bbox, cell.probabilities[inner.slices], part, cell.id, edges=edges)


def _bridge_gaps(parts: NDArray[np.bool_], free: NDArray[np.bool_], largest_area: float) -> NDArray[np.bool_]:
    """Return parts joined into one piece by the free pixels between them.

    Args:
        parts: ``bool[h, w]``.
        free: ``bool[h, w]``: pixels that may be taken.
        largest_area: Area of the largest part; no gap may be wider than the radius of a circle of that area.
    """
    from scipy import ndimage

    pieces, count = ndimage.label(parts)
    if count > 1:
        radius = _measure_widest_gap(pieces, count) / 2 + 1
        if 2 * (radius - 1) <= np.sqrt(largest_area / np.pi):
            parts = parts | (_close(parts, radius) & free)
        if ndimage.label(parts)[1] > 1:
            raise EditError(
                "These cells are too far apart, or other cells lie between them.", code=ErrorCode.TOO_FAR_APART
            )
    merged: NDArray[np.bool_] = parts | (ndimage.binary_fill_holes(parts) & free)
    return merged


def _measure_widest_gap(pieces: NDArray[np.int32], count: int) -> float:
    """Return the largest distance of a piece from the nearest other one, in pixels."""
    from scipy import ndimage

    return max(
        float(ndimage.distance_transform_edt(pieces != piece)[(pieces > 0) & (pieces != piece)].min())
        for piece in range(1, count + 1)
    )


def _close(mask: NDArray[np.bool_], radius: float) -> NDArray[np.bool_]:
    """Return the morphological closing with a disc."""
    from scipy import ndimage

    margin = int(radius) + 2
    padded = np.pad(mask, margin)
    dilated = ndimage.distance_transform_edt(~padded) <= radius
    closed: NDArray[np.bool_] = ndimage.distance_transform_edt(dilated) > radius
    return closed[margin:-margin, margin:-margin]
