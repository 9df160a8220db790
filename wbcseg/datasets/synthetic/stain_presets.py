"""Parameters of the synthetic stains, measured on real smears.

They were measured on the Zheng data sets (Zheng et al. 2018, doi 10.1016/j.micron.2018.01.010): the yellow and white
backgrounds of Dataset 1 and the purple background of Dataset 2. Colours are means over the interior of a class;
``color_components`` are the main ways in which they vary together between images (principal components times their
standard deviations); areas are fractions of the image. No image of the data sets is stored here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from wbcseg.labels import CellType

StainName = Literal["yellow", "white", "purple"]
"""Named after the background colour."""

RgbVector = NDArray[np.float64]
"""``float64[3]``: a colour (0 to 255, plasma may exceed it where the camera clips) or optical densities."""


@dataclass(frozen=True)
class CellAppearance:
    """Appearance of a white cell of one type with one stain.

    Attributes:
        cytoplasm: RGB.
        nucleus: RGB.
        area_fraction: Mean and standard deviation of the cell's fraction of the image.
        nucleus_fraction: Mean and standard deviation of the nucleus' fraction of the cell.
    """

    cytoplasm: tuple[int, int, int]
    nucleus: tuple[int, int, int]
    area_fraction: tuple[float, float]
    nucleus_fraction: tuple[float, float]


@dataclass(frozen=True)
class Stain:
    """A stain.

    Attributes:
        name: Its name.
        reference_size: Side in pixels of the images it was measured on.
        plasma: RGB of the empty background, before clipping by the camera.
        cells: Appearance by cell type.
        color_components: Rows of nine: joint changes of plasma, cytoplasm and nucleus by one standard deviation.
        residual_sd: Remaining standard deviations of the nine values.
        red_cell: RGB of a red cell (for ghosts: of its outline at full strength).
        red_cell_sd: Standard deviation of ``red_cell``; the three values vary together.
        ghost_red_cells: Whether red cells have lost their colour, so that only their outlines are visible.
        red_cell_radius: Mean radius of a red cell in pixels of ``reference_size``.
        irregularity: How irregular white cells are, 0 to 1.
        blur_range: Smallest and largest standard deviation of the blur in pixels of ``reference_size``.
        sharpening: Strength of the camera's sharpening in red, green and blue.
        noise_sd: Standard deviation of the sensor noise in grey levels.
    """

    name: StainName
    reference_size: int
    plasma: tuple[int, int, int]
    cells: dict[CellType, CellAppearance]
    color_components: tuple[tuple[float, ...], ...]
    residual_sd: tuple[float, ...]
    red_cell: tuple[int, int, int]
    red_cell_sd: tuple[int, int, int]
    ghost_red_cells: bool
    red_cell_radius: float
    irregularity: float
    blur_range: tuple[float, float]
    sharpening: tuple[float, float, float]
    noise_sd: float


@dataclass(frozen=True)
class DyeColors:
    """Colours of one image.

    Attributes:
        plasma: RGB of the empty background, ``float64[3]``.
        cytoplasm: Optical densities over plasma (the decimal logarithm of plasma over colour), ``float64[3]``.
        nucleus: Optical densities over plasma.
        red_cell: Optical densities over plasma.
    """

    plasma: RgbVector
    cytoplasm: RgbVector
    nucleus: RgbVector
    red_cell: RgbVector

    @classmethod
    def make_random(cls, rng: Generator, stain: Stain, cell_type: CellType) -> DyeColors:
        """Return random colours for one image."""
        appearance = stain.cells[cell_type]
        colors = np.array([*stain.plasma, *appearance.cytoplasm, *appearance.nucleus], dtype=np.float64)
        drift = np.clip(rng.standard_normal(len(stain.color_components)), -2, 2) @ np.array(stain.color_components)
        # The strong red of eosinophils varies less.
        colors += drift * (0.5 if cell_type == "eosinophil" else 1.0)
        colors += np.clip(rng.standard_normal(9), -2, 2) * np.array(stain.residual_sd)
        plasma = colors[:3]
        cytoplasm = np.clip(colors[3:6], 30, 0.93 * plasma)
        nucleus = np.clip(colors[6:], 9, np.array([0.86, 0.80, 1.0]) * cytoplasm)
        red_cell = np.array(stain.red_cell) + np.clip(rng.standard_normal(), -2, 1.6) * np.array(stain.red_cell_sd)
        red_cell = np.clip(red_cell + rng.normal(0, 3, 3), 40, 0.95 * plasma)
        return cls(
            plasma,
            compute_optical_density(cytoplasm, plasma),
            compute_optical_density(nucleus, plasma),
            compute_optical_density(red_cell, plasma),
        )


def compute_optical_density(color: RgbVector, plasma: RgbVector) -> RgbVector:
    """Return the optical densities of a colour seen on plasma."""
    return np.asarray(np.log10(plasma / color))


STAINS: Final[dict[StainName, Stain]] = {
    "yellow": Stain(
        name="yellow",
        reference_size=120,
        plasma=(261, 254, 160),
        cells={
            "neutrophil": CellAppearance((198, 145, 107), (105, 25, 85), (0.353, 0.055), (0.354, 0.045)),
            "lymphocyte": CellAppearance((168, 141, 118), (108, 27, 88), (0.195, 0.044), (0.621, 0.069)),
            "monocyte": CellAppearance((188, 153, 121), (145, 64, 100), (0.384, 0.057), (0.525, 0.037)),
            "eosinophil": CellAppearance((178, 108, 92), (146, 50, 95), (0.397, 0.038), (0.324, 0.053)),
            "basophil": CellAppearance((172, 112, 108), (112, 40, 92), (0.330, 0.040), (0.450, 0.050)),
        },
        color_components=((0, 2, 14, 19, 27, 13, 16, 18, 12), (0, -3, -11, 2, -6, -6, 19, 5, -2)),
        residual_sd=(1, 5, 6, 5, 4, 3, 4, 5, 4),
        red_cell=(196, 143, 108),
        red_cell_sd=(14, 16, 6),
        ghost_red_cells=True,
        red_cell_radius=17.5,
        irregularity=0.30,
        blur_range=(1.5, 2.4),
        sharpening=(1.35, 0.45, 0.30),
        noise_sd=2.0,
    ),
    "white": Stain(
        name="white",
        reference_size=120,
        plasma=(263, 259, 262),
        cells={
            "neutrophil": CellAppearance((200, 135, 165), (87, 14, 117), (0.284, 0.033), (0.319, 0.049)),
            "lymphocyte": CellAppearance((188, 126, 200), (58, 16, 115), (0.216, 0.035), (0.568, 0.045)),
            "monocyte": CellAppearance((182, 138, 184), (87, 14, 116), (0.252, 0.030), (0.460, 0.058)),
            "eosinophil": CellAppearance((186, 88, 130), (118, 30, 126), (0.354, 0.050), (0.312, 0.049)),
            "basophil": CellAppearance((185, 104, 167), (110, 32, 137), (0.292, 0.035), (0.459, 0.040)),
        },
        color_components=((0, 0, 0, 19, 17, 14, 10, 8, 10), (0, 0, 0, 0, -3, -5, 9, 4, 1)),
        residual_sd=(1, 1, 1, 5, 4, 4, 3, 3, 4),
        red_cell=(241, 196, 229),
        red_cell_sd=(5, 14, 7),
        ghost_red_cells=True,
        red_cell_radius=15.0,
        irregularity=0.30,
        blur_range=(1.45, 2.2),
        sharpening=(1.35, 0.45, 0.30),
        noise_sd=1.6,
    ),
    "purple": Stain(
        name="purple",
        reference_size=300,
        plasma=(251, 224, 199),
        cells={
            "neutrophil": CellAppearance((199, 156, 173), (88, 38, 130), (0.215, 0.050), (0.381, 0.075)),
            "lymphocyte": CellAppearance((184, 153, 176), (102, 48, 138), (0.163, 0.040), (0.600, 0.110)),
            "monocyte": CellAppearance((197, 168, 184), (121, 64, 150), (0.349, 0.044), (0.370, 0.060)),
            "eosinophil": CellAppearance((187, 122, 154), (110, 52, 143), (0.268, 0.050), (0.383, 0.070)),
            "basophil": CellAppearance((163, 116, 158), (98, 38, 134), (0.226, 0.036), (0.580, 0.060)),
        },
        color_components=(
            (-1.5, -2, -1, -14, -15, -7, -8, -6, -4),
            (1, 1, 1, -7, -5, -1, 12, 10, 6),
            (6, 7, 6, 0, -1, 0, -2, 1, -1),
        ),
        residual_sd=(1, 1, 1, 4, 3, 3, 4, 3, 5),
        red_cell=(198, 141, 152),
        red_cell_sd=(17, 16, 10),
        ghost_red_cells=False,
        red_cell_radius=36.0,
        irregularity=0.75,
        blur_range=(0.55, 2.0),
        sharpening=(0.40, 0.35, 0.30),
        noise_sd=1.2,
    ),
}
"""By name, from the most frequent."""
