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
    image: NDArray[np.uint8], probabilities: NDArray[np.float32], cell_labels: Labels
) -> NDArray[np.float32]:
    """Describe a crop and what was found in it.

    Args:
        image: ``uint8[H, W, 3]``, RGB.
        probabilities: ``float32[H, W, 3]`` of the classes.
        cell_labels: ``uint8[H, W]`` of class ids: the main cell only.

    Returns:
        ``float32[len(FEATURES)]``, every one finite; all 0 but for the plasma's where there is no cell.
    """
    # Loaded here, because those who only list models should not wait for it.
    from scipy import ndimage

    stride = -(-max(cell_labels.shape) // MAX_SIDE)
    if stride > 1:
        image = np.asarray(Image.fromarray(image).reduce(stride))
        height, width = (n - n % stride for n in cell_labels.shape)
        centre_pixels = slice(stride // 2, height, stride), slice(stride // 2, width, stride)
        probabilities, cell_labels = probabilities[centre_pixels], cell_labels[centre_pixels]
        image = image[: cell_labels.shape[0], : cell_labels.shape[1]]
    inside = cell_labels != BACKGROUND.id
    nucleus, cytoplasm = cell_labels == NUCLEUS.id, cell_labels == CYTOPLASM.id
    is_foreground = probabilities.argmax(axis=-1) != BACKGROUND.id
    background = ~(inside | is_foreground)
    intensity = image.astype(np.float32) + 1.0
    values: dict[str, float] = dict.fromkeys(QUALITY_FEATURES, 0.0)
    # Plasma is the brighter half of what is not a cell; red cells are the darker one.
    outside = intensity[background] if background.any() else intensity.reshape(-1, 3)
    brightness = outside.sum(axis=1)
    plasma = np.median(outside[brightness >= np.median(brightness)], axis=0)
    values["plasma_light"] = float(plasma.max() / 256.0)
    values["plasma_colour"] = float((plasma.max() - plasma.min()) / plasma.max())
    values["plasma_spread"] = float(np.log10(outside.std(axis=0).mean() + 1.0))
    if inside.any():
        density = np.log10(plasma / intensity)
        values |= _measure_colours(density, nucleus, cytoplasm)
        values |= _measure_certainty(probabilities, inside, nucleus, cytoplasm, ndimage.binary_dilation)
        values |= _measure_shape(inside, nucleus, is_foreground)
        values |= _measure_sharpness(image, inside, density)
        values["faint"] = _measure_faint_outline(density, inside, cytoplasm if cytoplasm.any() else inside)
    features = np.array([values[name] for name in QUALITY_FEATURES], np.float32)
    return np.nan_to_num(features, posinf=0.0, neginf=0.0)


def _measure_colours(density: NDArray[np.float32], nucleus: BoolArray, cytoplasm: BoolArray) -> dict[str, float]:
    """Return how much light nucleus and cytoplasm absorb, by colour, over the plasma."""
    densities: dict[str, float] = {}
    for region, region_mask in (("nucleus", nucleus), ("cytoplasm", cytoplasm)):
        mean = density[region_mask].mean(axis=0) if region_mask.any() else np.zeros(3, np.float32)
        densities |= {
            f"{region}_{colour}": float(value) for colour, value in zip(("red", "green", "blue"), mean, strict=True)
        }
    return densities


def _measure_certainty(
    probabilities: NDArray[np.float32],
    inside: BoolArray,
    nucleus: BoolArray,
    cytoplasm: BoolArray,
    dilate: Callable[..., BoolArray],
) -> dict[str, float]:
    """Return the Dice to be expected if the probabilities are right, and where they are in doubt."""

    def expected_dice(region_mask: BoolArray, probability: NDArray[np.float32]) -> float:
        return float(
            2.0 * probability[region_mask].sum() / max(float(probability.sum()) + float(region_mask.sum()), 1.0)
        )

    confidence = probabilities.max(axis=-1)
    radius = max(2, round(0.1 * math.sqrt(float(inside.sum()))))
    surroundings = dilate(inside, iterations=radius) & ~inside
    return {
        "sure_cell": expected_dice(inside, 1.0 - probabilities[..., BACKGROUND.id]),
        "sure_nucleus": expected_dice(nucleus, probabilities[..., NUCLEUS.id]),
        "sure_cytoplasm": expected_dice(cytoplasm, probabilities[..., CYTOPLASM.id]),
        "doubt_inside": float(1.0 - confidence[inside].mean()),
        "doubt_around": float(1.0 - confidence[surroundings].mean()) if surroundings.any() else 0.0,
    }


def _measure_shape(inside: BoolArray, nucleus: BoolArray, is_foreground: BoolArray) -> dict[str, float]:
    """Return size and form of the cell, and what else was found."""
    from scipy import ndimage
    from skimage.measure import regionprops

    (cell_props,) = regionprops(inside.astype(np.uint8))
    area, height, width = float(inside.sum()), *inside.shape
    nucleus_props = regionprops(nucleus.astype(np.uint8))
    others = is_foreground & ~inside
    pieces, count = ndimage.label(others)
    sizes = np.bincount(pieces.ravel(), minlength=count + 1)[1:]
    edges = (inside[0], inside[-1], inside[:, 0], inside[:, -1])
    perimeter = max(float(cell_props.perimeter_crofton), 1.0)
    ring = ndimage.binary_dilation(nucleus, iterations=1) & ~nucleus
    return {
        "cell_share": math.sqrt(area / (height * width)),
        "nucleus_share": float(nucleus.sum()) / area,
        "solidity": float(cell_props.solidity),
        "roundness": 4.0 * math.pi * area / perimeter**2,
        "nucleus_solidity": float(nucleus_props[0].solidity) if nucleus_props else 0.0,
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
    grey_levels = np.asarray(grey, np.float32)
    fine = grey_levels - ndimage.gaussian_filter(grey_levels, 1.0)
    coarse = ndimage.gaussian_filter(grey_levels, 1.0) - ndimage.gaussian_filter(grey_levels, 4.0)
    inner_ring = ndimage.binary_erosion(inside, iterations=2) & ~ndimage.binary_erosion(inside, iterations=5)
    outer_ring = ndimage.binary_dilation(inside, iterations=5) & ~ndimage.binary_dilation(inside, iterations=2)
    contrast = density[inner_ring].mean() - density[outer_ring].mean() if inner_ring.any() and outer_ring.any() else 0.0
    return {
        "edge": float(contrast),
        "sharpness": float(np.log10((coarse.std() + 0.1) / (grey_levels.std() + 0.1))),
        "grain": float(np.log10((fine.std() + 0.1) / (coarse.std() + 0.1))),
    }


def _measure_faint_outline(density: NDArray[np.float32], inside: BoolArray, cytoplasm: BoolArray) -> float:
    """Return along which share of the cell's outline the picture shows hardly an edge."""
    from scipy import ndimage

    smoothed = ndimage.gaussian_filter(density, (1.0, 1.0, 0.0))
    radius = max(2, round(0.05 * math.sqrt(float(inside.sum()))))
    eroded, dilated = (morph(inside, iterations=radius) for morph in (ndimage.binary_erosion, ndimage.binary_dilation))
    inner_ring = eroded & ~ndimage.binary_erosion(eroded, iterations=radius)
    outer_ring = ndimage.binary_dilation(dilated) & ~dilated
    if not inner_ring.any() or not outer_ring.any():
        return 0.0
    nearest = ndimage.distance_transform_edt(~inner_ring, return_distances=False, return_indices=True)
    rows, columns = (indices[outer_ring] for indices in nearest)
    contrast = np.sqrt(((smoothed[rows, columns] - smoothed[outer_ring]) ** 2).mean(axis=1))
    reference_density = math.sqrt(float((smoothed[cytoplasm].mean(axis=0) ** 2).mean()))
    return float((contrast < FAINT_CONTRAST * max(MIN_REFERENCE_DENSITY, reference_density)).mean())
