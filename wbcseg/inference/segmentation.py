"""What a model returns: the classes of each pixel and, in a field of view, the cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from wbcseg.inference.postprocess import keep_main_cell
from wbcseg.labels import BACKGROUND, CLASSES, CYTOPLASM, NUCLEUS, Labels, fast_argmax
from wbcseg.results import NO_EDGES, CellOrigin, ImageEdges


@dataclass(frozen=True)
class BBox:
    """Bounding box of a white cell's crop, in pixels of the field.

    Attributes:
        top: First row.
        left: First column.
        bottom: Row after the last.
        right: Column after the last.
    """

    top: int
    left: int
    bottom: int
    right: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """Index of the crop in the field."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    @property
    def centre(self) -> tuple[float, float]:
        """Row and column of the centre."""
        return (self.top + self.bottom) / 2, (self.left + self.right) / 2

    def intersect(self, other: BBox) -> BBox | None:
        """Return the part that two boxes share, or ``None``."""
        top, left = max(self.top, other.top), max(self.left, other.left)
        bottom, right = min(self.bottom, other.bottom), min(self.right, other.right)
        return BBox(top, left, bottom, right) if top < bottom and left < right else None

    def find_image_edges(self, height: int, width: int) -> ImageEdges:
        """Return which sides of the crop are edges of a field of ``height`` × ``width`` pixels."""
        return self.top == 0, self.bottom == height, self.left == 0, self.right == width

    def relative_to(self, other: BBox) -> BBox:
        """Return the same box in pixels of a crop."""
        return BBox(self.top - other.top, self.left - other.left, self.bottom - other.top, self.right - other.left)

    def expand(self, factor: float, height: int, width: int) -> BBox:
        """Return a crop with the same centre, ``factor`` times as large, clipped to the field."""
        y, x = self.centre
        half_height, half_width = (
            (stop - start) * factor / 2 for start, stop in ((self.top, self.bottom), (self.left, self.right))
        )
        return clip_bbox(y - half_height, x - half_width, y + half_height, x + half_width, height, width)


def clip_bbox(top: float, left: float, bottom: float, right: float, height: int, width: int) -> BBox:
    """Return a box in whole pixels, clipped to a field."""
    return BBox(max(0, round(top)), max(0, round(left)), min(height, round(bottom)), min(width, round(right)))


@dataclass(frozen=True, eq=False)
class DetectedCell:
    """A white cell of a field of view.

    Attributes:
        bbox: Bounding box of its crop.
        probabilities: Class probabilities of the crop, ``float32[h, w, 3]``.
        cell_mask: ``bool[h, w]``: the pixels of the crop that belong to this cell. No pixel belongs to two cells.
        id: Its number in the field, from 1; it stays the same when other cells are added or deleted.
        score: How certain it is that this is a white cell, 0 to 1.
        edges: Which edges of the image cut it off: top, bottom, left, right.
        origin: Whether the model detected it, or a person added or changed it.
    """

    bbox: BBox
    probabilities: NDArray[np.float32] = field(repr=False)
    cell_mask: NDArray[np.bool_] = field(repr=False)
    id: int
    score: float = 1.0
    edges: ImageEdges = NO_EDGES
    origin: CellOrigin = "model"

    @property
    def centroid(self) -> tuple[float, float]:
        """Mean x and y of its pixels' centres in the field."""
        rows, columns = np.nonzero(self.cell_mask)
        return self.bbox.left + float(columns.mean()) + 0.5, self.bbox.top + float(rows.mean()) + 0.5

    @property
    def labels(self) -> Labels:
        """Class ids of the crop, ``uint8[h, w]``; background outside the cell."""
        labels = fast_argmax(self.probabilities)
        labels[~self.cell_mask] = BACKGROUND.id
        return labels


