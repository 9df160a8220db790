"""What people and programs draw into images: arrows, scale bars, letters and frames."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageDraw

COLOURS: Final = (
    (255, 255, 0),
    (0, 0, 0),
    (255, 255, 255),
    (255, 0, 0),
    (0, 255, 0),
    (0, 0, 255),
    (60, 20, 110),
)
ARROW_SHAPE: Final = ((0, 0), (-0.4, 2), (-0.4, 1), (-1, 1), (-1, -1), (-0.4, -1), (-0.4, -2))
"""Corners of an arrow: along it in its lengths, across it in half widths of its shaft."""


def draw_annotations(rng: Generator, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return an image ``uint8[S, S, 3]`` with one to three drawings of one colour."""
    side = len(pixels)
    image = Image.fromarray(pixels)
    draw = ImageDraw.Draw(image)
    colour = COLOURS[int(rng.integers(len(COLOURS)))]
    for _ in range(int(rng.integers(1, 4))):
        y, x = rng.uniform(0.05, 0.95, 2) * side
        kind = rng.random()
        if kind < 0.4:
            angle, length = rng.uniform(0, 2 * np.pi), rng.uniform(0.06, 0.25) * side
            cos, sin = np.cos(angle), np.sin(angle)
            width = length * rng.uniform(0.06, 0.25)
            corners = [
                (x + u * length * cos - v * width * sin, y + u * length * sin + v * width * cos) for u, v in ARROW_SHAPE
            ]
            draw.polygon(corners, fill=colour)
        elif kind < 0.75:
            length = rng.uniform(0.08, 0.35) * side
            thickness = max(1, int(rng.uniform(0.005, 0.03) * side))
            draw.rectangle((x, y, x + length, y + thickness), fill=colour)
            draw.text((x + length / 4, y - 12), f"{int(rng.integers(1, 51))} um", fill=colour)
        elif kind < 0.9:
            draw.text((x, y), "ABCDWxyz"[int(rng.integers(8)) :], fill=colour)
        else:
            draw.rectangle((x, y, x + 0.3 * side, y + 0.3 * side), outline=colour)
    return np.asarray(image)
