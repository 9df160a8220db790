"""From optical densities to the picture that the camera saves."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy import ndimage

from wbcseg.datasets.synthetic.shapes import ScalarField, generate_noise
from wbcseg.datasets.synthetic.stain_presets import DyeColors, Stain


def photograph(rng: Generator, stain: Stain, dyes: DyeColors, density: ScalarField, unit: float) -> NDArray[np.uint8]:
    """Light the smear and take its picture.

    Args:
        rng: Where the randomness comes from.
        stain: The look of the smear.
        dyes: The colours of the picture.
        density: Optical densities, ``float64[H, W, 3]``.
        unit: Pixels of the picture a pixel of ``stain.frame``.

    Returns:
        ``uint8[H, W, 3]``, RGB.
    """
    height, width = density.shape[:2]
    y = np.linspace(-0.5, 0.5, height)[:, None]
    x = np.linspace(-0.5, 0.5, width)[None, :]
    angle, slope = rng.uniform(0, 2 * np.pi), rng.uniform(0.0, 0.035)
    lamp = 1 + slope * (np.sin(angle) * y + np.cos(angle) * x) - rng.uniform(0.0, 0.02) * (y * y + x * x)
    light = lamp[..., None] * dyes.plasma * 10.0**-density
    # Most pictures are in focus, a few are not.
    low, high = stain.blur_range
    focus = low + (high - low) * rng.random() ** (1.3 if stain.ghost_red_cells else 2.5)
    blur = max(focus * unit, 0.55)
    # A simple lens brings red and blue to slightly different places: coloured fringes on opposite sides of a cell.
    fringe = rng.normal(0, 0.22 if stain.ghost_red_cells else 0.12, 2) * max(unit, 0.5)
    reach, crisp = (3.0 if stain.ghost_red_cells else 1.6) * max(unit, 0.5), rng.uniform(0.4, 1.5)
    picture = np.empty_like(light)
    for channel, side in enumerate((1.0, 0.0, -1.0)):
        plane = ndimage.gaussian_filter(light[..., channel], blur, mode="nearest", truncate=3.0)
        if side:
            plane = ndimage.shift(plane, side * fringe, order=1, mode="nearest")
        wide = ndimage.gaussian_filter(plane, reach, mode="nearest", truncate=2.5)
        picture[..., channel] = plane + crisp * stain.sharpening[channel] * (plane - wide)
    shared = generate_noise(rng, (height, width), 1.0) * 0.7
    own = np.stack([generate_noise(rng, (height, width), 1.3) for _ in range(3)], axis=-1) * 0.7
    picture += stain.noise_sd * rng.uniform(0.5, 1.3) * (shared[..., None] + own)
    saved: NDArray[np.uint8] = np.clip(np.rint(picture), 0, 255).astype(np.uint8)
    return saved
