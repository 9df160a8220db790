"""A composed field and its truth."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

Density = NDArray[np.float32]
"""Optical densities, ``float32[H, W, 3]``, or a share of each pixel, ``float32[H, W]``."""

Boxes = NDArray[np.float32]
"""``float32[N, 4]``: left, top, right, bottom in pixels."""


@dataclass(frozen=True, eq=False)
class ComposedField:
    """A composed field.

    Attributes:
        image: ``uint8[S, S, 3]``, RGB.
        boxes: Boxes of the white cells inside the field, ``float32[N, 4]``: left, top, right, bottom.
        ignored: Boxes of what may count as a white cell or not, ``float32[M, 4]``.
        instances: ``uint16[S, S]``: ``k + 1`` where cell ``k`` of ``boxes`` is seen, else 0. Cells never overlap.
        has_exact_outline: ``bool[N]``: whether the cell's outline is an expert's or computed, rather than a network's.
        pairs: Indices of cells that touch each other.
        kind: What it was composed of.
    """

    image: NDArray[np.uint8] = field(repr=False)
    boxes: Boxes
    ignored: Boxes
    instances: NDArray[np.uint16] = field(repr=False)
    has_exact_outline: NDArray[np.bool_]
    pairs: tuple[tuple[int, int], ...] = ()
    kind: str = ""

    def transpose(self) -> ComposedField:
        """Return the field mirrored along its diagonal."""
        order = [1, 0, 3, 2]
        return replace(
            self,
            image=np.ascontiguousarray(self.image.transpose(1, 0, 2)),
            boxes=self.boxes[:, order],
            ignored=self.ignored[:, order],
            instances=np.ascontiguousarray(self.instances.T),
        )

    def rotate(self) -> ComposedField:
        """Return the field upside down."""
        side, order = len(self.image), [2, 3, 0, 1]
        return replace(
            self,
            image=np.ascontiguousarray(self.image[::-1, ::-1]),
            boxes=side - self.boxes[:, order],
            ignored=side - self.ignored[:, order],
            instances=np.ascontiguousarray(self.instances[::-1, ::-1]),
        )
