"""Red cells drawn around the white cell of a crop, because many laboratories' crops are full of them."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from wbcseg.labels import BACKGROUND, CYTOPLASM, Labels

MAX_RED_CELLS: Final = 14

# Least and greatest optical density of red, green and blue light through a red cell: pink to brown to violet grey.
DENSITY_RANGE: Final = ((0.02, 0.22, 0.08), (0.38, 0.75, 0.62))


CROWDED_PROBABILITY: Final = 0.35
"""Share of crops in which the red cells lie over the cytoplasm, up to the nucleus, as where cells are crowded."""


def add_red_cells(
    image: NDArray[np.float32], labels: Labels, rng: np.random.Generator, *, size: float
) -> tuple[NDArray[np.float32], Labels]:
    """Return a crop with red cells drawn around its white cell: behind it, or over its cytoplasm, which is lost there.

    Args:
        image: ``float32[S, S, 3]`` in 0 to 1.
        labels: ``uint8[S, S]``; the red cells often touch the cell.
        rng: The source of chance.
        size: Diameter of the white cell in pixels.

    Returns:
        The picture, and the mask that goes with it.
    """
    # Loaded here, because those who only list models should not wait for it.
    from scipy import ndimage

    side = image.shape[0]
    density = rng.uniform(*DENSITY_RANGE)
    if rng.random() < 0.3:
        density = density * rng.uniform(0.25, 0.6)
    dense = np.zeros((side, side), np.float32)
    radius = size * rng.uniform(0.22, 0.42)
    pallor, rim = rng.uniform(0.0, 0.7), rng.uniform(0.0, 0.35)
    edge = np.argwhere(labels > 0)
    tight = rng.random() < CROWDED_PROBABILITY
    over = np.zeros((side, side), np.bool_)
    for _ in range(int(rng.integers(2, MAX_RED_CELLS))):
        y, x = rng.uniform(-0.15 * side, 1.15 * side, 2)
        if len(edge) and rng.random() < 0.55:
            # Beside the white cell: from its middle outwards, so far that both just touch.
            angle = rng.uniform(0, 2 * np.pi)
            middle = edge.mean(axis=0)
            reach = size / 2 + radius * (rng.uniform(-0.2, 0.7) if tight else rng.uniform(0.3, 1.1))
            y, x = middle[0] + np.sin(angle) * reach, middle[1] + np.cos(angle) * reach
        tilt, flat, own = rng.uniform(0, np.pi), rng.uniform(0.72, 1.0), radius * rng.uniform(0.8, 1.2)
        waving, lobes = rng.uniform(0, 0.06), rng.integers(3, 12)
        # Only the part of the picture that it covers is drawn.
        top, left = (max(0, int(place - 1.1 * own)) for place in (y, x))
        bottom, right = (min(side, int(place + 1.1 * own) + 2) for place in (y, x))
        if top >= bottom or left >= right:
            continue
        dy, dx = (np.arange(a, b, dtype=np.float32) - c for a, b, c in ((top, bottom, y), (left, right, x)))
        along = (np.cos(tilt) * dx + np.sin(tilt) * dy[:, None]) / own
        across = (-np.sin(tilt) * dx + np.cos(tilt) * dy[:, None]) / (own * flat)
        waves = 1.0 + waving * np.sin(lobes * np.arctan2(across, along) + tilt)
        distance = np.hypot(along, across) / waves
        inside = np.clip((1.0 - distance) * own / 1.5, 0.0, 1.0)
        profile = 1.0 - pallor * np.exp(-((distance / 0.45) ** 2)) + rim * np.exp(-(((distance - 0.9) / 0.12) ** 2))
        # Where two lie over each other, both absorb, but not twice as much as the eye would like.
        part = dense[top:bottom, left:right]
        over[top:bottom, left:right] |= inside > 0.5
        part[...] = np.maximum(part, inside * profile) + 0.35 * np.minimum(part, inside * profile)
    lost = over & (labels == CYTOPLASM.id)
    # Where most of the cytoplasm would be lost, it would not be the same cell.
    if tight and lost.sum() < 0.6 * (labels == CYTOPLASM.id).sum():
        plasma = np.median(image[labels == BACKGROUND.id], axis=0) if (labels == BACKGROUND.id).any() else 1.0
        soft = ndimage.gaussian_filter(lost.astype(np.float32), 0.5)[..., None]
        image = (image * (1 - soft) + plasma * soft).astype(np.float32)
        labels = np.where(lost, BACKGROUND.id, labels).astype(np.uint8)
    # A soft border, or the network would learn to look for a cut.
    behind = ndimage.gaussian_filter((labels == BACKGROUND.id).astype(np.float32), 0.7)
    drawn: NDArray[np.float32] = (image * np.exp(-(dense * behind)[..., None] * density)).astype(np.float32)
    return drawn, labels
