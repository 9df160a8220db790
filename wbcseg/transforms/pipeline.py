"""Varied copies of training pictures, drawn anew for every epoch."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from wbcseg.labels import Labels
from wbcseg.transforms.acquisition import jitter_acquisition
from wbcseg.transforms.cell import add_granules, decondense_chromatin, elastic_deform, jitter_stain, resize_nucleus
from wbcseg.transforms.config import Augmentation
from wbcseg.transforms.red_cells import add_red_cells


def augment(
    images: Sequence[NDArray[np.uint8]] | NDArray[np.uint8],
    labels: Sequence[Labels] | Labels,
    how: Augmentation,
    rng: np.random.Generator,
) -> tuple[NDArray[np.float32], Labels]:
    """Return one varied copy of every picture, and of its mask moved alike.

    Args:
        images: ``uint8[N, S, S, 3]``.
        labels: ``uint8[N, S, S]``.
        how: The ranges.
        rng: The source of chance; the same state gives the same copies.

    Returns:
        ``float32[N, T, T, 3]`` in 0 to 1, and ``uint8[N, T, T]``, where T is S divided by ``how.detail``.
    """
    plain = rng.random(len(images)) < how.clean_fraction if how.clean_fraction else np.zeros(len(images), np.bool_)
    if plain.any():
        return _augment_mixed(images, labels, how, plain, rng)
    move = _frame_cell if how.cell_fraction else _transform
    moved = [move(i, m, how, rng) if how.is_geometric else (i, m) for i, m in zip(images, labels, strict=True)]
    if how.elastic_deform:
        moved = [elastic_deform(i, m, how.elastic_deform, rng) for i, m in moved]
    if how.resize_nucleus:
        moved = [resize_nucleus(i, m, rng) if rng.random() < how.resize_nucleus else (i, m) for i, m in moved]
    batch, masks = np.stack([image for image, _ in moved]).astype(np.float32) / 255.0, [mask for _, mask in moved]
    if how.jitter_stain:
        batch = np.stack([jitter_stain(image, mask, how.jitter_stain, rng) for image, mask in zip(batch, masks, strict=True)])
    for number, mask in enumerate(masks if how.decondense_chromatin else ()):
        if rng.random() < how.decondense_chromatin:
            batch[number] = decondense_chromatin(batch[number], mask, rng)
    for number, mask in enumerate(masks if how.add_granules else ()):
        if rng.random() < how.add_granules:
            batch[number] = add_granules(batch[number], mask, rng)
    if how.add_red_cells:
        batch, masks = _add_red_cells(batch, masks, how, rng)
    if how.jitter_acquisition:
        batch = jitter_acquisition(batch, rng)
    if how.gain or how.offset or how.gamma:
        batch = _jitter_color(batch, how, rng)
    return batch, np.stack(masks)


def _augment_mixed(
    images: Sequence[NDArray[np.uint8]] | NDArray[np.uint8],
    labels: Sequence[Labels] | Labels,
    how: Augmentation,
    plain: NDArray[np.bool_],
    rng: np.random.Generator,
) -> tuple[NDArray[np.float32], Labels]:
    """Return varied copies of some pictures, and of the others copies as they are."""
    found: list[tuple[NDArray[np.float32], Labels]] = []
    varied = dataclasses.replace(how, clean_fraction=0.0)
    for image, mask, is_plain in zip(images, labels, plain, strict=True):
        if is_plain:
            view, part = _make_clean_copy(image, mask, how, rng)
            found.append((view[None].astype(np.float32) / np.float32(255.0), part[None]))
        else:
            found.append(augment([image], [mask], varied, rng))
    return np.concatenate([batch for batch, _ in found]), np.concatenate([masks for _, masks in found])


def _make_clean_copy(
    image: NDArray[np.uint8], mask: Labels, how: Augmentation, rng: np.random.Generator
) -> tuple[NDArray[np.uint8], Labels]:
    """Show a picture as the close look of a prediction does, mirrored and turned by right angles."""
    still = Augmentation("", "", shift=0.02, cell_fraction=how.clean_cell_fraction, oversampling=how.oversampling)
    image, mask = _frame_cell(image, mask, still, rng, most=float(how.oversampling))
    return _transform(image, mask, Augmentation("", "", flip=True), rng)


def _transform(
    image: NDArray[np.uint8], mask: Labels, how: Augmentation, rng: np.random.Generator
) -> tuple[NDArray[np.uint8], Labels]:
    """Turn, mirror, enlarge and shift one picture and its mask; what comes in from outside is the mirror image."""
    if not how.is_resampling:
        turns, mirrored = int(rng.integers(4)), rng.random() < 0.5
        turned = (np.rot90(array, turns) for array in (image, mask))
        image, mask = ((array[:, ::-1] if mirrored else array) for array in turned)
        return image, mask
    side = image.shape[0]
    angle = np.deg2rad(rng.uniform(-how.rotation, how.rotation))
    scale = 1.0 / rng.uniform(*how.zoom)
    mirror = -1.0 if how.flip and rng.random() < 0.5 else 1.0
    dx, dy = rng.uniform(-how.shift, how.shift, size=2) * side

    margin = int(np.ceil(side * 0.45))
    centre = side / 2
    cos, sin = np.cos(angle) * scale, np.sin(angle) * scale
    # Pillow maps every pixel of the result to the place in the source that it is read from.
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
    how: Augmentation,
    rng: np.random.Generator,
    most: float | None = None,
) -> tuple[NDArray[np.uint8], Labels]:
    """Turn, mirror and shift a picture, its cell as large as the ranges say, on plain plasma or its mirror image.

    It is shrunk to no less than one ``most``-th, by default 1.6 times the detail where there is no plain plasma around.
    """
    assert how.cell_fraction is not None
    source, side = image.shape[0], image.shape[0] // how.oversampling
    plain, empty = rng.random() < how.plain_background, rng.random() < how.background_only
    rows, columns = (np.flatnonzero((mask > 0).any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        rows = columns = np.array([source // 4, 3 * source // 4])
    extent = 1 + max(rows[-1] - rows[0], columns[-1] - columns[0])
    scale = extent / (side * rng.uniform(*how.cell_fraction))
    if not plain:
        scale = min(scale, 1.6 * how.oversampling if most is None else most)
    angle = np.deg2rad(rng.uniform(-how.rotation, how.rotation))
    mirror = -1.0 if how.flip and rng.random() < 0.5 else 1.0
    dx, dy = rng.uniform(-how.shift, how.shift, size=2) * side * scale
    plasma = np.zeros(3, np.uint8)
    if plain or empty:
        plasma = np.median(image[mask == 0] if (mask == 0).any() else image[0], axis=0).astype(np.uint8)
        image = np.broadcast_to(plasma, image.shape) if empty else image
        mask = np.zeros_like(mask) if empty else mask

    # What is shrunk by more than two is averaged first, so that no pixel is passed over.
    factor = 2 if scale > 2 else 1
    margin = int(source * 1.1)
    cos, sin = np.cos(angle) * scale / factor, np.sin(angle) * scale / factor
    a, b = mirror * cos, -sin
    d, e = mirror * sin, cos
    cx = (margin + (columns[0] + columns[-1] + 1) / 2 + dx) / factor
    cy = (margin + (rows[0] + rows[-1] + 1) / 2 + dy) / factor
    c, f = cx - (a + b) * side / 2, cy - (d + e) * side / 2

    def warp(
        array: NDArray[np.uint8], outside: NDArray[np.uint8] | int | None, resample: Image.Resampling
    ) -> NDArray[np.uint8]:
        padding = ((margin, margin), (margin, margin), (0, 0))[: array.ndim]
        if outside is None:
            padded = np.pad(array, padding, mode="symmetric")
        else:
            padded = np.empty([n + sum(p) for n, p in zip(array.shape, padding, strict=True)], np.uint8)
            padded[:] = outside
            padded[margin:-margin, margin:-margin] = array
        picture = Image.fromarray(padded)
        if factor > 1:
            picture = picture.reduce(factor) if array.ndim == 3 else Image.fromarray(padded[::factor, ::factor])
        return np.asarray(picture.transform((side, side), Image.Transform.AFFINE, (a, b, c, d, e, f), resample))

    around = (plasma, 0) if plain or empty else (None, None)
    return warp(image, around[0], Image.Resampling.BILINEAR), warp(mask, around[1], Image.Resampling.NEAREST)


def _add_red_cells(
    batch: NDArray[np.float32], masks: Sequence[Labels], how: Augmentation, rng: np.random.Generator
) -> tuple[NDArray[np.float32], list[Labels]]:
    """Draw red cells around some of the white ones."""
    drawn, changed = batch.copy(), list(masks)
    for number, mask in enumerate(masks):
        if rng.random() < how.add_red_cells:
            size = 2.0 * float(np.sqrt(max(int((mask > 0).sum()), 900) / np.pi))
            drawn[number], changed[number] = add_red_cells(batch[number], mask, rng, size=size)
    return drawn, changed


def _jitter_color(batch: NDArray[np.float32], how: Augmentation, rng: np.random.Generator) -> NDArray[np.float32]:
    """Vary brightness, level and gamma of every channel of every picture."""
    shape = (len(batch), 1, 1, 3)
    gain = 1.0 + rng.uniform(-how.gain, how.gain, shape)
    offset = rng.uniform(-how.offset, how.offset, shape)
    gamma = np.exp(rng.uniform(-how.gamma, how.gamma, (len(batch), 1, 1, 1)))
    recoloured = np.clip(batch * gain + offset, 0.0, 1.0) ** gamma
    return recoloured.astype(np.float32)
