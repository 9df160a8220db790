"""Zheng's method: an image's own confident pixels train a support vector machine that segments the image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from wbcseg.labels import BACKGROUND, CLASSES, CYTOPLASM, NUCLEUS, Labels
from wbcseg.models.method_registry import Arrays, LabelledImage, PredictImage, register_method
from wbcseg.models.pixels.colors import compute_lab
from wbcseg.models.pixels.kmeans import find_clusters

COLOR_CLUSTERS: Final = 3
"""Clusters of colours: the background, what differs from it, and what differs most, the nucleus."""

MEDIAN_SIDES: Final = (3, 5, 9)
"""Sides in pixels of the squares whose median colours describe a pixel."""

MIN_NUCLEUS_FRACTION: Final = 0.004
"""A nucleus that covers less of the image is none."""

MARGIN: Final = 2
"""Pixels within this distance of an outline are not confident."""

MAX_CANDIDATES: Final = 2000
"""Confident pixels of a class, at most, among which the typical ones are chosen."""

SAMPLES_PER_CLASS: Final = 40
"""Typical pixels of each class that train the support vector machine."""

REACH: Final = 5
"""How far beyond the coarse outline, in pixels, the cell may extend."""

SHARPNESS: Final = 3.0
"""Factor from the decision values of the support vector machine to the logarithms of odds."""

MAX_UNCERTAINTY: Final = 0.02
"""Probability of the other classes where the method does not look."""


def fit_nothing(_images: Sequence[LabelledImage], _seed: int) -> Arrays:
    """Learn nothing: the method adjusts to each image by itself."""
    return {"version": np.array([1], np.int32)}


@register_method(
    title="Self-supervised SVM",
    summary="Needs no masks. Clusters of colours give a coarse outline of nucleus and cell; the pixels that lie safely "
    "inside or outside of it train a classifier for this one image, which then decides about all pixels.",
    reference="Zheng, Wang, Wang and Liu (2018), doi 10.1016/j.micron.2018.01.010, whose data sets are used here",
    deviations="Written from the paper's idea. Touching cells are divided at the narrow places of a distance map "
    "instead of by concavities; a pixel is described by median colours alone, without the operator for weak edges.",
    color="#3c96b4",
    marker="hourglass",
    fit=fit_nothing,
    learns_from_masks=False,
    ignores_orientation=True,
    order=4,
)
def self_supervised_svm(arrays: Arrays) -> PredictImage:
    """Return the function that segments; there is nothing stored but the version of the method."""
    if "version" not in arrays or arrays["version"].tolist() != [1]:
        raise ValueError("`version` must be 1")
    return segment_by_own_pixels


def segment_by_own_pixels(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return class probabilities ``float32[H, W, 3]`` of a crop of one cell, ``uint8[H, W, 3]``."""
    features = _compute_median_colors(image)
    coarse = find_coarse_cell(features[..., :3])
    if coarse is None:
        return _encode_certain(np.full(image.shape[:2], BACKGROUND.id, np.uint8))
    confident = select_confident_pixels(coarse)
    classes = [class_id for class_id, mask in confident.items() if mask.any()]
    if len(classes) < 2:
        return _encode_certain(coarse)
    values, labels = _draw_typical_pixels(features, {class_id: confident[class_id] for class_id in classes})
    return _classify(features, values, labels, coarse)


def find_coarse_cell(colors: NDArray[np.float32]) -> Labels | None:
    """Return a coarse segmentation of the cell in the middle, ``uint8[H, W]``, or ``None`` if there is no cell.

    Args:
        colors: L*a*b*, ``float32[H, W, 3]``.
    """
    from scipy import ndimage

    height, width = colors.shape[:2]
    border = np.concatenate([colors[0], colors[-1], colors[:, 0], colors[:, -1]])
    brightest = border[border[:, 0] >= np.median(border[:, 0])]
    distance = np.linalg.norm(colors - np.median(brightest, axis=0), axis=-1)
    centres, clusters = find_clusters(colors.reshape(-1, 3), COLOR_CLUSTERS, distance.ravel())
    by_distance = np.argsort(np.linalg.norm(centres - np.median(brightest, axis=0), axis=1))
    ranks = np.argsort(by_distance)[clusters].reshape(height, width)
    nucleus = ndimage.binary_opening(ranks == len(centres) - 1, iterations=1)
    foreground = ndimage.binary_fill_holes(ndimage.binary_opening(ranks > 0, iterations=2) | nucleus)
    cell = _select_central_cell(foreground, nucleus)
    if (cell & nucleus).sum() < MIN_NUCLEUS_FRACTION * cell.size:
        return None
    coarse = np.full((height, width), BACKGROUND.id, np.uint8)
    coarse[cell] = CYTOPLASM.id
    coarse[cell & nucleus] = NUCLEUS.id
    return coarse


