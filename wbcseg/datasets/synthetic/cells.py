"""The exact shape of a white cell and its nucleus."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.random import Generator

from wbcseg.datasets.synthetic.nuclei import NUCLEUS_FUNCTIONS
from wbcseg.datasets.synthetic.shapes import Outline, ScalarField, average_blocks, generate_noise
from wbcseg.labels import CellType, Labels

SUPERSAMPLING: Final = 2
"""Points per pixel along each axis at which shapes are evaluated."""


@dataclass(frozen=True)
class Window:
    """A part of the image, which may extend beyond its edge.

    Attributes:
        top: First row in pixels; may be negative.
        left: First column in pixels; may be negative.
        height: In pixels.
        width: In pixels.
    """

    top: int
    left: int
    height: int
    width: int

    @classmethod
    def from_centre(cls, centre: tuple[float, float], radius: float) -> Window:
        """Return the window of everything within ``radius`` pixels of the centre."""
        top, left = int(np.floor(centre[0] - radius)), int(np.floor(centre[1] - radius))
        bottom, right = int(np.ceil(centre[0] + radius)), int(np.ceil(centre[1] + radius))
        return cls(top, left, bottom - top, right - left)

    def make_grid(self, centre: tuple[float, float], points_per_pixel: int = 1) -> tuple[ScalarField, ScalarField]:
        """Return rows ``float64[h·p, 1]`` and columns ``float64[1, w·p]`` relative to the centre, in pixels."""
        y = (np.arange(self.height * points_per_pixel) + 0.5) / points_per_pixel + (self.top - centre[0])
        x = (np.arange(self.width * points_per_pixel) + 0.5) / points_per_pixel + (self.left - centre[1])
        return y[:, None], x[None, :]

    def clip_to(self, shape: tuple[int, int]) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
        """Return the slices of an image of this shape and of the window where the two overlap."""
        top, bottom = max(self.top, 0), max(min(self.top + self.height, shape[0]), 0)
        left, right = max(self.left, 0), max(min(self.left + self.width, shape[1]), 0)
        top, left = min(top, bottom), min(left, right)
        window_slice = slice(top - self.top, bottom - self.top), slice(left - self.left, right - self.left)
        return (slice(top, bottom), slice(left, right)), window_slice


@dataclass(frozen=True)
class WhiteCell:
    """The shape of a white cell, in its own window.

    Attributes:
        cell_type: Its type.
        window: Its position in the image.
        centre: Row and column in pixels of the image.
        radius: Of the disc of the same area, in pixels.
        cell: ``float64[h, w]``, distance from the cell's outline in pixels, negative inside.
        nucleus: The same for the nucleus.
        labels: ``uint8[h, w]`` of class ids: the class that covers at least half of the pixel.
    """

    cell_type: CellType
    window: Window
    centre: tuple[float, float]
    radius: float
    cell: ScalarField
    nucleus: ScalarField
    labels: Labels


_WOBBLE_FACTORS: Final[dict[CellType, float]] = {
    "neutrophil": 0.9,
    "lymphocyte": 0.7,
    "monocyte": 1.2,
    "eosinophil": 0.6,
    "basophil": 0.7,
}


def outline_cell(rng: Generator, cell_type: CellType, radius: float, irregularity: float) -> Outline:
    """Return the outline of a white cell.

    Args:
        rng: Random generator.
        cell_type: Its type: monocytes are the least round.
        radius: Of the disc of the same area, in pixels.
        irregularity: 0 for round cells, 1 for cells squeezed by their neighbours.
    """
    wobble = (0.012 + 0.14 * irregularity * rng.uniform(0.2, 1.2)) * _WOBBLE_FACTORS[cell_type]
    is_ragged = cell_type == "monocyte" and rng.random() < irregularity
    return Outline.make_random(rng, radius, wobble, roughness=0.5 if is_ragged else 0.25, max_wave=28)


def shape_cell(
    rng: Generator, cell_type: CellType, outline: Outline, centre: tuple[float, float], nucleus_fraction: float
) -> WhiteCell:
    """Place a nucleus in an outline and compute the class of every pixel.

    Args:
        rng: Random generator.
        cell_type: Its type, which determines the shape of the nucleus.
        outline: Of the cell.
        centre: Row and column in pixels of the image.
        nucleus_fraction: Fraction of the cell's area that the nucleus covers, 0.1 to 0.85.
    """
    window = Window.from_centre(centre, outline.max_radius + 4)
    y, x = window.make_grid(centre, SUPERSAMPLING)
    cell = outline.compute_distance(y, x)
    radius = float(np.sqrt((outline.radii**2).mean()))
    nucleus_radius = radius * np.sqrt(nucleus_fraction)
    # In a narrow cell, the nucleus keeps its distance from the membrane.
    available_radius = float(0.5 * radius + 0.5 * outline.radii.min())
    nucleus = NUCLEUS_FUNCTIONS[cell_type](rng, y, x, max(available_radius, 1.02 * nucleus_radius), nucleus_radius)
    crinkle = 0.02 if cell_type == "lymphocyte" else 0.05 if cell_type == "monocyte" else 0.035
    nucleus = nucleus + crinkle * nucleus_radius * generate_noise(
        rng, cell.shape, 0.30 * nucleus_radius * SUPERSAMPLING
    )
    # The nucleus stays inside the membrane; its outline is then shifted until it has the requested area.
    margin = (0.8 if cell_type == "lymphocyte" else 1.1) + 0.012 * radius
    inner = nucleus[cell < -margin]
    target_count = min(round(nucleus_fraction * np.count_nonzero(cell < 0)), round(0.97 * inner.size))
    nucleus = np.maximum(nucleus - np.partition(inner, target_count)[target_count], cell + margin)
    labels = np.where(average_blocks((nucleus < 0).astype(np.float64), SUPERSAMPLING) >= 0.5, 2, 1)
    labels = np.where(average_blocks((cell < 0).astype(np.float64), SUPERSAMPLING) >= 0.5, labels, 0).astype(np.uint8)
    return WhiteCell(
        cell_type,
        window,
        centre,
        radius,
        average_blocks(cell, SUPERSAMPLING),
        average_blocks(nucleus, SUPERSAMPLING),
        labels,
    )
