"""Scalar fields that images are composed of: smooth noise, outlines, lobes and dots.

A field is a scalar image, ``float64[H, W]``. A shape is a field of signed distances in pixels from its outline,
negative inside (exact for discs, approximate for other shapes): it can be drawn with a soft edge, and shapes are joined
with a minimum and cut with a maximum. Everything is computed in 64 bits, so that differences in the last bit between
processors hardly ever reach the 8-bit image.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

ScalarField = NDArray[np.float64]
"""A scalar image, ``float64[H, W]``."""

_ANGLE_COUNT: Final = 720
# Standard deviation of white noise after the weights below: the cubic B-spline's autocorrelation at 0 is 151/315.
_SPLINE_NOISE_SD: Final = float(np.sqrt(36 * 151 / 315))


def _compute_spline_weights(length: int, spacing: float) -> tuple[NDArray[np.intp], ScalarField]:
    # For each pixel the first of its four lattice points, and their cubic B-spline weights, float64[4, length],
    # scaled to unit variance.
    position = (np.arange(length) + 0.5) / spacing
    first_point = np.floor(position).astype(np.intp)
    offset = position - first_point
    weights = np.stack(
        [
            (1 - offset) ** 3,
            3 * offset**3 - 6 * offset**2 + 4,
            -3 * offset**3 + 3 * offset**2 + 3 * offset + 1,
            offset**3,
        ]
    )
    return first_point, weights / _SPLINE_NOISE_SD


def _interpolate_rows(lattice: ScalarField, first_point: NDArray[np.intp], weights: ScalarField) -> ScalarField:
    # From lattice rows to pixel rows. Four weighted sums are faster here than a matrix product on a busy processor.
    pixels: ScalarField = weights[0][:, None] * lattice[first_point]
    for k in (1, 2, 3):
        pixels += weights[k][:, None] * lattice[first_point + k]
    return pixels


def generate_noise(rng: Generator, shape: tuple[int, int], spacing: float) -> ScalarField:
    """Return smooth noise.

    Args:
        rng: Random generator.
        shape: Height and width in pixels.
        spacing: Distance of the lattice points in pixels, about half the distance between peaks.

    Returns:
        ``float64[H, W]`` with mean 0 and standard deviation 1 (in expectation); less if ``spacing`` is below one
        pixel, which then averages over several lattice points.
    """
    row_points, row_weights = _compute_spline_weights(shape[0], max(spacing, 1.0))
    column_points, column_weights = _compute_spline_weights(shape[1], max(spacing, 1.0))
    lattice = rng.standard_normal((int(row_points[-1]) + 4, int(column_points[-1]) + 4))
    columns = np.ascontiguousarray(_interpolate_rows(np.ascontiguousarray(lattice.T), column_points, column_weights).T)
    return _interpolate_rows(columns, row_points, row_weights) * min(spacing, 1.0)


def compute_coverage(distance: ScalarField, softness: float = 1.0) -> ScalarField:
    """Return the coverage of each pixel by a shape, 0 to 1.

    Args:
        distance: The shape's field in pixels, negative inside.
        softness: Width of the edge in pixels.
    """
    return np.clip(0.5 - distance / softness, 0.0, 1.0)


def average_blocks(field: ScalarField, factor: int) -> ScalarField:
    """Return the means of blocks of ``factor`` × ``factor`` pixels."""
    height, width = field.shape[0] // factor, field.shape[1] // factor
    return np.asarray(field.reshape(height, factor, width, factor).mean(axis=(1, 3)))


@lru_cache(maxsize=8)
def _compute_waves(max_wave: int) -> tuple[ScalarField, ScalarField]:
    # Cosines and sines of 2 to `max_wave` waves around an outline, float64[720, max_wave - 1] each.
    phase = np.arange(_ANGLE_COUNT)[:, None] * (2 * np.pi / _ANGLE_COUNT) * np.arange(2, max_wave + 1)
    return np.cos(phase), np.sin(phase)


@dataclass(frozen=True)
class Outline:
    """A closed outline that every ray from its centre crosses once.

    Attributes:
        radii: ``float64[720]``, the distance of the outline from the centre in pixels, by angle.
    """

    radii: ScalarField

    @classmethod
    def make_random(
        cls, rng: Generator, radius: float, wobble: float, *, roughness: float = 0.5, max_wave: int = 12
    ) -> Outline:
        """Return a disc with a randomly irregular outline.

        Args:
            rng: Random generator.
            radius: Radius in pixels of the disc of the same area.
            wobble: Standard deviation of the outline, as a fraction of the radius.
            roughness: How slowly the waves' amplitude falls with their number: 0 fast (an oval), 1 slowly (ragged).
            max_wave: Maximum number of waves around the outline.
        """
        wave_numbers = np.arange(2, max_wave + 1)
        amplitudes = wave_numbers ** (-2.0 + 1.6 * roughness) * rng.standard_normal((2, wave_numbers.size))
        cosines, sines = _compute_waves(max_wave)
        wave = (cosines * amplitudes[0] + sines * amplitudes[1]).sum(axis=1)
        expected_sd = np.sqrt((wave_numbers ** (-4.0 + 3.2 * roughness)).sum())
        radii = np.maximum(1.0 + wobble * wave / expected_sd, 0.3)
        return cls(radii * (radius / np.sqrt((radii**2).mean())))

    @property
    def max_radius(self) -> float:
        """The largest radius in pixels."""
        return float(self.radii.max())

    def compute_distance(self, y: ScalarField, x: ScalarField) -> ScalarField:
        """Return the field of the outline.

        Args:
            y: Rows relative to the centre in pixels, of a shape that broadcasts with ``x``.
            x: Columns relative to the centre in pixels.
        """
        angle = np.arctan2(y, x) * (_ANGLE_COUNT / (2 * np.pi))
        closed_radii = np.concatenate([self.radii[-1:], self.radii, self.radii[:1]])
        angle = np.where(angle < 0, angle + _ANGLE_COUNT, angle) + 1.0
        lower = np.minimum(angle.astype(np.intp), _ANGLE_COUNT)
        fraction = angle - lower
        return np.asarray(np.hypot(y, x) - (closed_radii[lower] * (1 - fraction) + closed_radii[lower + 1] * fraction))


@dataclass(frozen=True)
class Lobe:
    """An ellipse: a lobe of a nucleus.

    Attributes:
        y: Row of the centre in pixels.
        x: Column of the centre in pixels.
        semi_major: Half of the long axis in pixels.
        semi_minor: Half of the short axis in pixels.
        angle: Angle of the long axis to the rows, in radians.
    """

    y: float
    x: float
    semi_major: float
    semi_minor: float
    angle: float

    def compute_distance(self, y: ScalarField, x: ScalarField) -> ScalarField:
        """Return the field of the ellipse at rows ``y`` and columns ``x``."""
        cos, sin = np.cos(self.angle), np.sin(self.angle)
        along_axis = (cos * (x - self.x) + sin * (y - self.y)) / self.semi_major
        across_axis = (cos * (y - self.y) - sin * (x - self.x)) / self.semi_minor
        return np.asarray((np.hypot(along_axis, across_axis) - 1.0) * np.sqrt(self.semi_major * self.semi_minor))


def compute_bridge(
    y: ScalarField, x: ScalarField, start: tuple[float, float], end: tuple[float, float], width: float
) -> ScalarField:
    """Return the field of a straight band with round ends.

    Args:
        y: Rows in pixels.
        x: Columns in pixels.
        start: Row and column of one end.
        end: Row and column of the other.
        width: Half of the band's width in pixels.
    """
    dy, dx = end[0] - start[0], end[1] - start[1]
    position = np.clip(((y - start[0]) * dy + (x - start[1]) * dx) / max(dy * dy + dx * dx, 1e-9), 0.0, 1.0)
    return np.asarray(np.hypot(y - start[0] - position * dy, x - start[1] - position * dx) - width)


def join(first: ScalarField, second: ScalarField, softness: float) -> ScalarField:
    """Return the union of two shapes with the corner between them filled over ``softness`` pixels."""
    overlap = np.maximum(softness - np.abs(first - second), 0.0) / softness
    return np.asarray(np.minimum(first, second) - overlap * overlap * softness / 4)


def draw_dots(
    shape: tuple[int, int], centres: ScalarField, radii: ScalarField, strengths: ScalarField, softness: float = 1.0
) -> ScalarField:
    """Return round dots; where two overlap, the stronger one counts.

    Args:
        shape: Height and width in pixels.
        centres: ``float64[N, 2]``, rows and columns in pixels.
        radii: ``float64[N]`` in pixels.
        strengths: ``float64[N]``, the value inside each dot.
        softness: Width of the edge in pixels.
    """
    field = np.zeros(shape)
    for (row, column), radius, strength in zip(centres, radii, strengths, strict=True):
        outer_radius = radius + softness
        top, bottom = max(int(row - outer_radius), 0), min(int(row + outer_radius) + 2, shape[0])
        left, right = max(int(column - outer_radius), 0), min(int(column + outer_radius) + 2, shape[1])
        if top >= bottom or left >= right:
            continue
        y = np.arange(top, bottom)[:, None] + 0.5 - row
        x = np.arange(left, right)[None, :] + 0.5 - column
        window = field[top:bottom, left:right]
        np.maximum(window, strength * compute_coverage(np.hypot(y, x) - radius, softness), out=window)
    return field
