"""The settings of the network, the data and the split."""

from __future__ import annotations

from dataclasses import dataclass

from wbcseg.io import CORRECTION_LABELS
from wbcseg.models import ARCHITECTURES, BASE_FILTERS_RANGE, SIZE_MULTIPLE
from wbcseg.splitting.thesis import IMAGE_SIDE
from wbcseg.training.conditions import (
    has_auxiliary_layers,
    is_not_leaky,
    is_two_stage,
    uses_folds,
    uses_thesis_split,
)
from wbcseg.training.setting import DATA, MAX_SEED, NETWORK, setting
from wbcseg.transforms.config import AUGMENTATIONS


@dataclass(frozen=True)
class NetworkAndDataSettings:
    """What is trained, and on which images."""

    architecture: str = setting(
        "unet",
        "Architecture",
        "The network.",
        labels=lambda: {name: spec.title for name, spec in ARCHITECTURES.items()},
    )
    dataset: str = setting(
        "synthetic", "Data set", "Name of a data set, or path of a folder or zip of images and masks."
    )

    base_filters: int = setting(
        16,
        "Base filters",
        "Filters of the first stage; all other stages are multiples of it. More filters can learn more and take more "
        "time and memory: twice as many cost up to four times as much. The thesis used 64.",
        group=NETWORK,
        minimum=BASE_FILTERS_RANGE[0],
        maximum=BASE_FILTERS_RANGE[1],
    )
    start_from: str = setting(
        "",
        "Start from",
        "A model with trainable weights of the same network, whose weights the training starts from (fine-tuning). "
        "Empty: random weights.",
        group=NETWORK,
        is_optional=True,
    )
    deep_supervision: bool = setting(
        False,
        "Deep supervision",
        "Whether the network's inner decoders learn to segment as well; the loss is the mean of all. Only U-Net++ has "
        "such decoders.",
        group=NETWORK,
        is_active=has_auxiliary_layers,
        inactive_value=False,
        is_optional=True,
    )
    dropout: float = setting(
        0.0,
        "Dropout",
        "Fraction of the last layer's outputs that are set to zero at random during training. The thesis' text says "
        "0.5, but its notebooks never connected the layer.",
        group=NETWORK,
        minimum=0.0,
        maximum=0.9,
        step=0.05,
    )
    bn_momentum: float = setting(
        0.9,
        "Batch-norm momentum",
        "Fraction of the old value that the running averages of batch normalisation keep at every step.",
        group=NETWORK,
        minimum=0.5,
        maximum=0.9999,
        step=0.01,
    )
    bn_debias: bool = setting(
        False,
        "Debias batch norm",
        "Whether these averages are corrected for their starting value, as in Keras 2 on TensorFlow 1, which the "
        "thesis used.",
        group=NETWORK,
    )

    split: str = setting(
        "leak-free",
        "Split",
        "**Leak-free**: no cell is in both training and validation. **Thesis**: the thesis' own split, in which 24 of "
        "the 30 test images have a flipped copy in training. **Leaky**: folds, with flipped copies of the validation "
        "images in training, to measure the effect of data leakage.",
        group=DATA,
        labels={"leak-free": "Leak-free", "thesis": "Thesis", "leaky": "Leaky on purpose"},
    )
    extra_dataset: str = setting(
        "",
        "Additional training images",
        "Name of a data set, or path of a folder or zip, whose images are trained on and never tested on, such as "
        "images whose masks a model drew.",
        group=DATA,
        is_active=uses_folds,
        inactive_value="",
        is_optional=True,
    )
    mask_correction: str = setting(
        "none",
        "Masks",
        "Masks that look wrong stop the training, unless this says what they mean. Instances teach whole cells only.",
        group=DATA,
        is_optional=True,
        labels={"none": "Check them"} | {str(name): label for name, label in CORRECTION_LABELS.items()},
    )
    fold: int = setting(
        0,
        "Fold",
        "Which fold is held out, counted from 0: of 5 folds, 0 to 4.",
        group=DATA,
        minimum=0,
        maximum=19,
        is_active=uses_folds,
    )
    folds: int = setting(
        5,
        "Number of folds",
        "How many parts the cells are divided into. One part is held out, the others are for training.",
        group=DATA,
        minimum=2,
        maximum=20,
        is_active=uses_folds,
    )
    split_seed: int = setting(
        2,
        "Split seed",
        "Random seed of the folds: the same seed gives the same folds.",
        group=DATA,
        minimum=0,
        maximum=MAX_SEED,
        is_active=uses_folds,
    )
    unused_fraction: float = setting(
        0.0,
        "Unused fraction",
        "Fraction of the images used for neither training nor validation, to match the size of a published comparison.",
        group=DATA,
        minimum=0.0,
        maximum=0.5,
        step=0.05,
        is_active=uses_folds,
        inactive_value=0.0,
        is_optional=True,
    )
    input_size: int = setting(
        120,
        "Input size",
        "Side in pixels of the square that the network sees. Smaller images are padded by reflection, larger ones "
        f"shrunk. A multiple of {SIZE_MULTIPLE} for most networks. A smaller square is faster and less detailed.",
        group=DATA,
        minimum=SIZE_MULTIPLE,
        maximum=960,
        step=SIZE_MULTIPLE,
        is_active=uses_folds,
        inactive_value=IMAGE_SIDE,
    )
    augmentation: str = setting(
        "mild",
        "Augmentation",
        "How training images vary from epoch to epoch. "
        + " ".join(
            f"**{spec.name.capitalize()}**: {spec.description.replace('`', '')}" for spec in AUGMENTATIONS.values()
        ),
        group=DATA,
        labels=lambda: {name: name.capitalize() for name in AUGMENTATIONS},
        is_active=uses_folds,
        inactive_value="none",
    )
    flipped_copies: bool = setting(
        False,
        "Flipped copies",
        "Whether every image gets a copy that is rotated by 90° and mirrored: training images only in a leak-free "
        "split, all images in the thesis' split with its bugs.",
        group=DATA,
        is_active=is_not_leaky,
        inactive_value=True,
    )
    thesis_bugs: bool = setting(
        False,
        "Reproduce the notebooks' bugs",
        "The thesis' notebooks left the last row and column of every target empty, lost one image, and made the "
        "flipped copies before the split. This does the same.",
        group=DATA,
        is_active=uses_thesis_split,
        inactive_value=False,
    )
    class_balance: float = setting(
        0.0,
        "Oversample rare types",
        "How much more often images of rare cell types are shown: 0 shows every image once an epoch, 1 every cell "
        "type of every data set equally often. The length of an epoch stays the same.",
        group=DATA,
        minimum=0.0,
        maximum=1.0,
        step=0.1,
        is_optional=True,
    )
    clean_epochs: int = setting(
        0,
        "Final epochs without augmentation",
        "In the last epochs, images are only mirrored and rotated by right angles. Other rotations interpolate "
        "pixels and blur slightly, so the network would learn from softer images than it will segment. With strong "
        "augmentation, this applies to half of the images.",
        group=DATA,
        minimum=0,
        maximum=2000,
        is_optional=True,
    )
    cell_fraction: float = setting(
        0.6,
        "Second-stage zoom",
        "A general model predicts in two stages: on the whole image, then on a square around the cell, whose side "
        "the cell fills to this fraction. Larger values give finer outlines; but where the first stage misjudged the "
        "size of the cell, part of it may lie outside the square.",
        group=DATA,
        minimum=0.4,
        maximum=0.9,
        step=0.05,
        is_active=is_two_stage,
        inactive_value=0.6,
        is_optional=True,
    )
