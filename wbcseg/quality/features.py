"""Features of a crop and its segmentation that the quality check is based on."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from wbcseg.eyepiece import find_black_surround
from wbcseg.labels import BACKGROUND, CYTOPLASM, NUCLEUS, Labels, find_bounds, mark_background

BoolArray = NDArray[np.bool_]

INDISTINCT_CONTRAST: Final = 0.3
"""Contrast across the cell boundary below which it counts as indistinct.

The root mean square over the colour channels of the difference in optical density, as a fraction of the density of the
cytoplasm, or of the whole cell if no cytoplasm was found.
"""

MIN_REFERENCE_DENSITY: Final = 0.05
"""Least reference density, so that an empty region has no distinct boundary."""

NORMALISED_SIDE: Final = 96
"""Side in pixels to which the cell is resized, so that sharpness does not depend on the scale."""

MAX_SIDE: Final = 160
"""Largest side in pixels of the crop; larger ones are reduced by an integer factor first."""

SURROUND_GAP: Final = 4
"""Pixels between an eyepiece's surround and the outline of a cell that it cuts off, at most."""

QUALITY_FEATURES: Final = (
    *(
        "expected_dice_cell",
        "expected_dice_nucleus",
        "expected_dice_cytoplasm",
        "uncertainty_inside",
        "uncertainty_around",
    ),
    *(
        "relative_cell_size",
        "nucleus_fraction",
        "cell_solidity",
        "cell_circularity",
        "nucleus_solidity",
        "largest_other_object",
        "other_foreground",
        "edge_contact",
    ),
    *("nucleus_exposure", "nucleus_hole_fraction"),
    *(
        "nucleus_density_red",
        "nucleus_density_green",
        "nucleus_density_blue",
        "cytoplasm_density_red",
        "cytoplasm_density_green",
        "cytoplasm_density_blue",
    ),
    *(
        "background_brightness",
        "background_saturation",
        "background_variation",
        "boundary_contrast",
        "indistinct_boundary",
        "sharpness",
        "noise",
    ),
)
"""Names of the features of :func:`compute_quality_features`, in order."""


