"""Flips, rotations, zoom and slight colour changes."""

from wbcseg.transforms.config import AUGMENTATIONS, Augmentation

AUGMENTATIONS.add(
    Augmentation(
        "mild",
        "Like `geometry`, with slight colour changes: for smears of one laboratory.",
        flip=True,
        rotation=180.0,
        zoom=(0.85, 1.2),
        shift=0.03,
        gain=0.08,
        offset=0.02,
        gamma=0.1,
        order=3,
    )
)
