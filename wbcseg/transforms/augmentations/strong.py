"""Everything that may differ between laboratories."""

from wbcseg.transforms.config import AUGMENTATIONS, Augmentation

AUGMENTATIONS.add(
    Augmentation(
        "strong",
        "Large or small cells in varied stain, background, light, focus and camera: for smears of other laboratories.",
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
        vary_background=0.45,
        jitter_acquisition=True,
        order=4,
    )
)