@dataclass(frozen=True, eq=False)
class Segmentation:
    """A model's segmentation of an image.

    Attributes:
        labels: Most likely class of each pixel, ``uint8[H, W]``. In crops segmented with test-time averaging or by
            general models, only the main cell is kept.
        crop_probabilities: Class probabilities of a crop, ``float32[H, W, 3]`` (background, cytoplasm, nucleus), which
            sum to 1; ``None`` for a field of view.
        model: Name of the model.
        cells: The cells of a field of view; empty for a crop.
        notices: Sentences on how the image was segmented.
    """

    labels: Labels = field(repr=False)
    crop_probabilities: NDArray[np.float32] | None = field(repr=False)
    model: str
    cells: tuple[DetectedCell, ...] = field(default=(), repr=False)
    notices: tuple[str, ...] = ()

    @classmethod
    def from_cells(
        cls, cells: Sequence[DetectedCell], shape: tuple[int, ...], model: str, notices: Sequence[str] = ()
    ) -> Segmentation:
        """Return the segmentation of a field of view.

        Args:
            cells: Its cells, whose masks do not overlap.
            shape: Height and width of the field.
            model: Name of the model.
            notices: Sentences on how the image was segmented.
        """
        labels = np.full(shape[:2], BACKGROUND.id, np.uint8)
        for cell in cells:
            labels[cell.bbox.slices][cell.cell_mask] = cell.labels[cell.cell_mask]
        return cls(labels, None, model, tuple(cells), tuple(notices))

    @property
    def is_field_of_view(self) -> bool:
        """Whether the image is a field of view with any number of cells, not a crop of one."""
        return self.crop_probabilities is None

    @cached_property
    def instances(self) -> NDArray[np.uint16]:
        """Id of the cell that each pixel belongs to, ``uint16[H, W]``; 0 is background. The cell of a crop has id 1."""
        if not self.is_field_of_view:
            main_cell: NDArray[np.uint16] = (keep_main_cell(self.labels) != BACKGROUND.id).astype(np.uint16)
            return main_cell
        result = np.zeros(self.labels.shape, np.uint16)
        for cell in self.cells:
            result[cell.bbox.slices][cell.cell_mask] = cell.id
        return result

    @property
    def probabilities(self) -> NDArray[np.float32]:
        """Class probabilities, ``float32[H, W, 3]``; in a field of view, all outside the cells is background."""
        if self.crop_probabilities is not None:
            return self.crop_probabilities
        result = np.zeros((*self.labels.shape, len(CLASSES)), np.float32)
        result[..., BACKGROUND.id] = 1.0
        for cell in self.cells:
            result[cell.bbox.slices][cell.cell_mask] = cell.probabilities[cell.cell_mask]
        return result

    @property
    def probabilities_u8(self) -> NDArray[np.uint8]:
        """Probabilities of cytoplasm and nucleus in steps of 1/255, ``uint8[H, W, 2]``, to save memory."""
        if self.crop_probabilities is not None:
            return _quantise(self.crop_probabilities)
        result = np.zeros((*self.labels.shape, 2), np.uint8)
        for cell in self.cells:
            result[cell.bbox.slices][cell.cell_mask] = _quantise(cell.probabilities[cell.cell_mask])
        return result


def _quantise(probabilities: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return the probabilities of cytoplasm and nucleus in steps of 1/255."""
    levels: NDArray[np.uint8] = (
        np.rint(probabilities[..., [CYTOPLASM.id, NUCLEUS.id]] * 255.0).clip(0, 255).astype(np.uint8)
    )
    return levels


class CellSegmenter(Protocol):
    """Segments single cells, such as :class:`wbcseg.inference.Segmenter`."""

    def segment_cell(
        self,
        image: NDArray[np.uint8],
        *,
        box: tuple[float, float, float, float] | None = None,
        point: tuple[float, float] | None = None,
        occupied: NDArray[np.uint16] | None = None,
        tta: bool = False,
    ) -> DetectedCell | None:
        """Segment the cell in a box or at a point, outside the pixels of other cells; ``None`` if there is none."""
