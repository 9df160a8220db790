"""Augmentations of image acquisition: another laboratory's stain, light, focus and camera."""

from __future__ import annotations

import io
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

ImageBatch = NDArray[np.float32]

# From RGB to brightness and two opponent colours (YIQ, as in NTSC television), and back.
_TO_YIQ: Final = np.array([[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]], np.float32)
_TO_RGB: Final = np.linalg.inv(_TO_YIQ).astype(np.float32)


def jitter_acquisition(batch: ImageBatch, rng: np.random.Generator) -> ImageBatch:
    """Vary the stain, light, focus and camera of every image.

    Args:
        batch: ``float32[N, H, W, 3]`` in 0 to 1.
        rng: Random generator.

    Returns:
        ``float32[N, H, W, 3]`` in 0 to 1.
    """
    relit = _jitter_illumination(_jitter_hue(_add_stain_grain(batch, rng), rng), rng)
    images = [_simulate_camera(image, rng) for image in relit]
    return np.clip(np.stack(images), 0.0, 1.0).astype(np.float32)


def _jitter_hue(batch: ImageBatch, rng: np.random.Generator) -> ImageBatch:
    """Rotate the hue and vary saturation and gamma."""
    count = len(batch)
    is_strong = rng.random(count) < 0.5
    angle = np.where(is_strong, rng.uniform(-0.5, 0.5, count), rng.uniform(-0.15, 0.15, count))
    saturation = np.where(is_strong, rng.uniform(0.4, 1.7, count), rng.uniform(0.8, 1.2, count))
    gamma = np.exp(rng.uniform(-0.4, 0.4, (count, 1, 1, 1)))
    cos, sin = np.cos(angle) * saturation, np.sin(angle) * saturation
    rotation = np.zeros((count, 3, 3), np.float32)
    rotation[:, 0, 0] = 1.0
    rotation[:, 1, 1], rotation[:, 1, 2], rotation[:, 2, 1], rotation[:, 2, 2] = cos, -sin, sin, cos
    matrix = _TO_RGB @ rotation @ _TO_YIQ
    shape = batch.shape
    rotated = batch.reshape(count, -1, 3) @ matrix.transpose(0, 2, 1)
    result: ImageBatch = (np.clip(rotated.reshape(shape), 0.0, 1.0) ** gamma).astype(np.float32)
    return result


def _add_stain_grain(batch: ImageBatch, rng: np.random.Generator) -> ImageBatch:
    """Make the stain uneven, as in chromatin and granules: the denser a region, the more it varies."""
    from scipy import ndimage

    result = batch.copy()
    for index in np.flatnonzero(rng.random(len(batch)) < 0.5):
        sigma = rng.uniform(0.7, 3.0)
        grain = ndimage.gaussian_filter(rng.normal(size=batch.shape[1:3]), sigma)
        strength = rng.uniform(0.1, 0.45) / max(float(grain.std()), 1e-6)
        result[index] = np.maximum(batch[index], 1e-3) ** np.exp(strength * grain)[..., None]
    return result


def _jitter_illumination(batch: ImageBatch, rng: np.random.Generator) -> ImageBatch:
    """Vary the colour, brightness and evenness of the light, and the contrast."""
    count, (height, width) = len(batch), batch.shape[1:3]
    is_strong = (rng.random(count) < 0.4)[:, None, None, None]
    gain = np.exp(
        np.where(is_strong, rng.uniform(-0.4, 0.4, (count, 1, 1, 3)), rng.uniform(-0.12, 0.12, (count, 1, 1, 3)))
    )
    gain = gain * np.exp(rng.uniform(-0.25, 0.15, (count, 1, 1, 1)))
    offset = rng.uniform(-0.06, 0.06, (count, 1, 1, 3))
    contrast = rng.uniform(0.7, 1.3, (count, 1, 1, 1))
    mean = batch.mean(axis=(1, 2), keepdims=True)
    slope = rng.uniform(-0.2, 0.2, (count, 2)) * (rng.random((count, 1)) < 0.4)
    down, across = np.linspace(-0.5, 0.5, height), np.linspace(-0.5, 0.5, width)
    illumination = 1.0 + slope[:, :1, None] * down[None, :, None] + slope[:, 1:, None] * across[None, None, :]
    result: ImageBatch = (((batch - mean) * contrast + mean) * gain * illumination[..., None] + offset).astype(
        np.float32
    )
    return result


def _simulate_camera(image: ImageBatch, rng: np.random.Generator) -> ImageBatch:
    """Add blur or sharpening, colour fringes, sensor noise and compression."""
    from scipy import ndimage

    if rng.random() < 0.25:
        shift = rng.uniform(-1.5, 1.5, 2)
        image = image.copy()
        for channel, direction in ((0, 1.0), (2, -1.0)):
            image[..., channel] = ndimage.shift(image[..., channel], direction * shift, order=1, mode="nearest")
    focus = rng.random()
    if focus < 0.35:
        sigma = rng.uniform(0.3, 2.0)
        image = ndimage.gaussian_filter(image, (sigma, sigma, 0.0), mode="nearest")
    elif focus < 0.75:
        # Better optics, or a camera that sharpens.
        sigma, amount = rng.uniform(0.6, 2.5), rng.uniform(0.3, 2.5)
        image = image + amount * (image - ndimage.gaussian_filter(image, (sigma, sigma, 0.0), mode="nearest"))
    if rng.random() < 0.5:
        image = image + rng.normal(0.0, rng.uniform(0.005, 0.05), image.shape).astype(np.float32)
    if rng.random() < 0.3:
        levels = np.rint(np.clip(image, 0.0, 1.0) * 255).astype(np.uint8)
        buffer = io.BytesIO()
        Image.fromarray(levels).save(buffer, "JPEG", quality=int(rng.integers(25, 92)))
        image = np.asarray(Image.open(buffer)).astype(np.float32) / np.float32(255.0)
    return image
