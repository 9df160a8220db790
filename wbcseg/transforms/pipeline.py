"""Augmented copies of training images, generated anew for every epoch."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from wbcseg.labels import Labels, find_bounds
from wbcseg.transforms.acquisition import jitter_acquisition
from wbcseg.transforms.background import vary_background
from wbcseg.transforms.cell import add_granules, decondense_chromatin, elastic_deform, jitter_stain, resize_nucleus
from wbcseg.transforms.config import Augmentation
from wbcseg.transforms.red_cells import add_red_cells


def augment(
    images: Sequence[NDArray[np.uint8]] | NDArray[np.uint8],
    labels: Sequence[Labels] | Labels,
    augmentation: Augmentation,
    rng: np.random.Generator,
) -> tuple[NDArray[np.float32], Labels]:
    """Return one augmented copy of every image, with its mask transformed alike.

    Args:
        images: ``uint8[N, S, S, 3]``.
        labels: ``uint8[N, S, S]``.
        augmentation: The settings.
        rng: Random generator; the same state gives the same copies.

    Returns:
        ``float32[N, T, T, 3]`` in 0 to 1, and ``uint8[N, T, T]``, where T is S over ``augmentation.oversampling``.
    """
    is_clean = (
        rng.random(len(images)) < augmentation.clean_fraction
        if augmentation.clean_fraction
        else np.zeros(len(images), np.bool_)
    )
    if is_clean.any():
        return _augment_mixed(images, labels, augmentation, is_clean, rng)
    transform = _frame_cell if augmentation.cell_fraction else _transform
    pairs = [
        transform(image, mask, augmentation, rng) if augmentation.is_geometric else (image, mask)
        for image, mask in zip(images, labels, strict=True)
    ]
    if augmentation.elastic_deform:
        pairs = [elastic_deform(image, mask, augmentation.elastic_deform, rng) for image, mask in pairs]
    if augmentation.resize_nucleus:
        pairs = [
            resize_nucleus(image, mask, rng) if rng.random() < augmentation.resize_nucleus else (image, mask)
            for image, mask in pairs
        ]
    batch, masks = np.stack([image for image, _ in pairs]).astype(np.float32) / 255.0, [mask for _, mask in pairs]
    if augmentation.jitter_stain:
        batch = np.stack(
            [
                jitter_stain(image, mask, augmentation.jitter_stain, rng)
                for image, mask in zip(batch, masks, strict=True)
            ]
        )
    for index, mask in enumerate(masks if augmentation.decondense_chromatin else ()):
        if rng.random() < augmentation.decondense_chromatin:
            batch[index] = decondense_chromatin(batch[index], mask, rng)
    for index, mask in enumerate(masks if augmentation.add_granules else ()):
        if rng.random() < augmentation.add_granules:
            batch[index] = add_granules(batch[index], mask, rng)
    if augmentation.add_red_cells:
        batch, masks = _add_red_cells(batch, masks, augmentation, rng)
    for index, mask in enumerate(masks if augmentation.vary_background else ()):
        if rng.random() < augmentation.vary_background:
            batch[index] = vary_background(batch[index], mask, rng)
    if augmentation.jitter_acquisition:
        batch = jitter_acquisition(batch, rng)
    if augmentation.gain or augmentation.offset or augmentation.gamma:
        batch = _jitter_color(batch, augmentation, rng)
    if augmentation.transform is not None:
        pairs_out = [augmentation.transform(image, mask, rng) for image, mask in zip(batch, masks, strict=True)]
        batch, masks = np.stack([image for image, _ in pairs_out]), [mask for _, mask in pairs_out]
    return batch, np.stack(masks)


def _augment_mixed(
    images: Sequence[NDArray[np.uint8]] | NDArray[np.uint8],
    labels: Sequence[Labels] | Labels,
    augmentation: Augmentation,
    is_clean: NDArray[np.bool_],
    rng: np.random.Generator,
) -> tuple[NDArray[np.float32], Labels]:
    """Return augmented copies of some images, and clean copies of the others."""
    copies: list[tuple[NDArray[np.float32], Labels]] = []
    varied_augmentation = dataclasses.replace(augmentation, clean_fraction=0.0)
    for image, mask, is_clean_copy in zip(images, labels, is_clean, strict=True):
        if is_clean_copy:
            clean_image, clean_mask = _make_clean_copy(image, mask, augmentation, rng)
            copies.append((clean_image[None].astype(np.float32) / np.float32(255.0), clean_mask[None]))
        else:
            copies.append(augment([image], [mask], varied_augmentation, rng))
    return np.concatenate([batch for batch, _ in copies]), np.concatenate([masks for _, masks in copies])


def _make_clean_copy(
    image: NDArray[np.uint8], mask: Labels, augmentation: Augmentation, rng: np.random.Generator
) -> tuple[NDArray[np.uint8], Labels]:
    """Return an image as in the second stage of a prediction, flipped and rotated by right angles."""
    clean_augmentation = Augmentation(
        "", "", shift=0.02, cell_fraction=augmentation.clean_cell_fraction, oversampling=augmentation.oversampling
    )
    image, mask = _frame_cell(image, mask, clean_augmentation, rng, max_scale=float(augmentation.oversampling))
    return _transform(image, mask, Augmentation("", "", flip=True), rng)


def _transform(
    image: NDArray[np.uint8], mask: Labels, augmentation: Augmentation, rng: np.random.Generator
) -> tuple[NDArray[np.uint8], Labels]:
    """Rotate, flip, zoom and shift an image and its mask, padded by reflection."""
    if not augmentation.is_resampling:
        turns, mirrored = int(rng.integers(4)), rng.random() < 0.5
        turned = (np.rot90(array, turns) for array in (image, mask))
        image, mask = ((array[:, ::-1] if mirrored else array) for array in turned)
        return image, mask
    side = image.shape[0]
    angle = np.deg2rad(rng.uniform(-augmentation.rotation, augmentation.rotation))
    scale = 1.0 / rng.uniform(*augmentation.zoom)
    mirror = -1.0 if augmentation.flip and rng.random() < 0.5 else 1.0
    dx, dy = rng.uniform(-augmentation.shift, augmentation.shift, size=2) * side

    margin = int(np.ceil(side * 0.45))
    centre = side / 2
    cos, sin = np.cos(angle) * scale, np.sin(angle) * scale
    # Pillow maps every output pixel to its position in the source.
    a, b = mirror * cos, -sin
    d, e = mirror * sin, cos
    c = centre + margin + dx - a * centre - b * centre
    f = centre + margin + dy - d * centre - e * centre
    matrix = (a, b, c, d, e, f)

    def warp(array: NDArray[np.uint8], resample: Image.Resampling) -> NDArray[np.uint8]:
        padding = ((margin, margin), (margin, margin), (0, 0))[: array.ndim]
        padded = Image.fromarray(np.pad(array, padding, mode="symmetric"))
        return np.asarray(padded.transform((side, side), Image.Transform.AFFINE, matrix, resample))

    return warp(image, Image.Resampling.BILINEAR), warp(mask, Image.Resampling.NEAREST)


def _frame_cell(
    image: NDArray[np.uint8],
    mask: Labels,
    augmentation: Augmentation,
    rng: np.random.Generator,
    max_scale: float | None = None,
) -> tuple[NDArray[np.uint8], Labels]:
    """Rotate, flip, shift and scale an image by the size of its cell, padded with plain plasma or by reflection.

    Without plain plasma, it is shrunk by at most ``max_scale``, by default 1.6 times the oversampling.
    """
    assert augmentation.cell_fraction is not None
    source_side, side = image.shape[0], image.shape[0] // augmentation.oversampling
    is_plain, is_empty = rng.random() < augmentation.plain_background, rng.random() < augmentation.background_only
    no_cell = (source_side // 4, source_side // 4, 3 * source_side // 4 + 1, 3 * source_side // 4 + 1)
    left, top, right, bottom = find_bounds(mask > 0) or no_cell
    extent = max(bottom - top, right - left)
    scale = extent / (side * rng.uniform(*augmentation.cell_fraction))
    if not is_plain:
        scale = min(scale, 1.6 * augmentation.oversampling if max_scale is None else max_scale)
    angle = np.deg2rad(rng.uniform(-augmentation.rotation, augmentation.rotation))
    mirror = -1.0 if augmentation.flip and rng.random() < 0.5 else 1.0
    dx, dy = rng.uniform(-augmentation.shift, augmentation.shift, size=2) * side * scale
    plasma = np.zeros(3, np.uint8)
    if is_plain or is_empty:
        plasma = np.median(image[mask == 0] if (mask == 0).any() else image[0], axis=0).astype(np.uint8)
        image = np.broadcast_to(plasma, image.shape) if is_empty else image
        mask = np.zeros_like(mask) if is_empty else mask

    # An image that is shrunk by more than two is averaged first, so that no pixel is skipped.
    factor = 2 if scale > 2 else 1
    margin = int(source_side * 1.1)
    cos, sin = np.cos(angle) * scale / factor, np.sin(angle) * scale / factor
    a, b = mirror * cos, -sin
    d, e = mirror * sin, cos
    cx = (margin + (left + right) / 2 + dx) / factor
    cy = (margin + (top + bottom) / 2 + dy) / factor
    c, f = cx - (a + b) * side / 2, cy - (d + e) * side / 2

    def warp(
        array: NDArray[np.uint8], fill: NDArray[np.uint8] | int | None, resample: Image.Resampling
    ) -> NDArray[np.uint8]:
        padding = ((margin, margin), (margin, margin), (0, 0))[: array.ndim]
        if fill is None:
            padded = np.pad(array, padding, mode="symmetric")
        else:
            padded = np.empty([n + sum(widths) for n, widths in zip(array.shape, padding, strict=True)], np.uint8)
            padded[:] = fill
            padded[margin:-margin, margin:-margin] = array
        padded_image = Image.fromarray(padded)
        if factor > 1:
            padded_image = (
                padded_image.reduce(factor) if array.ndim == 3 else Image.fromarray(padded[::factor, ::factor])
            )
        return np.asarray(padded_image.transform((side, side), Image.Transform.AFFINE, (a, b, c, d, e, f), resample))

    fills = (plasma, 0) if is_plain or is_empty else (None, None)
    return warp(image, fills[0], Image.Resampling.BILINEAR), warp(mask, fills[1], Image.Resampling.NEAREST)


def _add_red_cells(
    batch: NDArray[np.float32], masks: Sequence[Labels], augmentation: Augmentation, rng: np.random.Generator
) -> tuple[NDArray[np.float32], list[Labels]]:
    """Add synthetic red cells around some of the white cells."""
    result, result_masks = batch.copy(), list(masks)
    for index, mask in enumerate(masks):
        if rng.random() < augmentation.add_red_cells:
            diameter = 2.0 * float(np.sqrt(max(int((mask > 0).sum()), 900) / np.pi))
            result[index], result_masks[index] = add_red_cells(batch[index], mask, rng, diameter=diameter)
    return result, result_masks


def _jitter_color(
    batch: NDArray[np.float32], augmentation: Augmentation, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Vary gain, offset and gamma of every channel of every image."""
    shape = (len(batch), 1, 1, 3)
    gain = 1.0 + rng.uniform(-augmentation.gain, augmentation.gain, shape)
    offset = rng.uniform(-augmentation.offset, augmentation.offset, shape)
    gamma = np.exp(rng.uniform(-augmentation.gamma, augmentation.gamma, (len(batch), 1, 1, 1)))
    recolored = np.clip(batch * gain + offset, 0.0, 1.0) ** gamma
    return recolored.astype(np.float32)