def _select_central_cell(foreground: NDArray[np.bool_], nucleus: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the part of the foreground that belongs to the cell in the middle, ``bool[H, W]``."""
    from scipy import ndimage

    depth = ndimage.distance_transform_edt(foreground)
    cores, n_cores = ndimage.label(depth > max(MARGIN, 0.5 * depth.max()))
    if n_cores == 0:
        return np.zeros_like(foreground)
    # Each foreground pixel goes to the nearest core; cores of other cells take their share away.
    nearest = ndimage.distance_transform_edt(cores == 0, return_distances=False, return_indices=True)
    owners = np.where(foreground, cores[tuple(nearest)], 0)
    rows, columns = (np.arange(n) - (n - 1) / 2 for n in foreground.shape)
    closeness = np.exp(-(rows[:, None] ** 2 + columns**2) / (2 * (min(foreground.shape) / 4) ** 2))
    weights = np.bincount(owners.ravel(), (closeness * (foreground + nucleus)).ravel(), minlength=n_cores + 1)
    weights[0] = 0
    parts, _ = ndimage.label(owners == weights.argmax())
    cell: NDArray[np.bool_] = parts == np.bincount(parts.ravel(), closeness.ravel() * (parts.ravel() > 0)).argmax()
    return cell


def select_confident_pixels(coarse: Labels) -> dict[int, NDArray[np.bool_]]:
    """Return the pixels of each class that lie at some distance from every outline, ``bool[H, W]`` by class id."""
    from scipy import ndimage

    confident = {}
    for class_id in (BACKGROUND.id, CYTOPLASM.id, NUCLEUS.id):
        depth = ndimage.distance_transform_edt(coarse == class_id)
        margin = MARGIN + 1 if class_id == BACKGROUND.id else min(MARGIN, depth.max() / 2)
        confident[class_id] = depth > margin
    return confident


def _compute_median_colors(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return L*a*b* of the median colours in squares of each side, ``float32[H, W, 3 × sides]``."""
    from scipy import ndimage

    medians = [
        np.stack([ndimage.median_filter(image[..., channel], side) for channel in range(3)], axis=-1)
        for side in MEDIAN_SIDES
    ]
    return np.concatenate([compute_lab(median) for median in medians], axis=-1)


def _draw_typical_pixels(
    features: NDArray[np.float32], confident: dict[int, NDArray[np.bool_]]
) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
    """Return the centres of each class' clusters of features, ``float32[n, F]``, and their class ids."""
    candidates = [features[mask][:: -(-int(mask.sum()) // MAX_CANDIDATES)] for mask in confident.values()]
    centres = [find_clusters(own, SAMPLES_PER_CLASS, own[:, 0])[0] for own in candidates]
    labels = [np.full(len(own), class_id) for class_id, own in zip(confident, centres, strict=True)]
    return np.concatenate(centres), np.concatenate(labels)


def _classify(
    features: NDArray[np.float32], values: NDArray[np.float32], labels: NDArray[np.intp], coarse: Labels
) -> NDArray[np.float32]:
    """Train on the typical pixels and return the class probabilities of the pixels around the coarse cell."""
    from scipy import ndimage
    from sklearn.svm import SVC

    mean, scale = values.mean(axis=0), values.std(axis=0) + 1e-3
    classifier = SVC(C=10.0, gamma="scale", decision_function_shape="ovr").fit((values - mean) / scale, labels)
    near = ndimage.distance_transform_edt(coarse == BACKGROUND.id) <= REACH
    decisions = classifier.decision_function((features[near] - mean) / scale)
    if decisions.ndim == 1:
        decisions = np.stack([-decisions, decisions], axis=1)
    exponentials = np.exp(SHARPNESS * (decisions - decisions.max(axis=1, keepdims=True)))
    probabilities = _encode_certain(np.full(coarse.shape, BACKGROUND.id, np.uint8))
    inside = np.zeros((int(near.sum()), len(CLASSES)), np.float32)
    inside[:, classifier.classes_] = exponentials / exponentials.sum(axis=1, keepdims=True)
    probabilities[near] = inside
    return probabilities


def _encode_certain(labels: Labels) -> NDArray[np.float32]:
    """Return probabilities of almost 1 for the given classes."""
    probabilities = np.full((*labels.shape, len(CLASSES)), MAX_UNCERTAINTY / 2, np.float32)
    np.put_along_axis(probabilities, labels[..., None].astype(np.intp), 1 - MAX_UNCERTAINTY, axis=-1)
    return probabilities
