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
        meaning: One plain sentence.
        flips: Whether to mirror, and where nothing else moves to turn by right angles.
        rotation: Greatest turn in degrees, to either side.
        zoom: Least and greatest magnification.
        shift: Greatest shift, as a share of the side.
        gain: Greatest change of each colour channel's brightness, as a share.
        offset: Greatest change of each colour channel's level, as a share of the full range.
        gamma: Greatest change of the logarithm of gamma.
        cell: Least and greatest share of the side that the cell takes, from its mask; then ``zoom`` does not count.
        detail: Pictures come with so many times the pixels a side of the copies, so that enlarged copies stay sharp.
        plain: Share of copies around which there is plain plasma instead of the picture's mirror image.
        empty: Share of copies without a cell: plain plasma alone.
        red_cells: Share of copies with drawn red cells around; see :mod:`wbcseg.transforms.red_cells`.
        bent: Greatest displacement, as a share of the cell's diameter, when a copy is bent like rubber.
        grown: Share of copies whose nucleus fills more or less of the cell.
        loosened: Share of copies whose nucleus is pale in places.
        dyed: Greatest change of the logarithm of how strongly nucleus and cytoplasm take each colour.
        granular: Share of copies whose cytoplasm is filled with granules.
        photographed: Whether to vary stain, light, focus and camera; see :mod:`wbcseg.transforms.acquisition`.
        as_is: Share of copies that are shown as a prediction's close look sees them, in any of the eight orientations.
        close: Least and greatest share of the side that the cell takes in those.
    """

    name: str
    meaning: str
    flips: bool = False
    rotation: float = 0.0
    zoom: tuple[float, float] = (1.0, 1.0)
    shift: float = 0.0
    gain: float = 0.0
    offset: float = 0.0
    gamma: float = 0.0
    cell: tuple[float, float] | None = None
    detail: int = 1
    plain: float = 0.0
    empty: float = 0.0
    red_cells: float = 0.0
    bent: float = 0.0
    grown: float = 0.0
    loosened: float = 0.0
    dyed: float = 0.0
    granular: float = 0.0
    photographed: bool = False
    as_is: float = 0.0
    close: tuple[float, float] = (0.0, 0.0)

    @property
    def moves(self) -> bool:
        """Whether copies differ in place, and not just in colour."""
        return self.flips or self.resamples

    @property
    def resamples(self) -> bool:
        """Whether pixels are mixed, which makes copies a little less sharp than the picture."""
        return self.rotation > 0 or self.zoom != (1.0, 1.0) or self.shift > 0 or self.cell is not None

    def sharp(self, share: float) -> Augmentation:
        """Return the same without what mixes pixels; where the size of cells varies, for half of the copies.

        Args:
            share: What the cell takes of the side in the close look of a prediction.
        """
        if self.cell is not None:
            return dataclasses.replace(self, as_is=CLEAN_FRACTION, close=(share - CLEAN_CELL_MARGIN, share))
        return dataclasses.replace(self, rotation=0.0, zoom=(1.0, 1.0), shift=0.0)


AUGMENTATIONS: Final[dict[str, Augmentation]] = {
    a.name: a
    for a in (
        Augmentation("none", "Every epoch shows the same pictures."),
        Augmentation(
            "geometry",
            "Mirrored, turned by any angle, enlarged by up to a fifth or shrunk by up to a seventh.",
            flips=True,
            rotation=180.0,
            zoom=(0.85, 1.2),
            shift=0.03,
        ),
        Augmentation(
            "mild",
            "As `geometry`, and slightly recoloured, for smears of one laboratory.",
            flips=True,
            rotation=180.0,
            zoom=(0.85, 1.2),
            shift=0.03,
            gain=0.08,
            offset=0.02,
            gamma=0.1,
        ),
        Augmentation(
            "laboratories",
            "As any laboratory may show it: the cell large or small, in another stain, light, focus and camera.",
            flips=True,
            rotation=180.0,
            shift=0.1,
            cell=(0.3, 0.9),
            detail=2,
            plain=0.4,
            empty=0.03,
            red_cells=0.75,
            bent=0.16,
            grown=0.3,
            loosened=0.3,
            dyed=0.7,
            granular=0.2,
            photographed=True,
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
