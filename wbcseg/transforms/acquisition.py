"""The same cell as another laboratory's stain, lamp, focus and camera would show it."""

from __future__ import annotations

import io
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

ImageBatch = NDArray[np.float32]

# From red, green and blue to brightness and two opponent colours, and back (YIQ, as in NTSC television).
_TO_YIQ: Final = np.array([[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]], np.float32)
_TO_RGB: Final = np.linalg.inv(_TO_YIQ).astype(np.float32)


def jitter_acquisition(batch: ImageBatch, rng: np.random.Generator) -> ImageBatch:
    """Return every picture in another stain, light, focus and camera.

    Args:
        batch: ``float32[N, H, W, 3]`` in 0 to 1.
        rng: The source of chance.

    Returns:
        ``float32[N, H, W, 3]`` in 0 to 1.
    """
    coloured = _jitter_illumination(_jitter_hue(_add_stain_grain(batch, rng), rng), rng)
    pictures = [_simulate_camera(picture, rng) for picture in coloured]
    return np.clip(np.stack(pictures), 0.0, 1.0).astype(np.float32)


def _jitter_hue(batch: ImageBatch, rng: np.random.Generator) -> ImageBatch:
    """Turn the hue, change how strong colours are, and how dark."""
    count = len(batch)
    strong = rng.random(count) < 0.5
    angle = np.where(strong, rng.uniform(-0.5, 0.5, count), rng.uniform(-0.15, 0.15, count))
    saturation = np.where(strong, rng.uniform(0.4, 1.7, count), rng.uniform(0.8, 1.2, count))
    gamma = np.exp(rng.uniform(-0.4, 0.4, (count, 1, 1, 1)))
    cos, sin = np.cos(angle) * saturation, np.sin(angle) * saturation
    turn = np.zeros((count, 3, 3), np.float32)
    turn[:, 0, 0] = 1.0
    turn[:, 1, 1], turn[:, 1, 2], turn[:, 2, 1], turn[:, 2, 2] = cos, -sin, sin, cos
    matrix = _TO_RGB @ turn @ _TO_YIQ
    shape = batch.shape
    mixed = batch.reshape(count, -1, 3) @ matrix.transpose(0, 2, 1)
    stained: ImageBatch = (np.clip(mixed.reshape(shape), 0.0, 1.0) ** gamma).astype(np.float32)
    return stained


def _add_stain_grain(batch: ImageBatch, rng: np.random.Generator) -> ImageBatch:
    """Let the stain take unevenly, as it does in chromatin and granules: the denser a place, the more it varies."""
    from scipy import ndimage

    grained = batch.copy()
    for number in np.flatnonzero(rng.random(len(batch)) < 0.5):
        sigma = rng.uniform(0.7, 3.0)
        grain = ndimage.gaussian_filter(rng.normal(size=batch.shape[1:3]), sigma)
        strength = rng.uniform(0.1, 0.45) / max(float(grain.std()), 1e-6)
        grained[number] = np.maximum(batch[number], 1e-3) ** np.exp(strength * grain)[..., None]
    return grained


def _jitter_illumination(batch: ImageBatch, rng: np.random.Generator) -> ImageBatch:
    """Change the lamp's colour, brightness and evenness, and the contrast."""
    count, (height, width) = len(batch), batch.shape[1:3]
    strong = (rng.random(count) < 0.4)[:, None, None, None]
    gain = np.exp(
        np.where(strong, rng.uniform(-0.4, 0.4, (count, 1, 1, 3)), rng.uniform(-0.12, 0.12, (count, 1, 1, 3)))
    )
    gain = gain * np.exp(rng.uniform(-0.25, 0.15, (count, 1, 1, 1)))
    offset = rng.uniform(-0.06, 0.06, (count, 1, 1, 3))
    contrast = rng.uniform(0.7, 1.3, (count, 1, 1, 1))
    mean = batch.mean(axis=(1, 2), keepdims=True)
    slope = rng.uniform(-0.2, 0.2, (count, 2)) * (rng.random((count, 1)) < 0.4)
    down, across = np.linspace(-0.5, 0.5, height), np.linspace(-0.5, 0.5, width)
    light = 1.0 + slope[:, :1, None] * down[None, :, None] + slope[:, 1:, None] * across[None, None, :]
    lit: ImageBatch = (((batch - mean) * contrast + mean) * gain * light[..., None] + offset).astype(np.float32)
    return lit


def _simulate_camera(picture: ImageBatch, rng: np.random.Generator) -> ImageBatch:
    """Blur, fringe, compress and add the sensor's noise."""
    from scipy import ndimage

    if rng.random() < 0.25:
        shift = rng.uniform(-1.5, 1.5, 2)
        picture = picture.copy()
        for channel, sign in ((0, 1.0), (2, -1.0)):
            picture[..., channel] = ndimage.shift(picture[..., channel], sign * shift, order=1, mode="nearest")
    focus = rng.random()
    if focus < 0.35:
        sigma = rng.uniform(0.3, 1.6)
        picture = ndimage.gaussian_filter(picture, (sigma, sigma, 0.0), mode="nearest")
    elif focus < 0.75:
        # Better optics, or a camera that sharpens: what is coarse in one laboratory is crisp in another.
        sigma, amount = rng.uniform(0.6, 2.5), rng.uniform(0.3, 2.5)
        picture = picture + amount * (picture - ndimage.gaussian_filter(picture, (sigma, sigma, 0.0), mode="nearest"))
    if rng.random() < 0.5:
        picture = picture + rng.normal(0.0, rng.uniform(0.005, 0.05), picture.shape).astype(np.float32)
    if rng.random() < 0.3:
        levels = np.rint(np.clip(picture, 0.0, 1.0) * 255).astype(np.uint8)
        data = io.BytesIO()
        Image.fromarray(levels).save(data, "JPEG", quality=int(rng.integers(25, 92)))
        picture = np.asarray(Image.open(data)).astype(np.float32) / np.float32(255.0)
    return picture
