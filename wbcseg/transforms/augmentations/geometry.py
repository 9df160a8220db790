"""Flips, rotations and zoom."""

from wbcseg.transforms.config import AUGMENTATIONS, Augmentation

AUGMENTATIONS.add(
    Augmentation(
        "geometry",
        "Flipped, rotated by any angle, zoomed from 0.85 to 1.2.",
        flip=True,
        rotation=180.0,
        zoom=(0.85, 1.2),
        shift=0.03,
        order=2,
    )
)
