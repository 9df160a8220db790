"""How far copies of training pictures may differ from the pictures."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Final

from wbcseg.errors import ConfigError

CLEAN_FRACTION: Final = 0.5
"""Share of copies that are shown as they are in the sharp epochs of a training for any laboratory."""

CLEAN_CELL_MARGIN: Final = 0.15
"""By how much the cell may take less of the side in those than in the close look of a prediction."""


@dataclass(frozen=True)
class Augmentation:
    """How far copies may differ from the picture. Every range is drawn from evenly.

    Attributes:
        name: Short name, in settings and cards.
        description: One plain sentence.
        flip: Whether to mirror, and where nothing else moves to turn by right angles.
        rotation: Greatest turn in degrees, to either side.
        zoom: Least and greatest magnification.
        shift: Greatest shift, as a share of the side.
        gain: Greatest change of each colour channel's brightness, as a share.
        offset: Greatest change of each colour channel's level, as a share of the full range.
        gamma: Greatest change of the logarithm of gamma.
        cell_fraction: Least and greatest share of the side that the cell takes, from its mask; then ``zoom`` does not count.
        oversampling: Pictures come with so many times the pixels a side of the copies, so that enlarged copies stay sharp.
        plain_background: Share of copies around which there is plain plasma instead of the picture's mirror image.
        background_only: Share of copies without a cell: plain plasma alone.
        add_red_cells: Share of copies with drawn red cells around; see :mod:`wbcseg.transforms.red_cells`.
        elastic_deform: Greatest displacement, as a share of the cell's diameter, when a copy is bent like rubber.
        resize_nucleus: Share of copies whose nucleus fills more or less of the cell.
        decondense_chromatin: Share of copies whose nucleus is pale in places.
        jitter_stain: Greatest change of the logarithm of how strongly nucleus and cytoplasm take each colour.
        add_granules: Share of copies whose cytoplasm is filled with granules.
        jitter_acquisition: Whether to vary stain, light, focus and camera; see :mod:`wbcseg.transforms.acquisition`.
        clean_fraction: Share of copies that are shown as a prediction's close look sees them, in any of the eight orientations.
        clean_cell_fraction: Least and greatest share of the side that the cell takes in those.
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
    jitter_acquisition: bool = False
    clean_fraction: float = 0.0
    clean_cell_fraction: tuple[float, float] = (0.0, 0.0)

    @property
    def is_geometric(self) -> bool:
        """Whether copies differ in place, and not just in colour."""
        return self.flip or self.is_resampling

    @property
    def is_resampling(self) -> bool:
        """Whether pixels are mixed, which makes copies a little less sharp than the picture."""
        return self.rotation > 0 or self.zoom != (1.0, 1.0) or self.shift > 0 or self.cell_fraction is not None

    def make_clean(self, cell_fraction: float) -> Augmentation:
        """Return the same without what mixes pixels; where the size of cells varies, for half of the copies.

        Args:
            cell_fraction: What the cell takes of the side in the close look of a prediction.
        """
        if self.cell_fraction is not None:
            return dataclasses.replace(
                self,
                clean_fraction=CLEAN_FRACTION,
                clean_cell_fraction=(cell_fraction - CLEAN_CELL_MARGIN, cell_fraction),
            )
        return dataclasses.replace(self, rotation=0.0, zoom=(1.0, 1.0), shift=0.0)


AUGMENTATIONS: Final[dict[str, Augmentation]] = {
    a.name: a
    for a in (
        Augmentation("none", "Every epoch shows the same pictures."),
        Augmentation(
            "geometry",
            "Mirrored, turned by any angle, enlarged by up to a fifth or shrunk by up to a seventh.",
            flip=True,
            rotation=180.0,
            zoom=(0.85, 1.2),
            shift=0.03,
        ),
        Augmentation(
            "mild",
            "As `geometry`, and slightly recoloured, for smears of one laboratory.",
            flip=True,
            rotation=180.0,
            zoom=(0.85, 1.2),
            shift=0.03,
            gain=0.08,
            offset=0.02,
            gamma=0.1,
        ),
        Augmentation(
            "strong",
            "As any laboratory may show it: the cell large or small, in another stain, light, focus and camera.",
            flip=True,
            rotation=180.0,
            shift=0.1,
            cell_fraction=(0.3, 0.9),
            oversampling=2,
            plain_background=0.4,
            background_only=0.03,
            add_red_cells=0.75,
            elastic_deform=0.16,
            resize_nucleus=0.3,
            decondense_chromatin=0.3,
            jitter_stain=0.7,
            add_granules=0.2,
            jitter_acquisition=True,
        ),
    )
}


def get_augmentation(name: str) -> Augmentation:
    """Return an augmentation by name.

    Raises:
        ConfigError: If none has that name.
    """
    try:
        return AUGMENTATIONS[name]
    except KeyError:
        raise ConfigError(
            f"Argument `augmentation` must be one of {', '.join(AUGMENTATIONS)}. Received: {name!r}"
        ) from None
