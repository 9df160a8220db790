"""A conditional random field (CRF) that makes neighbouring pixels of similar colour agree on their class.

The fully connected CRF of Krähenbühl and Koltun (2011, arXiv 1210.5644), with the window of Teichmann and Cipolla
(2018, arXiv 1805.04777): a pixel is tied to those within a few pixels of it, so that mean-field inference needs no
approximate filter. A pair of pixels of different classes costs the more, the closer the two are in place (a weak tie,
which removes specks) and in place and colour (a strong tie, which moves outlines to the edges of the image).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

MIN_PROBABILITY: Final = 1e-4
"""Smallest probability that counts, so that no pixel is beyond doubt."""


@dataclass(frozen=True)
class CrfParameters:
    """Parameters of the field.

    Attributes:
        radius: Farthest rows and columns that a pixel is tied to.
        appearance_weight: Strength of the ties between pixels of similar colour.
        appearance_scale: Distance in pixels over which these fade.
        color_scale: Difference in colour, in levels of 0 to 255, over which they fade.
        smoothness_weight: Strength of the ties between neighbours, whatever their colour.
        smoothness_scale: Distance in pixels over which these fade.
        steps: Number of mean-field steps.
    """

    radius: int = 5
    appearance_weight: float = 4.0
    appearance_scale: float = 4.0
    color_scale: float = 12.0
    smoothness_weight: float = 1.0
    smoothness_scale: float = 1.5
    steps: int = 5


DEFAULT_PARAMETERS: Final = CrfParameters()


@dataclass(frozen=True, eq=False)
class _Tie:
    """The ties of all pixels to those at one offset. The ties in the opposite direction are the same.

    Attributes:
        first: Index of the pixels that have such a neighbour.
        second: Index of these neighbours.
        weight: Strength of each tie, ``float32[1, h, w]``.
    """

    first: tuple[slice, slice, slice]
    second: tuple[slice, slice, slice]
    weight: NDArray[np.float32]


def refine_crf(
    probabilities: NDArray[np.float32], image: NDArray[np.uint8], parameters: CrfParameters = DEFAULT_PARAMETERS
) -> NDArray[np.float32]:
    """Return class probabilities that follow the edges in the image.

    Args:
        probabilities: ``float32[H, W, C]``, which sum to 1.
        image: ``uint8[H, W, 3]``, RGB.
        parameters: The field's parameters, for cells in the size of a model's input.

    Returns:
        ``float32[H, W, C]``, which sum to 1.
    """
    ties = list(_compute_ties(image, parameters))
    total = np.zeros((1, *image.shape[:2]), np.float32)
    for tie in ties:
        total[tie.first] += tie.weight
        total[tie.second] += tie.weight
    evidence = np.log(np.maximum(probabilities, MIN_PROBABILITY)).transpose(2, 0, 1)
    strength = np.float32(parameters.appearance_weight + parameters.smoothness_weight) / np.maximum(total, 1e-6)
    beliefs = np.ascontiguousarray(probabilities.transpose(2, 0, 1))
    for _ in range(parameters.steps):
        support = np.zeros_like(beliefs)
        for tie in ties:
            support[tie.first] += tie.weight * beliefs[tie.second]
            support[tie.second] += tie.weight * beliefs[tie.first]
        beliefs = _normalise(evidence + strength * support)
    return np.ascontiguousarray(beliefs.transpose(1, 2, 0))


def _compute_ties(image: NDArray[np.uint8], parameters: CrfParameters) -> Iterator[_Tie]:
    """Yield the ties in half of the directions; the others follow from symmetry."""
    height, width = image.shape[:2]
    colors = image.astype(np.float32).transpose(2, 0, 1) / np.float32(parameters.color_scale)
    for rows in range(min(parameters.radius, height - 1) + 1):
        for columns in range(-min(parameters.radius, width - 1), min(parameters.radius, width - 1) + 1):
            distance = rows * rows + columns * columns
            if (rows == 0 and columns <= 0) or distance > parameters.radius**2:
                continue
            first = slice(None), slice(0, height - rows), slice(max(0, -columns), width - max(0, columns))
            second = slice(None), slice(rows, height), slice(max(0, columns), width + min(0, columns))
            difference = colors[first] - colors[second]
            exponent = np.einsum("chw,chw->hw", difference, difference) / 2
            exponent += distance / (2 * parameters.appearance_scale**2)
            near = np.exp(-distance / (2 * parameters.smoothness_scale**2))
            weight = parameters.appearance_weight * np.exp(-exponent) + parameters.smoothness_weight * near
            yield _Tie(first, second, weight[None].astype(np.float32))


def _normalise(energies: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return the softmax over the first axis."""
    exponentials = np.exp(energies - energies.max(axis=0))
    beliefs: NDArray[np.float32] = (exponentials / exponentials.sum(axis=0)).astype(np.float32, copy=False)
    return beliefs
