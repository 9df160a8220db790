"""Varied copies of training pictures, drawn anew for every epoch."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from wbcseg.classes import Labels
from wbcseg.errors import ConfigError


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

    @property
    def moves(self) -> bool:
        """Whether copies differ in place, and not just in colour."""
        return self.flips or self.resamples

    @property
    def resamples(self) -> bool:
        """Whether pixels are mixed, which makes copies a little less sharp than the picture."""
        return self.rotation > 0 or self.zoom != (1.0, 1.0) or self.shift > 0

    def sharp(self) -> Augmentation:
        """Return the same, but for what mixes pixels: turned by right angles only."""
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
    )
}


def augmentation(name: str) -> Augmentation:
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


def augment(
    images: Sequence[NDArray[np.uint8]] | NDArray[np.uint8],
    labels: Sequence[Labels] | Labels,
    how: Augmentation,
    rng: np.random.Generator,
) -> tuple[NDArray[np.float32], Labels]:
    """Return one varied copy of every picture, and of its mask moved alike.

    Args:
        images: ``uint8[N, S, S, 3]``.
        labels: ``uint8[N, S, S]``.
        how: The ranges.
        rng: The source of chance; the same state gives the same copies.

    Returns:
        ``float32[N, S, S, 3]`` in 0 to 1, and ``uint8[N, S, S]``.
    """
    moved = [_move(i, m, how, rng) if how.moves else (i, m) for i, m in zip(images, labels, strict=True)]
    batch = np.stack([image for image, _ in moved]).astype(np.float32) / 255.0
    if how.gain or how.offset or how.gamma:
        batch = _recolour(batch, how, rng)
    return batch, np.stack([mask for _, mask in moved])


def _move(
    image: NDArray[np.uint8], mask: Labels, how: Augmentation, rng: np.random.Generator
) -> tuple[NDArray[np.uint8], Labels]:
    """Turn, mirror, enlarge and shift one picture and its mask; what comes in from outside is the mirror image."""
    if not how.resamples:
        turns, mirrored = int(rng.integers(4)), rng.random() < 0.5
        turned = (np.rot90(array, turns) for array in (image, mask))
        image, mask = ((array[:, ::-1] if mirrored else array) for array in turned)
        return image, mask
    side = image.shape[0]
    angle = np.deg2rad(rng.uniform(-how.rotation, how.rotation))
    scale = 1.0 / rng.uniform(*how.zoom)
    mirror = -1.0 if how.flips and rng.random() < 0.5 else 1.0
    dx, dy = rng.uniform(-how.shift, how.shift, size=2) * side

    margin = int(np.ceil(side * 0.45))
    centre = side / 2
    cos, sin = np.cos(angle) * scale, np.sin(angle) * scale
    # Pillow maps every pixel of the result to the place in the source that it is read from.
    a, b = mirror * cos, -sin
    d, e = mirror * sin, cos
    c = centre + margin + dx - a * centre - b * centre
    f = centre + margin + dy - d * centre - e * centre
    matrix = (a, b, c, d, e, f)

    def warp(array: NDArray[np.uint8], resample: Image.Resampling) -> NDArray[np.uint8]:
        padding = ((margin, margin), (margin, margin), (0, 0))[: array.ndim]
        padded = Image.fromarray(np.pad(array, padding, mode="symmetric"))
        return np.asarray(padded.transform((side, side), Image.Transform.AFFINE, matrix, resample))

    return warp(image, Image.Resampling.BILINEAR), warp(mask, Image.Resampling.NEAREST)


def _recolour(batch: NDArray[np.float32], how: Augmentation, rng: np.random.Generator) -> NDArray[np.float32]:
    """Vary brightness, level and gamma of every channel of every picture."""
    shape = (len(batch), 1, 1, 3)
    gain = 1.0 + rng.uniform(-how.gain, how.gain, shape)
    offset = rng.uniform(-how.offset, how.offset, shape)
    gamma = np.exp(rng.uniform(-how.gamma, how.gamma, (len(batch), 1, 1, 1)))
    recoloured = np.clip(batch * gain + offset, 0.0, 1.0) ** gamma
    return recoloured.astype(np.float32)
