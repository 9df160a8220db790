"""The truth of a composed field: which of its cells a person could see, and their final boxes and outlines."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from wbcseg.detector_training.composing.canvas import LaidCell, erase
from wbcseg.detector_training.composing.field import Boxes, ComposedField, Density
from wbcseg.labels import find_bounds

MIN_BOX_SHARE: Final = 0.35
MIN_NUCLEUS_SHARE: Final = 0.40
"""Shares of a cell's box and of its nucleus that must be inside the field. A sliver of cytoplasm at the edge looks like
a red cell that is cut off; nothing is asked about it."""

MIN_UNCOVERED: Final = 0.4
"""Share of a cell inside the field that other cells must leave uncovered."""

MIN_CONTRAST: Final = 14.0
"""Least difference between a cell and what is around it, in levels of 255 of the colour that differs most."""

MIN_BRIGHTNESS: Final = 40.0
"""Least brightness around a cell, in levels of 255: nothing is asked about cells in a black corner."""

MIN_EYEPIECE_SHARE, IGNORED_EYEPIECE_SHARE = 0.4, 0.08
"""Share of a box inside the eyepiece's field from which on a cell counts, and from which on it is ignored."""


@dataclass
class Truth:
    """The cells of a field while it is being composed.

    Attributes:
        boxes: Boxes by cell id (1, 2, …).
        exact: Ids of cells with an exact outline.
        ignored: Boxes of what may count or not.
        pairs: Ids of cells that touch each other.
    """

    boxes: dict[int, Boxes] = field(default_factory=dict)
    exact: set[int] = field(default_factory=set)
    ignored: list[Boxes] = field(default_factory=list)
    pairs: list[tuple[int, int]] = field(default_factory=list)

    def add(self, cell_id: int, laid: LaidCell, *, is_exact: bool) -> bool:
        """Record a cell; return whether enough of it is inside the field to count."""
        share = compute_area(laid.box) / compute_area(laid.whole_box)
        if share < MIN_BOX_SHARE or laid.nucleus_share < MIN_NUCLEUS_SHARE:
            self.ignored.append(laid.box)
            return False
        self.boxes[cell_id] = laid.box
        if is_exact:
            self.exact.add(cell_id)
        return True


def compute_area(box: Boxes) -> float:
    """Return the area of a box, ``float32[4]``."""
    return float(np.prod(box[2:] - box[:2]))


def finish_field(
    image: NDArray[np.uint8],
    truth: Truth,
    instances: NDArray[np.uint16],
    nuclei: NDArray[np.bool_],
    coverage_counts: dict[int, int],
    is_inside: NDArray[np.bool_],
    kind: str,
) -> ComposedField:
    """Return a field whose truth holds only what a person could see in the image.

    Args:
        image: ``uint8[S, S, 3]``.
        truth: Its cells.
        instances: ``uint16[S, S]``: id of each pixel's cell, 0 for none.
        nuclei: ``bool[S, S]``: nuclei of these cells.
        coverage_counts: Pixels of each cell inside the field when it was laid, by id.
        is_inside: ``bool[S, S]``: what is inside the eyepiece's field.
        kind: What the field was composed of.
    """
    instances = np.where(is_inside, instances, 0).astype(np.uint16)
    ignored = list(truth.ignored)
    boxes: dict[int, Boxes] = {}
    for cell_id, whole_box in truth.boxes.items():
        box, share = _clip_to_eyepiece(whole_box, is_inside)
        if share < MIN_EYEPIECE_SHARE:
            ignored += [whole_box] if share > IGNORED_EYEPIECE_SHARE else []
        elif not _is_visible(image, instances, nuclei, cell_id, box, coverage_counts.get(cell_id, 0)):
            ignored.append(box)
        else:
            boxes[cell_id] = box
    erase(instances, [cell_id for cell_id in np.unique(instances).tolist() if cell_id and cell_id not in boxes])
    numbers = {cell_id: index for index, cell_id in enumerate(boxes)}
    lookup = np.zeros(int(instances.max()) + 1, np.uint16)
    for cell_id, index in numbers.items():
        if cell_id < len(lookup):
            lookup[cell_id] = index + 1
    return ComposedField(
        image,
        np.array(list(boxes.values()), np.float32).reshape(-1, 4),
        np.array(ignored, np.float32).reshape(-1, 4),
        lookup[instances],
        np.array([cell_id in truth.exact for cell_id in boxes], np.bool_),
        tuple((numbers[a], numbers[b]) for a, b in truth.pairs if a in numbers and b in numbers),
        kind,
    )


def _clip_to_eyepiece(box: Boxes, is_inside: NDArray[np.bool_]) -> tuple[Boxes, float]:
    """Return a box without what is outside the eyepiece's field, and the share of it that is inside."""
    left, top, right, bottom = (int(value) for value in np.rint(box))
    part = is_inside[top:bottom, left:right]
    if not part.size or part.mean() >= 0.98:
        return box, 1.0
    bounds = find_bounds(part)
    if bounds is None:
        return box, 0.0
    clipped = np.array((left + bounds[0], top + bounds[1], left + bounds[2], top + bounds[3]), np.float32)
    return clipped, float(part.mean())


def _is_visible(
    image: NDArray[np.uint8],
    instances: NDArray[np.uint16],
    nuclei: NDArray[np.bool_],
    cell_id: int,
    box: Boxes,
    laid_count: int,
) -> bool:
    """Return whether a person could see a cell: mostly uncovered, not in the dark, and other than what is around it."""
    margin = 0.25 * float((box[2:] - box[:2]).max())
    rows = slice(max(0, int(box[1] - margin)), int(box[3] + margin) + 1)
    columns = slice(max(0, int(box[0] - margin)), int(box[2] + margin) + 1)
    is_cell = instances[rows, columns] == cell_id
    count = int(is_cell.sum())
    if count < MIN_UNCOVERED * laid_count or not count:
        return False
    pixels: Density = image[rows, columns].astype(np.float32)
    nucleus = is_cell & nuclei[rows, columns]
    around = pixels[instances[rows, columns] == 0]
    if len(around) < 12:
        return True
    surroundings = np.median(around, axis=0)
    cell_colour = np.median(pixels[nucleus if nucleus.sum() >= 6 else is_cell], axis=0)
    is_bright = float(np.percentile(around, 90)) >= MIN_BRIGHTNESS
    return bool(is_bright and np.abs(cell_colour - surroundings).max() >= MIN_CONTRAST)
