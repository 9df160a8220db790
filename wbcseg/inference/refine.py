"""Drawing the outlines of a coarse segmentation along the edges in the image.

A guided filter (He, Sun and Tang 2013, doi 10.1109/TPAMI.2012.213), reckoned on a smaller copy of a large picture, much
as its authors proposed later (He and Sun 2015, arXiv 1505.00996): around every pixel, a probability is put as a linear
function of the three colours, so that it changes where they do. A nucleus differs from its cytoplasm in colour, and a
cell from what lies around it, wherever the network says that the outline runs to within some pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from wbcseg.labels import BACKGROUND, CYTOPLASM, NUCLEUS


@dataclass(frozen=True)
class EdgeRefinement:
    """How closely edges are followed. The farther around a pixel colours count, the more they decide.

    Attributes:
        nucleus_radius: How far around a pixel colours count for the nucleus, as a share of the cell's greater side.
        cell_radius: The same for the cell's outline, beyond which other cells soon lie.
        epsilon: Variance of a colour (of 0 to 1) below which there is no edge.
        temperature: What draws the probabilities apart again, which a wide reach draws towards each other: their
            logarithms are divided by it. Labels do not depend on it. It was chosen, as the others were, on the shipped
            models' held-out images.
    """

    nucleus_radius: float
    cell_radius: float
    epsilon: float
    temperature: float


REFINEMENT_WITH_SKIPS: Final = EdgeRefinement(0.08, 0.025, 3e-4, 0.85)
"""For networks whose last stages see the first ones' feature maps, and which draw fine outlines by themselves."""

REFINEMENT_WITHOUT_SKIPS: Final = EdgeRefinement(0.18, 0.06, 1e-3, 0.6)
"""For the others."""

MIN_CELL_PROBABILITY: Final = 1e-3
"""A probability of a cell beside which it does not matter how much of it is nucleus."""

MAX_GUIDE_SIDE: Final = 128
"""The greatest side, in pixels, of the copy on which the linear functions are reckoned."""


def refine_edges(
    probabilities: NDArray[np.float32], image: NDArray[np.uint8], cell_size: float, refinement: EdgeRefinement
) -> NDArray[np.float32]:
    """Return class probabilities whose outlines follow the edges in the image.

    Args:
        probabilities: ``float32[H, W, 3]``; those of a pixel add up to 1.
        image: The image, ``uint8[H, W, 3]``.
        cell_size: Greater side of the cell in pixels, roughly.
        refinement: How closely.

    Returns:
        ``float32[H, W, 3]``, a new array; those of a pixel add up to 1.
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
    # Where there is a cell, how much of it is nucleus: so colours from afar do not take a thin rim for nucleus.
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
    """An image, ``float32[3, H, W]`` in 0 to 1, whose edges are followed; see ``Following.smooth``."""

    def __init__(self, colours: NDArray[np.float32], epsilon: float) -> None:
        self._colours, self._epsilon = colours, epsilon
        red, green, blue = colours
        self._products = np.stack([red * red, green * green, blue * blue, red * green, red * blue, green * blue])

    def fit(self, values: NDArray[np.float32], radius: int) -> NDArray[np.float32]:
        """Return the linear functions of the colours that come closest to some values around every pixel.

        Args:
            values: ``float32[H, W]``.
            radius: How far around, in pixels.

        Returns:
            ``float32[4, H, W]``: the factors of red, green and blue, and the constant.
        """
        mean, mean_value = _compute_box_mean(self._colours, radius), _compute_box_mean(values[None], radius)[0]
        red, green, blue = mean
        squares = np.stack([red * red, green * green, blue * blue, red * green, red * blue, green * blue])
        rr, gg, bb, rg, rb, gb = _compute_box_mean(self._products, radius) - squares
        rr, gg, bb = rr + self._epsilon, gg + self._epsilon, bb + self._epsilon
        # The inverse of their symmetric matrix, times its determinant.
        ii, jj, kk = gg * bb - gb * gb, rr * bb - rb * rb, rr * gg - rg * rg
        ij, ik, jk = gb * rb - rg * bb, rg * gb - gg * rb, rb * rg - rr * gb
        x, y, z = _compute_box_mean(self._colours * values, radius) - mean * mean_value
        slopes = np.stack([ii * x + ij * y + ik * z, ij * x + jj * y + jk * z, ik * x + jk * y + kk * z])
        slopes /= rr * ii + rg * ij + rb * ik
        constant = mean_value - np.einsum("chw,chw->hw", slopes, mean)
        return _compute_box_mean(np.concatenate([slopes, constant[None]]), radius)


def _compute_box_mean(planes: NDArray[np.float32], radius: int) -> NDArray[np.float32]:
    """Return the means of ``float32[N, H, W]`` over the square around every pixel."""
    # Loaded here, because those who only list models should not wait for it.
    from scipy import ndimage

    size = 2 * radius + 1
    means: NDArray[np.float32] = ndimage.uniform_filter(planes, (1, size, size))
    return means


def _downsample(planes: NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    """Return ``float32[N, H, W]`` with every ``factor`` by ``factor`` pixels made one, their mean."""
    if factor == 1:
        return planes
    height, width = planes.shape[1:]
    padded = np.pad(planes, ((0, 0), (0, -height % factor), (0, -width % factor)), mode="edge")
    parts = [padded[:, row::factor, column::factor] for row in range(factor) for column in range(factor)]
    means: NDArray[np.float32] = sum(parts[1:], parts[0]) / np.float32(len(parts))
    return means
