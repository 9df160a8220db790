"""No augmentation."""

from wbcseg.transforms.config import AUGMENTATIONS, Augmentation

AUGMENTATIONS.add(
    Augmentation(
        "none",
        "Every epoch shows the same images.",
        order=1,
    )
)
