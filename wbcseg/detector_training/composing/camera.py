"""Light, lens, sensor and file format: from optical densities to an image."""

from __future__ import annotations

import io

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from wbcseg.datasets.synthetic.shapes import generate_noise
from wbcseg.detector_training.composing.annotations import draw_annotations
from wbcseg.detector_training.composing.field import Density
from wbcseg.detector_training.composing.severity import scale

LN_10 = np.float32(np.log(10.0))


def photograph(
    rng: Generator, density: Density, diameter: float, severity: float
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Return the image of a field.

    Args:
        rng: Random generator.
        density: Optical densities, ``float32[S, S, 3]``.
        diameter: Typical diameter of its white cells in pixels.
        severity: How unusual the camera may be, 0 to 1.

    Returns:
        ``uint8[S, S, 3]``, and ``bool[S, S]``: what is inside the field of the eyepiece.
    """
    density = _add_texture(rng, density, diameter, severity)
    background = _draw_light_colour(rng, severity).astype(np.float32)
    light = background * np.exp(-LN_10 * density)
    if rng.random() < 0.4:
        # Stray light.
        share = np.float32(rng.uniform(0, scale(severity, 0.12, 0.3)))
        light = light * (1 - share) + share * background * np.float32(rng.uniform(0.6, 1.0))
    light, is_inside = _shade(rng, light, severity)
    if rng.random() < 0.3:
        spread = scale(severity, 0.2, 0.35)
        light = np.maximum(light, 0) ** np.float32(np.exp(rng.uniform(-spread, spread)))
    pixels = np.clip(light * 255, 0, 255).astype(np.uint8)
    return _store(rng, _record(rng, _focus(rng, pixels, diameter), severity), severity), is_inside


def _add_texture(rng: Generator, density: Density, diameter: float, severity: float) -> Density:
    """Return densities with an uneven background, which is never so uneven that it hides pale cells."""
    side = len(density)
    darkest = float(np.percentile(density[::3, ::3].max(axis=-1), 97))
    if rng.random() >= 0.55:
        return density
    texture = np.zeros((side, side), np.float32)
    for _ in range(int(rng.integers(1, 4))):
        spacing = float(diameter * rng.choice((0.06, 0.12, 0.25, 0.6, 1.5)))
        texture += generate_noise(rng, (side, side), spacing).astype(np.float32) * np.float32(rng.uniform(0.3, 1))
    colour = np.abs(np.array((0.7, 1.0, 0.9)) * np.exp(rng.normal(0, 0.4, 3))).astype(np.float32)
    is_faint = rng.random() < scale(severity, 1.0, 0.85)
    strength = np.float32(rng.uniform(0.003, 0.03) if is_faint else rng.uniform(0.03, 0.08))
    uneven = (texture * strength * np.float32(min(1.0, darkest / 0.8)))[..., None] * colour
    return np.asarray(density + uneven, np.float32)


def _draw_light_colour(rng: Generator, severity: float) -> NDArray[np.float64]:
    """Return the colour of the empty background, 1 for white."""
    choice = rng.random()
    if choice < scale(severity, 0.6, 0.35):
        return np.asarray(np.full(3, rng.uniform(0.75, 1.08)) * np.exp(rng.normal(0, 0.03, 3)))
    if choice < scale(severity, 1.0, 0.9):
        return np.asarray(
            rng.uniform(scale(severity, 0.6, 0.45), 1.0) * np.exp(rng.normal(0, scale(severity, 0.12, 0.20), 3))
        )
    return np.asarray(rng.uniform(0.25, 0.8) * np.exp(rng.normal(0, 0.30, 3)))


def _shade(rng: Generator, light: Density, severity: float) -> tuple[Density, NDArray[np.bool_]]:
    """Return unevenly lit light, and what is inside the field of the eyepiece."""
    side = len(light)
    y, x = (np.mgrid[:side, :side].astype(np.float32) + 0.5) / side - 0.5
    if rng.random() < 0.35:
        angle, slope = rng.uniform(0, 2 * np.pi), rng.uniform(0, scale(severity, 0.2, 0.4))
        light = light * (1 + slope * (np.sin(angle) * y + np.cos(angle) * x))[..., None].astype(np.float32)
    if rng.random() < 0.16:
        # Vignetting.
        centre = rng.normal(0, 0.25, 2)
        distance = np.hypot(y - centre[0], x - centre[1])
        profile = np.exp(-((distance / rng.uniform(0.35, 1.2)) ** rng.uniform(1.5, 5)))
        profile = 1 - rng.uniform(scale(severity, 0.05, 0.2), scale(severity, 0.3, 0.8)) * (1 - profile)
        tint = np.exp(rng.normal(0, 0.06, 3)).astype(np.float32)
        light = light * profile[..., None] ** tint
    inside = np.ones((side, side), np.float32)
    if rng.random() < 0.10:
        # Outside an eyepiece's field, the image is black.
        radius = rng.uniform(0.4, 1.2)
        centre = rng.uniform(-0.5, 0.5, 2) * (radius * 0.9 if radius > 0.6 else 0.2)
        distance = np.hypot(y - centre[0], x - centre[1])
        inside = np.clip((radius - distance) * side / rng.uniform(1, 6) + 0.5, 0, 1)
        light = light * inside[..., None] + np.float32(rng.uniform(0, 0.05)) * (1 - inside[..., None])
    return light, inside > 0.5


def _focus(rng: Generator, pixels: NDArray[np.uint8], diameter: float) -> NDArray[np.uint8]:
    """Return a blurred or sharpened image, some with colour fringes."""
    image = Image.fromarray(pixels)
    focus = rng.random()
    if focus < 0.55:
        sigma = rng.uniform(0.2, 1.0) if focus < 0.35 else min(diameter * rng.uniform(0.01, 0.04), 3.0)
        image = image.filter(ImageFilter.GaussianBlur(sigma))
    elif focus < 0.75:
        image = image.filter(ImageFilter.UnsharpMask(rng.uniform(0.6, 2.0), int(rng.uniform(30, 220)), 0))
    pixels = np.asarray(image)
    if rng.random() < 0.2:
        shift = tuple(int(value) for value in rng.integers(-1, 2, 4))
        red, green, blue = (pixels[..., channel] for channel in range(3))
        pixels = np.dstack([np.roll(red, shift[:2], (0, 1)), green, np.roll(blue, shift[2:], (0, 1))])
    return pixels


def _record(rng: Generator, pixels: NDArray[np.uint8], severity: float) -> NDArray[np.uint8]:
    """Return an image with sensor noise."""
    if rng.random() >= 0.5:
        return pixels
    noise = rng.standard_normal((*pixels.shape[:2], 1 if rng.random() < 0.3 else 3), np.float32)
    level = np.float32(255 * rng.uniform(0.003, scale(severity, 0.015, 0.03)))
    return np.asarray(np.clip(pixels + noise * level, 0, 255).astype(np.uint8))


def _store(rng: Generator, pixels: NDArray[np.uint8], severity: float) -> NDArray[np.uint8]:
    """Return an image as read from its file: some with annotations, some compressed."""
    if rng.random() < 0.06:
        pixels = draw_annotations(rng, pixels)
    if rng.random() < 0.35:
        buffer = io.BytesIO()
        quality = int(rng.integers(round(scale(severity, 60, 30)), 95))
        Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
        pixels = np.asarray(Image.open(buffer))
    return np.ascontiguousarray(pixels)
