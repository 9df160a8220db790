"""Refine the outlines of a coarse segmentation along the edges in the image.

A guided filter (He, Sun and Tang 2013, doi 10.1109/TPAMI.2012.213), computed on a downsampled copy of a large image,
much as its authors proposed later (He and Sun 2015, arXiv 1505.00996). Around every pixel, a probability is fitted as a
linear function of the three colours, so that it changes where they do. The network places an outline to within a few
pixels; there, nucleus and cytoplasm differ in colour, and so do a cell and its surroundings.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from wbcseg.labels import BACKGROUND, CYTOPLASM, NUCLEUS


@dataclass(frozen=True)
class EdgeRefinement:
    """Parameters of the refinement. The larger the radius, the more closely outlines follow colours.

    Attributes:
        nucleus_radius: Radius of the filter for the nucleus, as a fraction of the cell's longer side.
        cell_radius: The same for the cell's outline; smaller, because other cells may be close.
        epsilon: Variance of a colour (in 0 to 1) below which there is no edge.
        temperature: Divides the logarithms of the probabilities, to sharpen what a large radius has smoothed. Labels
            do not depend on it. Chosen, like the others, on the shipped models' held-out images.
    """

    nucleus_radius: float
    cell_radius: float
    epsilon: float
    temperature: float


REFINEMENT_WITH_SKIPS: Final = EdgeRefinement(0.08, 0.025, 3e-4, 0.85)
"""For networks with skip connections, whose outlines are already fine."""

REFINEMENT_WITHOUT_SKIPS: Final = EdgeRefinement(0.18, 0.06, 1e-3, 0.6)
"""For networks without skip connections."""

MIN_CELL_PROBABILITY: Final = 1e-3
"""Added to the probability of a cell before dividing by it; where there is no cell, the nuclear fraction is then 0."""

MAX_GUIDE_SIDE: Final = 128
"""Maximum side in pixels of the copy on which the linear functions are fitted."""


def refine_edges(
    probabilities: NDArray[np.float32], image: NDArray[np.uint8], cell_size: float, refinement: EdgeRefinement
) -> NDArray[np.float32]:
    """Return class probabilities whose outlines follow the edges in the image.

    Args:
        probabilities: ``float32[H, W, 3]``, which sum to 1 at every pixel.
        image: The image, ``uint8[H, W, 3]``.
        cell_size: Approximate longer side of the cell in pixels.
        refinement: The parameters.

    Returns:
        ``float32[H, W, 3]``, a new array, which sums to 1 at every pixel.
    """
    colours = np.moveaxis(image.astype(np.float32) / np.float32(255.0), -1, 0)
    factor = -(-max(image.shape[:2]) // MAX_GUIDE_SIDE)
    guide = _GuidedFilter(_downsample(colours, factor), refinement.epsilon)
    height, width = image.shape[:2]

    def refine_plane(values: NDArray[np.float32], relative_radius: float) -> NDArray[np.float32]:
        reduced = _downsample(values[None], factor)[0]
        coefficients = guide.fit(reduced, max(1, round(relative_radius * cell_size / factor)))
        slopes = coefficients.repeat(factor, axis=1).repeat(factor, axis=2)[:, :height, :width]
        refined: NDArray[np.float32] = np.einsum("chw,chw->hw", slopes[:3], colours) + slopes[3]
        return refined.clip(0.0, 1.0)

    cytoplasm, nucleus = probabilities[..., CYTOPLASM.id], probabilities[..., NUCLEUS.id]
    cell = 1.0 - refine_plane(probabilities[..., BACKGROUND.id], refinement.cell_radius)
    # As a fraction of the cell, so that a thin rim of cytoplasm is not taken for nucleus because of distant colours.
    nucleus_fraction = refine_plane(nucleus / (nucleus + cytoplasm + MIN_CELL_PROBABILITY), refinement.nucleus_radius)
    result = np.empty_like(probabilities)
    result[..., BACKGROUND.id] = 1.0 - cell
    result[..., CYTOPLASM.id] = cell * (1.0 - nucleus_fraction)
    result[..., NUCLEUS.id] = cell * nucleus_fraction
    if refinement.temperature != 1.0:
        result **= 1.0 / refinement.temperature
    result /= result.sum(axis=-1, keepdims=True)
    return result


class _GuidedFilter:
    """A guided filter whose guide is an image, ``float32[3, H, W]`` in 0 to 1; see :class:`EdgeRefinement`."""

    def __init__(self, colours: NDArray[np.float32], epsilon: float) -> None:
        self._colours, self._epsilon = colours, epsilon
        red, green, blue = colours
        self._products = np.stack([red * red, green * green, blue * blue, red * green, red * blue, green * blue])

    def fit(self, values: NDArray[np.float32], radius: int) -> NDArray[np.float32]:
        """Return the linear functions of the colours that fit the values best around every pixel.

        Args:
            values: ``float32[H, W]``.
            radius: In pixels.

        Returns:
            ``float32[4, H, W]``: the slopes for red, green and blue, and the intercept.
        """
        mean, mean_value = _compute_box_mean(self._colours, radius), _compute_box_mean(values[None], radius)[0]
        red, green, blue = mean
        squares = np.stack([red * red, green * green, blue * blue, red * green, red * blue, green * blue])
        rr, gg, bb, rg, rb, gb = _compute_box_mean(self._products, radius) - squares
        rr, gg, bb = rr + self._epsilon, gg + self._epsilon, bb + self._epsilon
        # The adjugate of the symmetric covariance matrix: its inverse times its determinant.
        ii, jj, kk = gg * bb - gb * gb, rr * bb - rb * rb, rr * gg - rg * rg
        ij, ik, jk = gb * rb - rg * bb, rg * gb - gg * rb, rb * rg - rr * gb
        x, y, z = _compute_box_mean(self._colours * values, radius) - mean * mean_value
        slopes = np.stack([ii * x + ij * y + ik * z, ij * x + jj * y + jk * z, ik * x + jk * y + kk * z])
        slopes /= rr * ii + rg * ij + rb * ik
        constant = mean_value - np.einsum("chw,chw->hw", slopes, mean)
        return _compute_box_mean(np.concatenate([slopes, constant[None]]), radius)


def _compute_box_mean(planes: NDArray[np.float32], radius: int) -> NDArray[np.float32]:
    """Return the means of ``float32[N, H, W]`` over the square around every pixel."""
    # Imported here, so that listing models does not wait for it.
    from scipy import ndimage

    size = 2 * radius + 1
    means: NDArray[np.float32] = ndimage.uniform_filter(planes, (1, size, size))
    return means


def _downsample(planes: NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    """Return ``float32[N, H, W]`` downsampled to the means of ``factor`` × ``factor`` pixels."""
    if factor == 1:
        return planes
    height, width = planes.shape[1:]
    padded = np.pad(planes, ((0, 0), (0, -height % factor), (0, -width % factor)), mode="edge")
    parts = [padded[:, row::factor, column::factor] for row in range(factor) for column in range(factor)]
    means: NDArray[np.float32] = sum(parts[1:], parts[0]) / np.float32(len(parts))
    return means
