"""Generate images that are not blood smears: photographs, textures, noise, text and drawings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Rgb = NDArray[np.uint8]

PHOTOGRAPH_NAMES: Final = (
    *("astronaut", "brick", "camera", "cat", "cell", "clock", "coffee", "coins", "colorwheel", "grass", "gravel"),
    *("hubble_deep_field", "immunohistochemistry", "moon", "page", "retina", "rocket", "text"),
)
"""Images that come with scikit-image, among them stained tissue and fluorescent cells."""

SIDE_RANGE: Final = (100, 320)
"""Smallest and largest side of an image in pixels."""

IMAGES_PER_KIND: Final = 8
"""Images of each kind."""


def generate_negative_images(seed: int = 0) -> Iterator[tuple[str, Rgb]]:
    """Generate images that are not smears.

    Args:
        seed: The same seed gives the same images.

    Yields:
        The kind, and a square image ``uint8[S, S, 3]`` of it.
    """
    rng = np.random.default_rng(seed)
    for name in PHOTOGRAPH_NAMES:
        photograph = _load_photograph(name)
        for _ in range(IMAGES_PER_KIND):
            yield name, _crop_randomly(photograph, rng)
    for kind, draw in (
        ("noise", _draw_noise),
        ("writing", _draw_text),
        ("shapes", _draw_shapes),
        ("tissue", _draw_tissue),
    ):
        for _ in range(IMAGES_PER_KIND):
            yield kind, draw(rng)
    for _ in range(IMAGES_PER_KIND):
        colour = rng.integers(0, 256, 3)
        yield "one colour", np.broadcast_to(colour.astype(np.uint8), (120, 120, 3)).copy()


def _load_photograph(name: str) -> Image.Image:
    # Imported here, because only fitting needs it.
    import skimage.data

    pixels = np.asarray(getattr(skimage.data, name)())
    if pixels.dtype != np.uint8:
        pixels = (255.0 * pixels / max(float(pixels.max()), 1e-9)).astype(np.uint8)
    return Image.fromarray(pixels).convert("RGB")


def _crop_randomly(photograph: Image.Image, rng: np.random.Generator) -> Rgb:
    shorter = min(photograph.size)
    side = max(60, round(shorter * rng.uniform(0.15, 1.0)))
    left, top = (int(rng.integers(0, max(1, length - side))) for length in photograph.size)
    size = int(rng.integers(*SIDE_RANGE))
    patch = photograph.crop((left, top, left + side, top + side)).resize((size, size), Image.Resampling.BILINEAR)
    return np.asarray(patch)


def _draw_noise(rng: np.random.Generator) -> Rgb:
    from scipy import ndimage

    side = int(rng.integers(*SIDE_RANGE))
    noise = ndimage.gaussian_filter(rng.normal(size=(side, side, 3)), (sigma := rng.uniform(0.0, 12.0), sigma, 0.0))
    noise = noise / max(float(noise.std()), 1e-9) * rng.uniform(5, 60) + rng.uniform(60, 220, 3)
    return np.asarray(np.clip(noise, 0, 255), np.uint8)


def _draw_text(rng: np.random.Generator) -> Rgb:
    side = int(rng.integers(*SIDE_RANGE))
    paper, ink = rng.integers(200, 256, 3), rng.integers(0, 120, 3)
    image = Image.new("RGB", (side, side), tuple(map(int, paper)))
    drawing = ImageDraw.Draw(image)
    size = int(rng.integers(10, 60))
    for y in range(0, side, size + 4):
        line = "".join(chr(c) for c in rng.integers(33, 123, 40))
        drawing.text((int(rng.integers(-8, 8)), y), line, fill=tuple(map(int, ink)), font_size=size)
    return np.asarray(image)


def _draw_shapes(rng: np.random.Generator) -> Rgb:
    side = int(rng.integers(*SIDE_RANGE))
    image = Image.new("RGB", (side, side), tuple(map(int, rng.integers(0, 256, 3))))
    drawing = ImageDraw.Draw(image)
    for _ in range(int(rng.integers(3, 30))):
        x, y, w, h = rng.uniform(-0.2, 1.0, 2).tolist() + rng.uniform(0.05, 0.6, 2).tolist()
        box = [value * side for value in (x, y, x + w, y + h)]
        colour = tuple(map(int, rng.integers(0, 256, 3)))
        (drawing.rectangle if rng.random() < 0.7 else drawing.line)(box, fill=colour)
    return np.asarray(image)


def _draw_tissue(rng: np.random.Generator) -> Rgb:
    """Draw stained tissue at low magnification: pink, with many small violet nuclei and fibres."""
    from scipy import ndimage

    side = int(rng.integers(160, SIDE_RANGE[1]))
    image = Image.new("RGB", (side, side), (232, 170, 200))
    drawing = ImageDraw.Draw(image)
    for _ in range(int(rng.integers(10, 40))):
        points = [tuple(map(float, point)) for point in rng.uniform(-20, side + 20, (4, 2))]
        drawing.line(points, fill=tuple(map(int, rng.integers((190, 110, 150), (240, 190, 220)))), width=5)
    for _ in range(int(rng.integers(60, 160))):
        x, y = rng.uniform(0, side, 2)
        half_width, half_height = rng.uniform(3, 8, 2)
        violet = tuple(map(int, rng.integers((80, 40, 110), (140, 90, 170))))
        drawing.ellipse((x - half_width, y - half_height, x + half_width, y + half_height), fill=violet)
    blurred = ndimage.gaussian_filter(np.asarray(image, np.float32), (1.0, 1.0, 0.0))
    return np.asarray(np.clip(blurred + rng.normal(0, 5, blurred.shape), 0, 255), np.uint8)
