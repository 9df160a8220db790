"""What an expert mask means: whether its classes are what they seem, and how to correct them.

A mask with swapped classes, with cells and background swapped, or with the number of each cell instead of its class is
a valid file. :func:`check_mask` compares it with its image and names what is wrong; nothing is corrected without being
asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from wbcseg.errors import ErrorCode, Problem
from wbcseg.io.filenames import format_display_name
from wbcseg.labels import BACKGROUND, CYTOPLASM, NUCLEUS, Labels

MaskCorrection = Literal["as_is", "swap", "invert", "instances"]
"""``as_is``: it means what it says, whatever it looks like; ``swap``: nucleus and cytoplasm; ``invert``: cells and
background; ``instances``: every value above 0 is a cell."""

CORRECTION_LABELS: Final[dict[MaskCorrection, str]] = {
    "as_is": "Use them as they are",
    "swap": "Swap nucleus and cytoplasm",
    "invert": "Invert (swap cells and background)",
    "instances": "These are instances (each value is one cell)",
}
"""What people read instead of the corrections."""

MIN_DARKNESS: Final = 4.0
"""Grey levels of green by which a nucleus is darker than cytoplasm, and a cell darker than the background."""

MAX_INSTANCE_CONTACT: Final = 0.05
"""Fraction of their outline that cells with different numbers share at most."""

MIN_PIECE_FRACTION: Final = 0.9
"""Fraction of a cell's pixels in its largest piece, at least."""

_MIN_CELL_PIXELS: Final = 9
_MIN_EXTENT: Final = 0.3
"""A cell fills at least this fraction of its bounding box; a seam along an outline does not."""

_MAX_SAMPLES: Final = 2_000_000


@dataclass(frozen=True)
class MaskIssue:
    """What seems to be wrong with a mask.

    Attributes:
        code: ``MASK_SWAPPED``, ``MASK_INVERTED``, ``MASK_INSTANCES``, ``MASK_ONE_CLASS`` or ``MASK_EMPTY``.
        reason: One sentence, which names no file.
        hint: What to do about it.
        correction: The correction that would mend it, or ``None``.
    """

    code: ErrorCode
    reason: str
    hint: str
    correction: MaskCorrection | None = None

    @property
    def is_wrong(self) -> bool:
        """Whether the mask means something else than it says, so that scores and training with it are wrong."""
        return self.correction is not None

    def to_problem(self, name: str) -> Problem:
        """Return it as the problem of a file."""
        message = f"Mask {format_display_name(name)} was not used. {self.reason}"
        return Problem(message, name, self.reason, self.code, self.hint)

    def __str__(self) -> str:
        """Return the sentence and what to do."""
        return f"{self.reason} {self.hint}"


_SWAPPED = MaskIssue(
    ErrorCode.MASK_SWAPPED,
    "Nucleus and cytoplasm seem to be swapped in the mask: what it calls nucleus is lighter and encloses the rest.",
    "Swap them, or check the mask.",
    "swap",
)
_INVERTED = MaskIssue(
    ErrorCode.MASK_INVERTED,
    "Cells and background seem to be swapped in the mask: what it calls background is dark and inside.",
    "Invert it, or check the mask.",
    "invert",
)
_INSTANCES = MaskIssue(
    ErrorCode.MASK_INSTANCES,
    "The values of the mask seem to be the numbers of single cells, not classes: they hardly touch each other.",
    "Confirm that it marks whole cells one by one, or save it with classes.",
    "instances",
)
_EMPTY = MaskIssue(
    ErrorCode.MASK_EMPTY, "The mask has no cell: all of it is background.", "Check whether there is one."
)
_ALL_CELL = MaskIssue(ErrorCode.MASK_EMPTY, "The mask has no background: all of it is one class.", "Check the mask.")
_NO_CYTOPLASM = MaskIssue(
    ErrorCode.MASK_ONE_CLASS,
    "The expert mask has no cytoplasm: its white, or highest grey, counts as nucleus.",
    "Cytoplasm is not scored. If the mask shows whole cells, the Dice of the nucleus is meaningless, too.",
)
_NO_NUCLEUS = MaskIssue(
    ErrorCode.MASK_ONE_CLASS,
    "The expert mask has no nucleus: its only class counts as cytoplasm.",
    "The nucleus is not scored. If the mask shows whole cells, the Dice of the cytoplasm is meaningless, too; if it "
    "shows nuclei, that of the whole cell is.",
)


NO_CYTOPLASM_NOTICE: Final = str(_NO_CYTOPLASM)


def check_mask(labels: Labels, image: NDArray[np.uint8]) -> MaskIssue | None:
    """Return what seems to be wrong with a mask, or ``None``.

    Args:
        labels: ``uint8[H, W]`` of class ids.
        image: ``uint8[H, W, 3]``, RGB, of the same size.
    """
    used = [class_id for class_id in (BACKGROUND.id, CYTOPLASM.id, NUCLEUS.id) if (labels == class_id).any()]
    if len(used) == 1:
        return _EMPTY if used[0] == BACKGROUND.id else _ALL_CELL
    green = image[..., 1]
    if _is_inverted(labels, green, used[-1]):
        return _INVERTED
    if used[-2:] == [CYTOPLASM.id, NUCLEUS.id]:
        nucleus_contact, cytoplasm_contact = _measure_contact(labels)
        if max(nucleus_contact, cytoplasm_contact) <= MAX_INSTANCE_CONTACT:
            return _INSTANCES
        is_lighter = _mean(green, labels == NUCLEUS.id) > _mean(green, labels == CYTOPLASM.id) + MIN_DARKNESS
        return _SWAPPED if is_lighter and cytoplasm_contact > nucleus_contact else None
    return _NO_NUCLEUS if NUCLEUS.id not in used else _NO_CYTOPLASM