def compute_quality_features(
    image: NDArray[np.uint8], probabilities: NDArray[np.float32], cell_labels: Labels
) -> NDArray[np.float32]:
    """Compute the quality features of a crop and its segmentation.

    The black surround of an eyepiece counts as an edge of the image: a cell that touches it is cut off, and its pixels
    are in none of the features.

    Args:
        image: ``uint8[H, W, 3]``, RGB.
        probabilities: ``float32[H, W, 3]`` of the classes.
        cell_labels: ``uint8[H, W]`` of class ids: the main cell only.

    Returns:
        ``float32[len(QUALITY_FEATURES)]``, all finite; without a cell, all but the background's are 0.
    """
    stride = -(-max(cell_labels.shape) // MAX_SIDE)
    if stride > 1:
        image = np.asarray(Image.fromarray(image).reduce(stride))
        height, width = (n - n % stride for n in cell_labels.shape)
        centre_pixels = slice(stride // 2, height, stride), slice(stride // 2, width, stride)
        probabilities, cell_labels = probabilities[centre_pixels], cell_labels[centre_pixels]
        image = image[: cell_labels.shape[0], : cell_labels.shape[1]]
    surround = find_black_surround(image)
    if surround is None:
        surround = np.zeros(cell_labels.shape, np.bool_)
    else:
        probabilities, cell_labels = probabilities.copy(), np.where(surround, np.uint8(BACKGROUND.id), cell_labels)
        mark_background(probabilities, surround)
    inside = cell_labels != BACKGROUND.id
    nucleus, cytoplasm = cell_labels == NUCLEUS.id, cell_labels == CYTOPLASM.id
    is_foreground = probabilities.argmax(axis=-1) != BACKGROUND.id
    background = ~(inside | is_foreground | surround)
    intensity = image.astype(np.float32) + 1.0
    values: dict[str, float] = dict.fromkeys(QUALITY_FEATURES, 0.0)
    # Plasma is the brighter half of the background; red blood cells are the darker half.
    outside = intensity[background] if background.any() else intensity[~surround]
    brightness = outside.sum(axis=1)
    plasma = np.median(outside[brightness >= np.median(brightness)], axis=0)
    values["background_brightness"] = float(plasma.max() / 256.0)
    values["background_saturation"] = float((plasma.max() - plasma.min()) / plasma.max())
    values["background_variation"] = float(np.log10(outside.std(axis=0).mean() + 1.0))
    if inside.any():
        if surround.any():
            image = np.where(surround[..., None], (plasma - 1.0).astype(np.uint8), image)
            intensity = image.astype(np.float32) + 1.0
        density = np.log10(plasma / intensity)
        values |= _measure_colours(density, nucleus, cytoplasm)
        values |= _measure_certainty(probabilities, inside, nucleus, cytoplasm, surround)
        values |= _measure_shape(inside, nucleus, is_foreground)
        values["edge_contact"] += measure_surround_contact(inside, surround)
        values |= _measure_sharpness(image, inside, density, surround)
        values["indistinct_boundary"] = _measure_indistinct_boundary(
            density, inside, cytoplasm if cytoplasm.any() else inside, surround
        )
    features = np.array([values[name] for name in QUALITY_FEATURES], np.float32)
    return np.nan_to_num(features, posinf=0.0, neginf=0.0)


def measure_surround_contact(inside: BoolArray, surround: BoolArray) -> float:
    """Return how much of a cell's outline touches the black surround of an eyepiece, over the root of its area.

    Args:
        inside: ``bool[H, W]``: the cell.
        surround: ``bool[H, W]``, see :func:`wbcseg.eyepiece.find_black_surround`.
    """
    # Imported here, so that listing models does not wait for it.
    from scipy import ndimage

    if not surround.any():
        return 0.0
    near = ndimage.binary_dilation(surround, iterations=SURROUND_GAP)
    contact = near & inside & ~ndimage.binary_erosion(inside)
    return float(contact.sum()) / math.sqrt(max(float(inside.sum()), 1.0))


def _measure_colours(density: NDArray[np.float32], nucleus: BoolArray, cytoplasm: BoolArray) -> dict[str, float]:
    """Return the mean optical density of nucleus and cytoplasm by colour channel, relative to the plasma."""
    densities: dict[str, float] = {}
    for region, region_mask in (("nucleus", nucleus), ("cytoplasm", cytoplasm)):
        mean = density[region_mask].mean(axis=0) if region_mask.any() else np.zeros(3, np.float32)
        densities |= {
            f"{region}_density_{colour}": float(value)
            for colour, value in zip(("red", "green", "blue"), mean, strict=True)
        }
    return densities


def _measure_certainty(
    probabilities: NDArray[np.float32],
    inside: BoolArray,
    nucleus: BoolArray,
    cytoplasm: BoolArray,
    surround: BoolArray,
) -> dict[str, float]:
    """Return the Dice expected if the probabilities are calibrated, and the uncertainty inside and around the cell."""
    from scipy import ndimage

    def expected_dice(region_mask: BoolArray, probability: NDArray[np.float32]) -> float:
        return float(
            2.0 * probability[region_mask].sum() / max(float(probability.sum()) + float(region_mask.sum()), 1.0)
        )

    confidence = probabilities.max(axis=-1)
    radius = max(2, round(0.1 * math.sqrt(float(inside.sum()))))
    surroundings = ndimage.binary_dilation(inside, iterations=radius) & ~inside & ~surround
    return {
        "expected_dice_cell": expected_dice(inside, 1.0 - probabilities[..., BACKGROUND.id]),
        "expected_dice_nucleus": expected_dice(nucleus, probabilities[..., NUCLEUS.id]),
        "expected_dice_cytoplasm": expected_dice(cytoplasm, probabilities[..., CYTOPLASM.id]),
        "uncertainty_inside": float(1.0 - confidence[inside].mean()),
        "uncertainty_around": float(1.0 - confidence[surroundings].mean()) if surroundings.any() else 0.0,
    }


def _measure_shape(inside: BoolArray, nucleus: BoolArray, is_foreground: BoolArray) -> dict[str, float]:
    """Return size and shape of the cell, and how much other foreground there is."""
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
        "relative_cell_size": math.sqrt(area / (height * width)),
        "nucleus_fraction": float(nucleus.sum()) / area,
        "cell_solidity": float(cell_props.solidity),
        "cell_circularity": 4.0 * math.pi * area / perimeter**2,
        "nucleus_solidity": float(nucleus_props[0].solidity) if nucleus_props else 0.0,
        "largest_other_object": float(sizes.max(initial=0)) / area,
        "other_foreground": float(others.sum()) / area,
        "edge_contact": sum(float(edge.sum()) for edge in edges) / math.sqrt(area),
        # How much of the nuclear boundary borders the background directly, and whether the nucleus is a ring.
        "nucleus_exposure": float((ring & ~inside).sum()) / max(float(ring.sum()), 1.0),
        "nucleus_hole_fraction": float(ndimage.binary_fill_holes(nucleus).sum() - nucleus.sum()) / area,
    }


def _measure_sharpness(
    image: NDArray[np.uint8], inside: BoolArray, density: NDArray[np.float32], surround: BoolArray
) -> dict[str, float]:
    """Return how sharp and noisy the crop is at the scale of the cell, and the contrast across the cell boundary."""
    from scipy import ndimage

    bounds = find_bounds(inside)
    assert bounds is not None
    grey = (
        Image.fromarray(image)
        .crop(bounds)
        .convert("L")
        .resize((NORMALISED_SIDE, NORMALISED_SIDE), Image.Resampling.BOX)
    )
    grey_levels = np.asarray(grey, np.float32)
    fine = grey_levels - ndimage.gaussian_filter(grey_levels, 1.0)
    coarse = ndimage.gaussian_filter(grey_levels, 1.0) - ndimage.gaussian_filter(grey_levels, 4.0)
    inner_ring = ndimage.binary_erosion(inside, iterations=2) & ~ndimage.binary_erosion(inside, iterations=5)
    outer_ring = ndimage.binary_dilation(inside, iterations=5) & ~ndimage.binary_dilation(inside, iterations=2)
    outer_ring &= ~surround
    contrast = density[inner_ring].mean() - density[outer_ring].mean() if inner_ring.any() and outer_ring.any() else 0.0
    return {
        "boundary_contrast": float(contrast),
        "sharpness": float(np.log10((coarse.std() + 0.1) / (grey_levels.std() + 0.1))),
        "noise": float(np.log10((fine.std() + 0.1) / (coarse.std() + 0.1))),
    }


def _measure_indistinct_boundary(
    density: NDArray[np.float32], inside: BoolArray, cytoplasm: BoolArray, surround: BoolArray
) -> float:
    """Return the fraction of the cell boundary that is indistinct."""
    from scipy import ndimage

    smoothed = ndimage.gaussian_filter(density, (1.0, 1.0, 0.0))
    radius = max(2, round(0.05 * math.sqrt(float(inside.sum()))))
    eroded, dilated = (morph(inside, iterations=radius) for morph in (ndimage.binary_erosion, ndimage.binary_dilation))
    inner_ring = eroded & ~ndimage.binary_erosion(eroded, iterations=radius)
    outer_ring = ndimage.binary_dilation(dilated) & ~dilated & ~surround
    if not inner_ring.any() or not outer_ring.any():
        return 0.0
    nearest = ndimage.distance_transform_edt(~inner_ring, return_distances=False, return_indices=True)
    rows, columns = (indices[outer_ring] for indices in nearest)
    contrast = np.sqrt(((smoothed[rows, columns] - smoothed[outer_ring]) ** 2).mean(axis=1))
    reference_density = math.sqrt(float((smoothed[cytoplasm].mean(axis=0) ** 2).mean()))
    return float((contrast < INDISTINCT_CONTRAST * max(MIN_REFERENCE_DENSITY, reference_density)).mean())
