"""What all cells of a field have in common: the stain and camera of one laboratory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.random import Generator

from wbcseg.detector_training.composing.field import Density
from wbcseg.detector_training.composing.severity import scale

RED_CELL_COLOURS: Final = np.array(
    [
        (0.10, 0.50, 0.30),  # pink
        (0.05, 0.35, 0.62),  # orange
        (0.06, 0.45, 0.45),  # salmon
        (0.45, 0.47, 0.45),  # grey
        (0.42, 0.58, 0.33),  # violet
        (0.60, 0.52, 0.28),  # slate blue
        (0.70, 0.52, 0.12),  # blue
        (0.18, 0.50, 0.52),  # brown
        (0.40, 0.32, 0.42),  # green-grey
        (0.30, 0.62, 0.40),  # purple-pink
    ],
    np.float32,
)
"""Optical densities of red cells for red, green and blue light, up to a factor."""

NUCLEUS_DENSITY: Final = 0.55
"""Mean optical density of a nucleus."""


@dataclass(frozen=True, eq=False)
class Laboratory:
    """Stain and camera of one laboratory.

    Attributes:
        stain: Matrix that maps optical densities of cut-outs to its own, ``float32[3, 3]``.
        strength: Factor of all densities.
        cytoplasm: Factors of the cytoplasm's densities, ``float32[3]``.
        nucleus: Factors of the nucleus's densities, ``float32[3]``.
        red_cell: Densities of a red cell, ``float32[3]``; ``None`` where red cells are stained as white cells are.
    """

    stain: Density
    strength: float
    cytoplasm: Density
    nucleus: Density
    red_cell: Density | None

    @classmethod
    def draw(cls, rng: Generator, severity: float) -> Self:
        """Draw a random laboratory.

        Args:
            rng: Random generator.
            severity: How unusual it may be, 0 to 1.
        """
        pallor = rng.random()
        strength = float(np.exp(rng.uniform(scale(severity, -0.25, -0.45), scale(severity, 0.15, 0.25))))
        if pallor < 0.15 * severity:
            strength = float(rng.uniform(0.2, 0.55))
        cytoplasm = np.exp(
            rng.uniform(scale(severity, -0.3, -0.8), scale(severity, 0.3, 0.5))
            + rng.normal(0, scale(severity, 0.1, 0.2), 3)
        ).astype(np.float32)
        variant = rng.random()
        if variant < 0.35:
            cytoplasm[:] = 1.0
        elif variant < 0.35 + 0.17 * severity:
            # Hardly any cytoplasm is seen: the lobes of a nucleus seem to lie by themselves.
            cytoplasm *= np.float32(np.exp(rng.uniform(-1.4, -0.3)))
        nucleus = np.exp(rng.uniform(-0.35, 0.2) + rng.normal(0, 0.1, 3)).astype(np.float32)
        red_cell = _draw_red_cell_colour(rng, severity) if rng.random() < 0.62 else None
        return cls(_draw_stain_matrix(rng, severity), strength, cytoplasm, nucleus, red_cell)

    def stain_background(self, density: Density, white_cell: Density | None = None) -> Density:
        """Return the densities of red cells and everything else that is no white cell, stained as here.

        Args:
            density: ``float32[H, W, 3]``.
            white_cell: Share of each pixel that a white cell covers, ``float32[H, W]``.
        """
        if self.red_cell is None:
            return np.asarray(density @ self.stain.T)
        amount = density @ np.array((0.25, 0.5, 0.25), np.float32)
        body = amount[amount > 0.06] if white_cell is None else amount[(amount > 0.06) & (white_cell < 0.1)]
        typical = max(float(np.median(body)) if body.size > 50 else 0.25, 0.08)
        rest = density - amount[..., None]
        stained = (amount / typical)[..., None] * self.red_cell + 0.35 * rest @ self.stain.T
        # Platelets stay darker than red cells, but not without limit.
        return np.asarray(np.minimum(stained, 2.5 * np.maximum(self.red_cell, 0.1) + 0.3), np.float32)


def _rotate_hue(angle: float, saturation: float) -> Density:
    """Return a matrix that rotates the hue of optical densities and changes their saturation; grey stays grey."""
    axis = np.ones(3) / np.sqrt(3)
    cross = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    along = np.outer(axis, axis)
    rotation = along + saturation * (np.cos(angle) * (np.eye(3) - along) + np.sin(angle) * cross)
    return np.asarray(rotation, np.float32)


def _draw_stain_matrix(rng: Generator, severity: float) -> Density:
    is_unusual = rng.random() < 0.5
    angle = rng.normal(0, scale(severity, 0.10, 0.28) if is_unusual else 0.10)
    log_saturation = rng.normal(0, scale(severity, 0.12, 0.30) if is_unusual else 0.12)
    matrix = _rotate_hue(float(np.clip(angle, -0.65, 0.65)), float(np.exp(log_saturation)))
    gain = np.exp(rng.normal(0, scale(severity, 0.10, 0.22) if is_unusual else 0.10, 3))
    mixing = rng.normal(0, 0.04 * severity, (3, 3)) if is_unusual else 0.0
    return np.asarray(matrix * gain[:, None] + mixing, np.float32)


def _draw_red_cell_colour(rng: Generator, severity: float) -> Density:
    first, second = rng.integers(len(RED_CELL_COLOURS), size=2)
    share = rng.random()
    colour = RED_CELL_COLOURS[first] * share + RED_CELL_COLOURS[second] * (1 - share)
    colour = colour * np.exp(rng.normal(0, 0.12, 3))
    darkness = rng.uniform(0.10, 0.70) if rng.random() < 0.85 else rng.uniform(0.7, scale(severity, 0.7, 0.95))
    return np.asarray((colour / colour.mean() * NUCLEUS_DENSITY * darkness).astype(np.float32))