def as_correction(name: str) -> MaskCorrection | None:
    """Return the correction of a name; ``None`` for any other, such as ``none``."""
    return next((correction for correction in CORRECTION_LABELS if correction == name), None)


def correct_labels(values: NDArray[Any], correction: MaskCorrection | None) -> Labels:
    """Return corrected class ids.

    Args:
        values: Class ids ``[H, W]``; for ``instances`` any values, of which 0 is the background.
        correction: What to correct, or ``None``.

    Returns:
        ``uint8[H, W]`` of class ids; for ``instances`` every cell as cytoplasm, since no nucleus is known.
    """
    if correction == "instances":
        return np.where(values != 0, np.uint8(CYTOPLASM.id), np.uint8(BACKGROUND.id))
    labels = np.asarray(values, np.uint8)
    if correction == "swap":
        return np.array([BACKGROUND.id, NUCLEUS.id, CYTOPLASM.id], np.uint8)[labels]
    if correction == "invert":
        lookup = np.arange(3, dtype=np.uint8)
        lowest, highest = int(labels.min()), int(labels.max())
        lookup[[lowest, highest]] = highest, lowest
        return lookup[labels]
    return labels


def look_like_instances(values: NDArray[Any]) -> bool:
    """Return whether values are the numbers of cells: each is one compact piece, and different ones hardly touch.

    Args:
        values: Integers ``[H, W]``; 0 is the background.
    """
    # Imported here, so that listing models does not wait for it.
    from scipy import ndimage

    if values.min() < 0 or values.size > 30 * _MAX_SAMPLES:
        return False
    ids, numbers = np.unique(values, return_inverse=True)
    numbers = numbers.reshape(values.shape)
    if ids[0] != 0 or not 2 <= len(ids) <= 1 << 16:
        return False
    pieces, _ = ndimage.label(numbers > 0)
    # Pieces of the same number, told apart where cells touch.
    pairs, pixel_counts = np.unique(np.stack((numbers[pieces > 0], pieces[pieces > 0])), axis=1, return_counts=True)
    sizes, largest = np.zeros(len(ids)), np.zeros(len(ids))
    np.add.at(sizes, pairs[0], pixel_counts)
    np.maximum.at(largest, pairs[0], pixel_counts)
    boxes = ndimage.find_objects(numbers)
    areas = np.array([0, *(np.prod([part.stop - part.start for part in box]) if box else 0 for box in boxes)])
    is_cell = (largest >= MIN_PIECE_FRACTION * sizes) & (sizes >= _MIN_CELL_PIXELS) & (sizes >= _MIN_EXTENT * areas)
    if is_cell[1:].mean() < MIN_PIECE_FRACTION:
        return False
    edges, contacts = _count_edges(numbers)
    return contacts <= 4 * MAX_INSTANCE_CONTACT * edges


def holds_mask_codes(image: NDArray[np.uint8]) -> bool:
    """Return whether an image, ``uint8[H, W, 3]``, is grey and holds only the codes of a mask.

    These are 0, 128 and 255, or 0, 1 and 2; at least two of them. A grey photograph has more values.
    """
    if not (image[::7, ::7, :1] == image[::7, ::7]).all() or not (image[..., :1] == image).all():
        return False
    used = np.flatnonzero(np.bincount(image[..., 0].ravel(), minlength=256))
    return len(used) > 1 and (set(used) <= {0, 128, 255} or set(used) <= {0, 1, 2})


def _is_inverted(labels: Labels, green: NDArray[np.uint8], top: int) -> bool:
    """Return whether the image's border is mostly marked as cell and is lighter than what is marked as background."""
    border = np.concatenate((labels[0], labels[-1], labels[:, 0], labels[:, -1]))
    is_background = labels == BACKGROUND.id
    if (border == top).mean() <= 0.5 or not is_background.any():
        return False
    return _mean(green, is_background) < _mean(green, labels == top) - MIN_DARKNESS


def _mean(values: NDArray[np.uint8], region: NDArray[np.bool_]) -> float:
    return float(values[region].mean())


def _measure_contact(labels: Labels) -> tuple[float, float]:
    """Return which fraction of the nucleus' outline is cytoplasm, and of the cytoplasm's outline nucleus."""
    between = outline_of_nucleus = outline_of_cytoplasm = 0
    for first, second in ((labels[:-1], labels[1:]), (labels[:, :-1], labels[:, 1:])):
        differs = first != second
        ends = first[differs], second[differs]
        nucleus = (ends[0] == NUCLEUS.id) | (ends[1] == NUCLEUS.id)
        cytoplasm = (ends[0] == CYTOPLASM.id) | (ends[1] == CYTOPLASM.id)
        between += int((nucleus & cytoplasm).sum())
        outline_of_nucleus += int(nucleus.sum())
        outline_of_cytoplasm += int(cytoplasm.sum())
    return between / max(outline_of_nucleus, 1), between / max(outline_of_cytoplasm, 1)


def _count_edges(numbers: NDArray[Any]) -> tuple[int, int]:
    """Return how many neighbouring pixels differ, and how many of these are two cells."""
    edges = contacts = 0
    for first, second in ((numbers[:-1], numbers[1:]), (numbers[:, :-1], numbers[:, 1:])):
        differs = first != second
        edges += int(differs.sum())
        contacts += int((differs & (first > 0) & (second > 0)).sum())
    return edges, contacts
