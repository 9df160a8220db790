"""Settings of the augmentations, and the augmentations by name."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from wbcseg.errors import ConfigError
from wbcseg.labels import Labels
from wbcseg.registry import DEFAULT_ORDER, Registry

CLEAN_FRACTION: Final = 0.5
"""Fraction of copies that are not augmented in the clean epochs of a training for any cell size."""

CLEAN_CELL_MARGIN: Final = 0.15
"""Maximum reduction of the cell in clean copies relative to a prediction's second stage, as a fraction of the side."""

Transform = Callable[
    [NDArray[np.float32], Labels, np.random.Generator],
    tuple[NDArray[np.float32], Labels],
]
"""From an image ``float32[S, S, 3]`` in 0 to 1 and its mask ``uint8[S, S]`` to a changed copy of both."""


@dataclass(frozen=True)
class Augmentation:
    """How much copies may differ from the image. Values are drawn uniformly from every range.

    Attributes:
        name: Short name, in settings and cards.
        description: One plain sentence.
        flip: Whether to flip and, if nothing else moves, rotate by right angles.
        rotation: Largest rotation in degrees, in either direction.
        zoom: Smallest and largest magnification.
        shift: Largest shift, as a fraction of the side.
        gain: Largest relative change of each colour channel's brightness.
        offset: Largest change of each colour channel's level, as a fraction of the full range.
        gamma: Largest change of the logarithm of gamma.
        cell_fraction: Smallest and largest fraction of the side that the cell fills; replaces ``zoom``.
        oversampling: Images have this many times the resolution of the copies, so that zoomed copies are sharp.
        plain_background: Fraction of copies surrounded by plain plasma instead of the image's reflection.
        background_only: Fraction of copies without a cell, only plain plasma.
        add_red_cells: Fraction of copies with synthetic red cells around; see :mod:`wbcseg.transforms.red_cells`.
        elastic_deform: Largest displacement of an elastic deformation, as a fraction of the cell's diameter.
        resize_nucleus: Fraction of copies whose nucleus fills more or less of the cell.
        decondense_chromatin: Fraction of copies with a nucleus that is pale in places.
        jitter_stain: Largest change of the logarithm of how strongly nucleus and cytoplasm take up each dye.
        add_granules: Fraction of copies with granules throughout the cytoplasm.
        vary_background: Fraction of copies on another background; see :mod:`wbcseg.transforms.background`.
        jitter_acquisition: Whether to vary stain, light, focus and camera; see :mod:`wbcseg.transforms.acquisition`.
        clean_fraction: Fraction of clean copies: scaled as in a prediction's second stage, in any of 8 orientations.
        clean_cell_fraction: Smallest and largest fraction of the side that the cell fills in clean copies.
        transform: A custom function, applied to every copy last.
        order: Position in lists.
    """

    name: str
    description: str
    flip: bool = False
    rotation: float = 0.0
    zoom: tuple[float, float] = (1.0, 1.0)
    shift: float = 0.0
    gain: float = 0.0
    offset: float = 0.0
    gamma: float = 0.0
    cell_fraction: tuple[float, float] | None = None
    oversampling: int = 1
    plain_background: float = 0.0
    background_only: float = 0.0
    add_red_cells: float = 0.0
    elastic_deform: float = 0.0
    resize_nucleus: float = 0.0
    decondense_chromatin: float = 0.0
    jitter_stain: float = 0.0
    add_granules: float = 0.0
    vary_background: float = 0.0
    jitter_acquisition: bool = False
    clean_fraction: float = 0.0
    clean_cell_fraction: tuple[float, float] = (0.0, 0.0)
    transform: Transform | None = field(default=None, repr=False)
    order: int = DEFAULT_ORDER

    @property
    def is_geometric(self) -> bool:
        """Whether copies differ in geometry, not just in colour."""
        return self.flip or self.is_resampling

    @property
    def is_resampling(self) -> bool:
        """Whether pixels are interpolated, which makes copies slightly less sharp than the image."""
        return self.rotation > 0 or self.zoom != (1.0, 1.0) or self.shift > 0 or self.cell_fraction is not None

    def make_clean(self, cell_fraction: float) -> Augmentation:
        """Return the same without interpolation; for half of the copies if the cell size varies.

        Args:
            cell_fraction: Fraction of the side that the cell fills in the second stage of a prediction.
        """
        if self.cell_fraction is not None:
            return dataclasses.replace(
                self,
                clean_fraction=CLEAN_FRACTION,
                clean_cell_fraction=(cell_fraction - CLEAN_CELL_MARGIN, cell_fraction),
            )
        return dataclasses.replace(self, rotation=0.0, zoom=(1.0, 1.0), shift=0.0)


AUGMENTATIONS: Final[Registry[Augmentation]] = Registry("augmentation", "wbcseg.transforms.augmentations")
"""Every augmentation by its name."""


def get_augmentation(name: str) -> Augmentation:
    """Return an augmentation by name.

    Raises:
        ConfigError: If there is none with that name.
    """
    try:
        return AUGMENTATIONS[name]
    except KeyError:
        raise ConfigError(
            f"Argument `augmentation` must be one of {', '.join(AUGMENTATIONS)}. Received: {name!r}"
        ) from None
