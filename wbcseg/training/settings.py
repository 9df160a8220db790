"""Each setting of a training run, declared once: default, range or choices, label and help.

Validation, ``wbcseg train --help`` and the form of the page *Train* all read these declarations.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from wbcseg.models import ARCHITECTURES, BASE_FILTERS_RANGE, SIZE_MULTIPLE
from wbcseg.splitting.thesis import IMAGE_SIDE
from wbcseg.training.conditions import (
    is_not_leaky,
    is_two_stage,
    uses_adamw,
    uses_cosine,
    uses_folds,
    uses_thesis_split,
)
from wbcseg.training.setting import DATA, MODEL, NETWORK, OPTIMISATION, Setting, collect_settings, setting
from wbcseg.transforms.config import AUGMENTATIONS

MAX_SEED: Final = 2**31 - 1


@dataclass(frozen=True)
class TrainingSettings:
    """The settings of a training run without their validation; see :class:`wbcseg.training.TrainingConfig`."""

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
    mask_correction: str = setting(
        "none",
        "Masks",
        "**Checked**: suspicious masks stop the training. **Swap** nucleus and cytoplasm; **invert** the background.",
        group=DATA,
        is_optional=True,
        labels={"none": "Checked", "as_is": "As they are", "swap": "Swap", "invert": "Invert"},
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

    epochs: int = setting(
        100, "Epochs", "Passes through all training images.", group=OPTIMISATION, minimum=1, maximum=2000
    )
    batch_size: int = setting(
        16,
        "Batch size",
        "Images per training step. Larger batches take more memory.",
        group=OPTIMISATION,
        minimum=1,
        maximum=256,
    )
    learning_rate: float = setting(
        3e-3,
        "Learning rate",
        "Largest step size of the optimiser. If it is too large, the loss jumps; if too small, it hardly falls.",
        group=OPTIMISATION,
        minimum=1e-7,
        maximum=1.0,
        step=0.0001,
    )
    schedule: str = setting(
        "cosine",
        "Schedule",
        "How the learning rate changes. **Constant**: not at all. **Cosine**: it rises during the warm-up, then "
        "falls to zero along half a cosine.",
        group=OPTIMISATION,
        labels={"constant": "Constant", "cosine": "Cosine"},
    )
    warmup_epochs: int = setting(
        5,
        "Warm-up epochs",
        "Epochs in which the learning rate rises from zero.",
        group=OPTIMISATION,
        minimum=0,
        maximum=100,
        is_active=uses_cosine,
        inactive_value=0,
    )
    optimizer: str = setting(
        "adamw",
        "Optimiser",
        "**AdamW** is Adam with weight decay.",
        group=OPTIMISATION,
        labels={"adam": "Adam", "adamw": "AdamW"},
    )
    weight_decay: float = setting(
        1e-3,
        "Weight decay",
        "How strongly AdamW pulls the weights towards zero.",
        group=OPTIMISATION,
        minimum=0.0,
        maximum=1.0,
        step=0.0005,
        is_active=uses_adamw,
        inactive_value=0.0,
    )
    loss: str = setting(
        "categorical_crossentropy+dice",
        "Loss",
        "What the training minimises. **Binary cross-entropy** is the thesis' loss, **categorical cross-entropy** the "
        "usual one for mutually exclusive classes. **+ Dice** adds 1 − soft Dice.",
        group=OPTIMISATION,
        labels={
            "binary_crossentropy": "Binary cross-entropy",
            "binary_crossentropy+dice": "Binary cross-entropy + Dice",
            "categorical_crossentropy": "Categorical cross-entropy",
            "categorical_crossentropy+dice": "Categorical cross-entropy + Dice",
        },
    )

    ema_decay: float = setting(
        0.0,
        "Weight averaging (EMA)",
        "Exports a running average of the weights, which is more stable than the last weights: the fraction of the old "
        "value that it keeps at every step. 0 switches it off.",
        group=MODEL,
        minimum=0.0,
        maximum=0.9999,
        step=0.01,
    )
    checkpoint: str = setting(
        "last",
        "Save weights from",
        "Which weights become the model. **Last epoch**, or **best epoch** by validation Dice. The best epoch is "
        "chosen on the validation images, so its scores on them are optimistic.",
        group=MODEL,
        labels={"last": "Last epoch", "best": "Best epoch"},
    )
    precision: str = setting(
        "auto",
        "Precision",
        "**Automatic** times a few steps in 32-bit floats and in bfloat16 on this computer and uses the faster one.",
        group=MODEL,
        labels={"auto": "Automatic", "float32": "32-bit float", "bfloat16": "bfloat16 (mixed)"},
    )
    seed: int = setting(
        2,
        "Random seed",
        "Seed of the initial weights, the order of the images, dropout and augmentation. The same seed repeats a "
        "training.",
        group=MODEL,
        minimum=0,
        maximum=MAX_SEED,
    )


SETTINGS: Final[Mapping[str, Setting]] = collect_settings(TrainingSettings)
"""All settings by name."""
