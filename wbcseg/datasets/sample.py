"""A sample: an image with its mask and cell type."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from wbcseg.labels import CellType, Labels


@dataclass(frozen=True)
class MarkedCell:
    """A white cell that people marked with a box.

    Attributes:
        box: Left, top, right and bottom, in pixels of the image.
        cell_type: Its type in the words of the data set, or ``None``.
        subtype: A finer type, or ``None``.
        attributes: What pathologists said of it, by attribute.
    """

    box: tuple[float, float, float, float]
    cell_type: str | None = None
    subtype: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Sample:
    """An image with its expert mask and cell type, from any data set.

    Attributes:
        id: ``<data set>/<name>``, unique across all data sets, such as ``zheng-1/001``.
        image: ``uint8[H, W, 3]``, RGB. Sizes differ within a data set.
        mask: ``uint8[H, W]`` of class ids, or ``None`` if there is none.
        cell_type: One of :data:`wbcseg.labels.ALL_CELL_TYPES`, or ``None`` if unknown.
        source: Where it comes from, for captions and reports.
        caption: What it shows, in a sentence or two; may be empty.
        cells: Cells that people marked with boxes, if the data set has boxes.

    Raises:
        ValueError: If shapes or dtypes are not the ones above.
    """

    id: str
    image: NDArray[np.uint8] = field(repr=False)
    mask: Labels | None = field(default=None, repr=False)
    cell_type: CellType | None = None
    source: str = ""
    caption: str = ""
    cells: tuple[MarkedCell, ...] = ()

    def __post_init__(self) -> None:
        if self.image.dtype != np.uint8 or self.image.ndim != 3 or self.image.shape[2] != 3:
            raise ValueError(
                f"Argument `image` of sample {self.id} must be uint8[H, W, 3]. "
                f"Received: {self.image.dtype}{list(self.image.shape)}"
            )
        if self.mask is not None and (self.mask.dtype != np.uint8 or self.mask.shape != self.image.shape[:2]):
            raise ValueError(
                f"Argument `mask` of sample {self.id} must be uint8{list(self.image.shape[:2])}. "
                f"Received: {self.mask.dtype}{list(self.mask.shape)}"
            )

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.image.shape[0], self.image.shape[1]

    def compute_digest(self) -> str:
        """Return the SHA-256 of the content: size, pixels and mask, whatever the file format."""
        sha = hashlib.sha256(repr(self.image.shape).encode())
        sha.update(np.ascontiguousarray(self.image).data)
        sha.update(b"mask" if self.mask is not None else b"none")
        if self.mask is not None:
            sha.update(np.ascontiguousarray(self.mask).data)
        return sha.hexdigest()
