"""Simulate the camera: from optical densities to an 8-bit image."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy import ndimage

from wbcseg.datasets.synthetic.shapes import ScalarField, generate_noise
from wbcseg.datasets.synthetic.stain_presets import DyeColors, Stain


def photograph(rng: Generator, stain: Stain, dyes: DyeColors, density: ScalarField, scale: float) -> NDArray[np.uint8]:
    """Return the image that the camera records.

    Args:
        rng: Random generator.
        stain: The stain.
        dyes: The colours of the image.
        density: Optical densities, ``float64[H, W, 3]``.
        scale: Pixels of the image per pixel of ``stain.reference_size``.

    Returns:
        ``uint8[H, W, 3]``, RGB.
    """
    height, width = density.shape[:2]
    y = np.linspace(-0.5, 0.5, height)[:, None]
    x = np.linspace(-0.5, 0.5, width)[None, :]
    slope_angle, slope = rng.uniform(0, 2 * np.pi), rng.uniform(0.0, 0.035)
    illumination = (
        1 + slope * (np.sin(slope_angle) * y + np.cos(slope_angle) * x) - rng.uniform(0.0, 0.02) * (y * y + x * x)
    )
    light = illumination[..., None] * dyes.plasma * 10.0**-density
    # Most images are in focus, a few are not.
    min_blur, max_blur = stain.blur_range
    focus = min_blur + (max_blur - min_blur) * rng.random() ** (1.3 if stain.ghost_red_cells else 2.5)
    blur = max(focus * scale, 0.55)
    # Chromatic aberration shifts red and blue slightly: coloured fringes on opposite sides of a cell.
    color_shift = rng.normal(0, 0.22 if stain.ghost_red_cells else 0.12, 2) * max(scale, 0.5)
    sharpening_sigma, sharpening = (3.0 if stain.ghost_red_cells else 1.6) * max(scale, 0.5), rng.uniform(0.4, 1.5)
    image = np.empty_like(light)
    for channel, direction in enumerate((1.0, 0.0, -1.0)):
        plane = ndimage.gaussian_filter(light[..., channel], blur, mode="nearest", truncate=3.0)
        if direction:
            plane = ndimage.shift(plane, direction * color_shift, order=1, mode="nearest")
        blurred = ndimage.gaussian_filter(plane, sharpening_sigma, mode="nearest", truncate=2.5)
        image[..., channel] = plane + sharpening * stain.sharpening[channel] * (plane - blurred)
    shared_noise = generate_noise(rng, (height, width), 1.0) * 0.7
    channel_noise = np.stack([generate_noise(rng, (height, width), 1.3) for _ in range(3)], axis=-1) * 0.7
    image += stain.noise_sd * rng.uniform(0.5, 1.3) * (shared_noise[..., None] + channel_noise)
    quantised: NDArray[np.uint8] = np.clip(np.rint(image), 0, 255).astype(np.uint8)
    return quantised
