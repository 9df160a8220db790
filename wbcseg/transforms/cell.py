"""Augmentations of a cell itself: its shape, nucleus, chromatin, stain uptake and granules."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from wbcseg.labels import BACKGROUND, CYTOPLASM, NUCLEUS, Labels
from wbcseg.transforms.regions import resample_pair, soften_region

RAY_COUNT: Final = 72
"""Number of rays from the centre of a nucleus along which it is resized."""

MIN_RIM_FACTOR: Final = 0.08
MAX_RIM_FACTOR: Final = 1.5
"""Smallest and largest thickness of the cytoplasm around a resized nucleus, relative to the original."""


def elastic_deform(
    image: NDArray[np.uint8], labels: Labels, max_displacement: float, rng: np.random.Generator
) -> tuple[NDArray[np.uint8], Labels]:
    """Deform an image elastically, as smoothly as a cell squeezed between others.

    Args:
        image: ``uint8[S, S, 3]``.
        labels: ``uint8[S, S]``.
        max_displacement: Largest displacement, as a fraction of the cell's diameter. Half of the copies are unchanged.
        rng: Random generator.

    Returns:
        The image and its mask, deformed alike.
    """
    # Slow to import: imported only where it is needed.

    if rng.random() < 0.5:
        return image, labels
    side = image.shape[0]
    diameter = 2.0 * np.sqrt(max(int((labels != BACKGROUND.id).sum()), 900) / np.pi)
    # Smooth on the scale of about a third of the cell: cubic interpolation of a few random displacements.
    knot_count = 2 + round(side / (diameter * rng.uniform(0.25, 0.7)))
    coarse = rng.uniform(-1.0, 1.0, (2, knot_count, knot_count)).astype(np.float32)
    displacements = [
        np.asarray(Image.fromarray(knot_values).resize((side, side), Image.Resampling.BICUBIC))
        for knot_values in coarse
    ]
    coordinates = np.mgrid[:side, :side] + np.stack(displacements) * (
        rng.uniform(0.2, 1.0) * max_displacement * diameter
    )
    return resample_pair(image, labels, coordinates)


def resize_nucleus(
    image: NDArray[np.uint8], labels: Labels, rng: np.random.Generator
) -> tuple[NDArray[np.uint8], Labels]:
    """Make the nucleus fill more or less of its cell: almost all, as in a blast or small lymphocyte, or little.

    Args:
        image: ``uint8[S, S, 3]``.
        labels: ``uint8[S, S]``.
        rng: Random generator.

    Returns:
        The image and its mask, stretched alike.
    """
    # In most copies, little cytoplasm is left.
    rim_factor = (
        np.exp(rng.uniform(np.log(MIN_RIM_FACTOR), 0.0)) if rng.random() < 0.7 else rng.uniform(1.0, MAX_RIM_FACTOR)
    )
    return scale_cytoplasm(image, labels, float(rim_factor))


def scale_cytoplasm(image: NDArray[np.uint8], labels: Labels, rim_factor: float) -> tuple[NDArray[np.uint8], Labels]:
    """Change the thickness of the cytoplasm around the nucleus.

    The image is stretched and compressed along rays from the centre of the nucleus; the cell's outline stays.

    Args:
        image: ``uint8[H, W, 3]``.
        labels: ``uint8[H, W]``; without a nucleus, nothing changes.
        rim_factor: Thickness relative to the original, more than 0.

    Returns:
        The image and its mask, stretched alike.
    """
    # Slow to import: imported only where it is needed.
    from scipy import ndimage

    nucleus = labels == NUCLEUS.id
    if not nucleus.any():
        return image, labels
    rows, columns = np.nonzero(nucleus)
    down, across = (
        np.mgrid[: labels.shape[0], : labels.shape[1]] - np.array([rows.mean(), columns.mean()])[:, None, None]
    )
    radius = np.maximum(np.hypot(down, across), 1e-3)
    ray = np.arctan2(down, across) % (2.0 * np.pi) * (RAY_COUNT / (2.0 * np.pi))

    def measure_extent(region: NDArray[np.bool_]) -> NDArray[np.float64]:
        extent = np.zeros(RAY_COUNT)
        np.maximum.at(extent, ray[region].astype(int) % RAY_COUNT, radius[region])
        smooth: NDArray[np.float64] = ndimage.gaussian_filter1d(extent, 1.5, mode="wrap")
        return smooth

    cell_extent = measure_extent(labels != BACKGROUND.id) + 0.5
    # Rays between the lobes of a nucleus also need something to stretch.
    nucleus_extent = np.clip(measure_extent(nucleus), 0.4 * cell_extent, cell_extent - 0.5)
    new_extent = np.clip(
        cell_extent - rim_factor * (cell_extent - nucleus_extent), 0.3 * cell_extent, cell_extent - 0.3
    )
    outer_radius, inner_radius, new_radius = (
        np.interp(ray, np.arange(RAY_COUNT + 1), np.append(extents, extents[0]))
        for extents in (cell_extent, nucleus_extent, new_extent)
    )
    nucleus_source = radius * inner_radius / new_radius
    rim_source = inner_radius + (radius - new_radius) * (outer_radius - inner_radius) / (outer_radius - new_radius)
    source_ratio = (
        np.where(radius < new_radius, nucleus_source, np.where(radius < outer_radius, rim_source, radius)) / radius
    )
    coordinates = np.stack([rows.mean() + down * source_ratio, columns.mean() + across * source_ratio])
    return resample_pair(image, labels, coordinates)


def decondense_chromatin(image: NDArray[np.float32], labels: Labels, rng: np.random.Generator) -> NDArray[np.float32]:
    """Decondense the chromatin: the nucleus becomes pale in places, as in a blast with nucleoli.

    Args:
        image: ``float32[S, S, 3]`` in 0 to 1.
        labels: ``uint8[S, S]``.
        rng: Random generator.
    """
    # Slow to import: imported only where it is needed.
    from scipy import ndimage

    diameter = 2.0 * np.sqrt(max(int((labels == NUCLEUS.id).sum()), 100) / np.pi)
    patches = ndimage.gaussian_filter(rng.normal(size=labels.shape), diameter * rng.uniform(0.03, 0.12))
    patches = np.clip(0.5 + 0.5 * patches / max(float(patches.std()), 1e-6), 0.0, 1.0)
    soft_mask = soften_region(labels == NUCLEUS.id, 0.8)
    # Never paler than plasma.
    plasma = np.median(image[labels == BACKGROUND.id], axis=0) if (labels == BACKGROUND.id).any() else np.ones(3)
    density = -np.log(np.clip(image, 0.004, 1.0))
    min_density = np.minimum(density, -np.log(np.clip(plasma, 0.004, 1.0)).astype(np.float32))
    fading = (rng.uniform(0.1, 0.55) * soft_mask * patches)[..., None]
    result: NDArray[np.float32] = np.exp(-(density - fading * (density - min_density))).astype(np.float32)
    return result


def jitter_stain(
    image: NDArray[np.float32], labels: Labels, max_log_change: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Vary the stain uptake of nucleus and cytoplasm, each separately.

    Stain is measured as optical density above that of plasma, the median of the background.

    Args:
        image: ``float32[S, S, 3]`` in 0 to 1.
        labels: ``uint8[S, S]``.
        max_log_change: Largest change of the logarithm of each colour's density in the cytoplasm; the nucleus changes
            half as much. Half of the copies do not change.
        rng: Random generator.
    """
    # Slow to import: imported only where it is needed.

    background = labels == BACKGROUND.id
    if rng.random() < 0.5 or not background.any():
        return image
    density = -np.log(np.clip(image, 0.004, 1.0))
    plasma = np.median(density[background], axis=0)
    log_factor = np.zeros((*labels.shape, 3), np.float32)
    for class_id, weight in ((CYTOPLASM.id, 1.0), (NUCLEUS.id, 0.5)):
        log_change = (
            weight
            * (rng.uniform(-max_log_change, max_log_change) + rng.uniform(-max_log_change, max_log_change, 3))
            * 0.7
        )
        soft_mask = soften_region(labels == class_id, 0.8)
        log_factor += soft_mask[..., None] * log_change.astype(np.float32)
    result: NDArray[np.float32] = np.exp(-(plasma + (density - plasma) * np.exp(log_factor))).astype(np.float32)
    return result


def add_granules(image: NDArray[np.float32], labels: Labels, rng: np.random.Generator) -> NDArray[np.float32]:
    """Fill the cytoplasm with granules, as in eosinophils and basophils: almost as dark as the nucleus, or darker.

    Args:
        image: ``float32[S, S, 3]`` in 0 to 1.
        labels: ``uint8[S, S]``.
        rng: Random generator.
    """
    # Slow to import: imported only where it is needed.
    from scipy import ndimage

    granules = ndimage.gaussian_filter(rng.normal(size=labels.shape), rng.uniform(0.6, 2.2))
    granules = np.clip(granules / max(float(granules.std()), 1e-6) + rng.uniform(0.0, 2.0), 0.0, 2.5) / 2.5
    # Optical density of red, green and blue light: orange to red to violet, rarely blue.
    density = np.array([rng.uniform(0.05, 0.5), rng.uniform(0.3, 1.1), rng.uniform(0.2, 0.9)])
    soft_mask = soften_region(labels == CYTOPLASM.id, 0.7)
    absorbed = (granules * soft_mask)[..., None] * density * rng.uniform(0.4, 1.0)
    result: NDArray[np.float32] = (image * np.exp(-absorbed)).astype(np.float32)
    return result
