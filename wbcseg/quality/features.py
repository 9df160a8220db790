"""What a crop and its segmentation look like, in numbers, to judge whether the result can be trusted."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from wbcseg.labels import BACKGROUND, CYTOPLASM, NUCLEUS, Labels

BoolArray = NDArray[np.bool_]

FAINT_CONTRAST: Final = 0.3
"""Where the two sides of an outline absorb light so much alike, there is hardly an edge.

The root mean square over the colours of the difference of their densities, as a share of the cytoplasm's density, or of
the whole cell's where no cytoplasm was found.
"""

MIN_REFERENCE_DENSITY: Final = 0.05
"""The least density that counts for that, so that nothing at all has no edge, either."""

NORMALISED_SIDE: Final = 96
"""Side in pixels to which the cell with its surroundings is brought, so that figures do not depend on the scale."""

MAX_SIDE: Final = 160
"""Greatest side in pixels at which a crop is described; larger ones are shrunk by a whole number first."""

QUALITY_FEATURES: Final = (
    *("sure_cell", "sure_nucleus", "sure_cytoplasm", "doubt_inside", "doubt_around"),
    *("cell_share", "nucleus_share", "solidity", "roundness", "nucleus_solidity", "other_cells", "scattered", "border"),
    *("rim", "enclosed"),
    *("nucleus_red", "nucleus_green", "nucleus_blue", "cytoplasm_red", "cytoplasm_green", "cytoplasm_blue"),
    *("plasma_light", "plasma_colour", "plasma_spread", "edge", "faint", "sharpness", "grain"),
)
"""Names of the figures of :func:`compute_quality_features`, in order."""


def compute_quality_features(
    image: NDArray[np.uint8], probabilities: NDArray[np.float32], cell: Labels
) -> NDArray[np.float32]:
    """Describe a crop and what was found in it.

    Args:
        image: ``uint8[H, W, 3]``, RGB.
        probabilities: ``float32[H, W, 3]`` of the classes.
        cell: ``uint8[H, W]`` of class ids: the main cell only.

    Returns:
        ``float32[len(FEATURES)]``, every one finite; all 0 but for the plasma's where there is no cell.
    """
    # Loaded here, because those who only list models should not wait for it.
    from scipy import ndimage

    step = -(-max(cell.shape) // MAX_SIDE)
    if step > 1:
        image = np.asarray(Image.fromarray(image).reduce(step))
        height, width = (n - n % step for n in cell.shape)
        middle = slice(step // 2, height, step), slice(step // 2, width, step)
        probabilities, cell = probabilities[middle], cell[middle]
        image = image[: cell.shape[0], : cell.shape[1]]
    inside = cell != BACKGROUND.id
    nucleus, cytoplasm = cell == NUCLEUS.id, cell == CYTOPLASM.id
    found = probabilities.argmax(axis=-1) != BACKGROUND.id
    background = ~(inside | found)
    light = image.astype(np.float32) + 1.0
    values: dict[str, float] = dict.fromkeys(QUALITY_FEATURES, 0.0)
    # Plasma is the brighter half of what is not a cell; red cells are the darker one.
    outside = light[background] if background.any() else light.reshape(-1, 3)
    brightness = outside.sum(axis=1)
    plasma = np.median(outside[brightness >= np.median(brightness)], axis=0)
    values["plasma_light"] = float(plasma.max() / 256.0)
    values["plasma_colour"] = float((plasma.max() - plasma.min()) / plasma.max())
    values["plasma_spread"] = float(np.log10(outside.std(axis=0).mean() + 1.0))
    if inside.any():
        density = np.log10(plasma / light)
        values |= _measure_colours(density, nucleus, cytoplasm)
        values |= _measure_certainty(probabilities, inside, nucleus, cytoplasm, ndimage.binary_dilation)
        values |= _measure_shape(inside, nucleus, found)
        values |= _measure_sharpness(image, inside, density)
        values["faint"] = _measure_faint_outline(density, inside, cytoplasm if cytoplasm.any() else inside)
    described = np.array([values[name] for name in QUALITY_FEATURES], np.float32)
    return np.nan_to_num(described, posinf=0.0, neginf=0.0)


def _measure_colours(density: NDArray[np.float32], nucleus: BoolArray, cytoplasm: BoolArray) -> dict[str, float]:
    """Return how much light nucleus and cytoplasm absorb, by colour, over the plasma."""
    found: dict[str, float] = {}
    for name, part in (("nucleus", nucleus), ("cytoplasm", cytoplasm)):
        mean = density[part].mean(axis=0) if part.any() else np.zeros(3, np.float32)
        found |= {f"{name}_{colour}": float(n) for colour, n in zip(("red", "green", "blue"), mean, strict=True)}
    return found


def _measure_certainty(
    probabilities: NDArray[np.float32],
    inside: BoolArray,
    nucleus: BoolArray,
    cytoplasm: BoolArray,
    dilate: Callable[..., BoolArray],
) -> dict[str, float]:
    """Return the Dice to be expected if the probabilities are right, and where they are in doubt."""

    def expected(part: BoolArray, chance: NDArray[np.float32]) -> float:
        return float(2.0 * chance[part].sum() / max(float(chance.sum()) + float(part.sum()), 1.0))

    best = probabilities.max(axis=-1)
    reach = max(2, round(0.1 * math.sqrt(float(inside.sum()))))
    around = dilate(inside, iterations=reach) & ~inside
    return {
        "sure_cell": expected(inside, 1.0 - probabilities[..., BACKGROUND.id]),
        "sure_nucleus": expected(nucleus, probabilities[..., NUCLEUS.id]),
        "sure_cytoplasm": expected(cytoplasm, probabilities[..., CYTOPLASM.id]),
        "doubt_inside": float(1.0 - best[inside].mean()),
        "doubt_around": float(1.0 - best[around].mean()) if around.any() else 0.0,
    }


def _measure_shape(inside: BoolArray, nucleus: BoolArray, found: BoolArray) -> dict[str, float]:
    """Return size and form of the cell, and what else was found."""
    from scipy import ndimage
    from skimage.measure import regionprops

    (cell,) = regionprops(inside.astype(np.uint8))
    area, height, width = float(inside.sum()), *inside.shape
    kernel = regionprops(nucleus.astype(np.uint8))
    others = found & ~inside
    pieces, count = ndimage.label(others)
    sizes = np.bincount(pieces.ravel(), minlength=count + 1)[1:]
    edges = (inside[0], inside[-1], inside[:, 0], inside[:, -1])
    perimeter = max(float(cell.perimeter_crofton), 1.0)
    ring = ndimage.binary_dilation(nucleus, iterations=1) & ~nucleus
    return {
        "cell_share": math.sqrt(area / (height * width)),
        "nucleus_share": float(nucleus.sum()) / area,
        "solidity": float(cell.solidity),
        "roundness": 4.0 * math.pi * area / perimeter**2,
        "nucleus_solidity": float(kernel[0].solidity) if kernel else 0.0,
        "other_cells": float(sizes.max(initial=0)) / area,
        "scattered": float(others.sum()) / area,
        "border": sum(float(edge.sum()) for edge in edges) / math.sqrt(area),
        # How much of the nucleus lies directly on the background, and whether the cell is a ring around nothing.
        "rim": float((ring & ~inside).sum()) / max(float(ring.sum()), 1.0),
        "enclosed": float(ndimage.binary_fill_holes(nucleus).sum() - nucleus.sum()) / area,
    }


def _measure_sharpness(image: NDArray[np.uint8], inside: BoolArray, density: NDArray[np.float32]) -> dict[str, float]:
    """Return how sharp the crop is at the scale of the cell, and how strongly its outline stands out."""
    from scipy import ndimage

    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    box = (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
    grey = (
        Image.fromarray(image).crop(box).convert("L").resize((NORMALISED_SIDE, NORMALISED_SIDE), Image.Resampling.BOX)
    )
    shades = np.asarray(grey, np.float32)
    fine = shades - ndimage.gaussian_filter(shades, 1.0)
    coarse = ndimage.gaussian_filter(shades, 1.0) - ndimage.gaussian_filter(shades, 4.0)
    within = ndimage.binary_erosion(inside, iterations=2) & ~ndimage.binary_erosion(inside, iterations=5)
    beyond = ndimage.binary_dilation(inside, iterations=5) & ~ndimage.binary_dilation(inside, iterations=2)
    step = density[within].mean() - density[beyond].mean() if within.any() and beyond.any() else 0.0
    return {
        "edge": float(step),
        "sharpness": float(np.log10((coarse.std() + 0.1) / (shades.std() + 0.1))),
        "grain": float(np.log10((fine.std() + 0.1) / (coarse.std() + 0.1))),
    }


def _measure_faint_outline(density: NDArray[np.float32], inside: BoolArray, cytoplasm: BoolArray) -> float:
    """Return along which share of the cell's outline the picture shows hardly an edge."""
    from scipy import ndimage

    smooth = ndimage.gaussian_filter(density, (1.0, 1.0, 0.0))
    reach = max(2, round(0.05 * math.sqrt(float(inside.sum()))))
    eroded, grown = (change(inside, iterations=reach) for change in (ndimage.binary_erosion, ndimage.binary_dilation))
    within = eroded & ~ndimage.binary_erosion(eroded, iterations=reach)
    beyond = ndimage.binary_dilation(grown) & ~grown
    if not within.any() or not beyond.any():
        return 0.0
    nearest = ndimage.distance_transform_edt(~within, return_distances=False, return_indices=True)
    rows, columns = (places[beyond] for places in nearest)
    step = np.sqrt(((smooth[rows, columns] - smooth[beyond]) ** 2).mean(axis=1))
    absorbed = math.sqrt(float((smooth[cytoplasm].mean(axis=0) ** 2).mean()))
    return float((step < FAINT_CONTRAST * max(MIN_REFERENCE_DENSITY, absorbed)).mean())
