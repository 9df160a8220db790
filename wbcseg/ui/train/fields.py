"""The settings of a training in plain words: one table that the form and the comparison of runs both read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from wbcseg.models import ARCHITECTURES, SIZE_MULTIPLE
from wbcseg.splitting.thesis import IMAGE_SIDE
from wbcseg.training.config import PRESETS, TrainingConfig
from wbcseg.training.jobs.manager import UPLOADED_DATASET
from wbcseg.transforms.config import AUGMENTATIONS, get_augmentation
from wbcseg.ui.train.field_spec import FieldSpec, FormValues

DATASET_TITLES: Final = {
    "zheng-1": "Zheng 1",
    "zheng-2": "Zheng 2",
    "zheng": "Zheng 1 and 2",
    "zheng+synthetic": "Zheng 1 and 2, drawn smears",
    "synthetic": "Drawn smears",
    UPLOADED_DATASET: "Your own zip",
}
"""What the pages call the data sets that a training can learn from."""

FIELD_GROUPS: Final = ("Network", "Data and split", "Optimisation", "Result")


def _is_not_leaky(values: FormValues) -> bool:
    return bool(values["split"] != "leaky")


def _uses_folds(values: FormValues) -> bool:
    return bool(values["split"] != "thesis")


def _uses_thesis_split(values: FormValues) -> bool:
    return bool(values["split"] == "thesis")


def _is_two_stage(values: FormValues) -> bool:
    return get_augmentation(values["augmentation"]).cell_fraction is not None


def _uses_cosine(values: FormValues) -> bool:
    return bool(values["schedule"] == "cosine")


def _uses_adamw(values: FormValues) -> bool:
    return bool(values["optimizer"] == "adamw")


BASIC_FIELDS: Final = {
    "architecture": FieldSpec(
        "architecture", "Architecture", "", "", value_labels={name: spec.title for name, spec in ARCHITECTURES.items()}
    ),
    "dataset": FieldSpec("dataset", "Data set", "", "", value_labels=DATASET_TITLES),
}
"""The two that everybody chooses."""

ADVANCED_FIELDS: Final = (
    FieldSpec(
        "base_filters",
        "Width",
        "Filters of the first stage. A wider network can learn more, and takes more time and memory: twice the width "
        f"costs up to four times as much. The thesis has {PRESETS['thesis'].base_filters}.",
        "Network",
    ),
    FieldSpec(
        "dropout",
        "Dropout",
        "Share of the last layer's outputs that are silenced at random in training, so that the network does not lean "
        "on single ones.",
        "Network",
        step=0.05,
    ),
    FieldSpec(
        "bn_momentum",
        "Momentum of normalisation",
        "How slowly the running averages of batch normalisation follow: the share of the old value that they keep at "
        "every step.",
        "Network",
        step=0.01,
    ),
    FieldSpec(
        "bn_debias",
        "Normalise as the thesis did",
        "Whether those averages begin as plain means, as in the version of the software that the thesis used.",
        "Network",
    ),
    FieldSpec(
        "split",
        "Split",
        "**Leak-free**: no cell is both in training and among the held-out pictures. **As published**: the thesis' own "
        "split, in which 24 of 30 test pictures have a flipped copy in training. **Leaking on purpose**: folds, with "
        "flipped copies of the held-out pictures in training, to see what a leak is worth.",
        "Data and split",
        value_labels={"leak-free": "Leak-free", "thesis": "As published", "leaky": "Leaking on purpose"},
    ),
    FieldSpec(
        "fold",
        "Fold",
        "Which of the folds is held out, counted from 0: of 5 folds, 0 to 4.",
        "Data and split",
        is_active=_uses_folds,
    ),
    FieldSpec(
        "folds",
        "Number of folds",
        "Into how many parts the cells are divided. One part is held out, the others train.",
        "Data and split",
        is_active=_uses_folds,
    ),
    FieldSpec(
        "split_seed",
        "Seed of the folds",
        "The same seed divides the cells in the same way again.",
        "Data and split",
        is_active=_uses_folds,
    ),
    FieldSpec(
        "unused_fraction",
        "Left out",
        "Share of the pictures that neither train nor test, to learn from as few as a published comparison did.",
        "Data and split",
        step=0.05,
        is_active=_uses_folds,
        inactive_value=0.0,
    ),
    FieldSpec(
        "input_size",
        "Side of the square",
        "The network sees every picture on a square of so many pixels: smaller ones are mirrored outwards, larger ones "
        f"shrunk. A multiple of {SIZE_MULTIPLE}. A smaller square is faster and coarser.",
        "Data and split",
        step=SIZE_MULTIPLE,
        is_active=_uses_folds,
        inactive_value=IMAGE_SIDE,
    ),
    FieldSpec(
        "augmentation",
        "Augmentation",
        "How training pictures vary from epoch to epoch. "
        + " ".join(
            f"**{spec.name.capitalize()}**: {spec.description.replace('`', '')}" for spec in AUGMENTATIONS.values()
        ),
        "Data and split",
        value_labels={name: name.capitalize() for name in AUGMENTATIONS},
        is_active=_uses_folds,
        inactive_value="none",
    ),
    FieldSpec(
        "flipped_copies",
        "Flipped copies",
        "Whether every picture gets a copy that is turned and mirrored: in a split without leaks the training "
        "pictures only, in the thesis' split all of them.",
        "Data and split",
        is_active=_is_not_leaky,
        inactive_value=True,
    ),
    FieldSpec(
        "thesis_bugs",
        "Repeat the notebooks' slips",
        "The published programs left the last row and column of every target empty, lost one picture, and made the "
        "copies before the split. With this the training does the same.",
        "Data and split",
        is_active=_uses_thesis_split,
        inactive_value=False,
    ),
    FieldSpec(
        "class_balance",
        "Balance of cell types",
        "How much more often pictures of rare cell types are shown: 0 shows every picture once in an epoch, 1 every "
        "cell type of every laboratory equally often. Networks confuse most what they see least: eosinophils.",
        "Data and split",
        step=0.1,
    ),
    FieldSpec(
        "clean_epochs",
        "Sharp epochs at the end",
        "In the last epochs pictures are mirrored and turned by right angles only. Other turns mix pixels, so that the "
        "network would learn from pictures that are a little less sharp than those that it is to segment. With "
        "pictures varied as between laboratories, half of them are shown like that.",
        "Data and split",
    ),
    FieldSpec(
        "cell_fraction",
        "Closeness of the second look",
        "A model for any laboratory looks twice: at the whole picture, then closely at the cell, which takes this "
        "share of the look's side. The more, the finer the outlines; but where the first look misjudged the cell's "
        "size, some of it may lie outside.",
        "Data and split",
        step=0.05,
        is_active=_is_two_stage,
        inactive_value=TrainingConfig.cell_fraction,
    ),
    FieldSpec("epochs", "Epochs", "Passes through all training pictures.", "Optimisation"),
    FieldSpec(
        "batch_size",
        "Batch size",
        "Pictures that the network sees before it corrects itself once. Larger batches take more memory.",
        "Optimisation",
    ),
    FieldSpec(
        "learning_rate",
        "Learning rate",
        "How large the corrections are. Too large and the loss jumps; too small and it hardly moves.",
        "Optimisation",
        step=0.0001,
    ),
    FieldSpec(
        "schedule",
        "Learning rate over time",
        "**Constant**: always the same. **Falling**: up during the warm-up, then down to zero along half a cosine.",
        "Optimisation",
        value_labels={"constant": "Constant", "cosine": "Falling"},
    ),
    FieldSpec(
        "warmup_epochs",
        "Warm-up epochs",
        "Epochs in which the learning rate grows from zero.",
        "Optimisation",
        is_active=_uses_cosine,
        inactive_value=0,
    ),
    FieldSpec(
        "optimizer",
        "Optimiser",
        "The rule for the corrections. **AdamW** also pulls all weights gently to zero.",
        "Optimisation",
        value_labels={"adam": "Adam", "adamw": "AdamW"},
    ),
    FieldSpec(
        "weight_decay",
        "Pull to zero",
        "How strongly AdamW pulls the weights to zero (weight decay).",
        "Optimisation",
        step=0.0005,
        is_active=_uses_adamw,
        inactive_value=0.0,
    ),
    FieldSpec(
        "loss",
        "Loss",
        "What the training makes small. **Binary cross-entropy** is the thesis' loss, **categorical** the usual one "
        "for classes that exclude each other. **+ Dice** also rewards overlap of the areas.",
        "Optimisation",
        value_labels={
            "binary_crossentropy": "Binary cross-entropy",
            "binary_crossentropy+dice": "Binary cross-entropy + Dice",
            "categorical_crossentropy": "Categorical cross-entropy",
            "categorical_crossentropy+dice": "Categorical cross-entropy + Dice",
        },
    ),
    FieldSpec(
        "ema_decay",
        "Average of the weights",
        "The model's weights can be a running average over many steps, which is steadier: the share of the old value "
        "that it keeps. 0 is no average.",
        "Result",
        step=0.01,
    ),
    FieldSpec(
        "checkpoint",
        "Which weights become the model",
        "**Last**: those after the last epoch. **Best**: those with the best held-out Dice, which is chosen by looking "
        "at the held-out pictures, so that its figures flatter it.",
        "Result",
        value_labels={"last": "Last epoch", "best": "Best epoch"},
    ),
    FieldSpec(
        "precision",
        "Number format",
        "**Automatic** takes the faster short format where the processor computes in it.",
        "Result",
        value_labels={"auto": "Automatic", "float32": "32 bits", "bfloat16": "16 bits (bfloat16)"},
    ),
    FieldSpec(
        "seed",
        "Seed",
        "Of the first weights, the order of the pictures, dropout and augmentation. The same seed repeats a training.",
        "Result",
    ),
)
"""All others, in the order of the page."""

FIELDS: Final = {field.name: field for field in (*BASIC_FIELDS.values(), *ADVANCED_FIELDS)}


def drop_inactive(values: Mapping[str, Any]) -> FormValues:
    """Return the values of a form with those that do not apply set to what says nothing."""
    active_values = dict(values)
    for field in ADVANCED_FIELDS:
        if not field.is_active(active_values) and field.inactive_value is not None:
            active_values[field.name] = field.inactive_value
    return active_values


def format_dataset(name: str) -> str:
    """Return what the page calls the data set of a run: a folder or zip of one's own by its last part."""
    parts = name.split("+")
    if name not in DATASET_TITLES and set(parts) <= set(DATASET_TITLES):
        return ", ".join(DATASET_TITLES[part] for part in parts).replace(", Drawn", ", drawn")
    return DATASET_TITLES.get(name, name.replace("\\", "/").rstrip("/").rpartition("/")[2])


def format_architecture(name: str) -> str:
    """Return a network's name in the literature."""
    return BASIC_FIELDS["architecture"].format_value(name)


def format_split(config: TrainingConfig) -> str:
    """Write in a few words how a training's data is split."""
    if config.split == "thesis":
        return "published split"
    kind = "leaking on purpose" if config.is_leaky else "leak-free"
    return f"{kind}, fold {config.fold} of {config.folds}"


def format_config(config: TrainingConfig) -> str:
    """Write a training's main settings in a line."""
    network = format_architecture(config.architecture)
    return f"{network}, width {config.base_filters} · {format_dataset(config.dataset)} · {format_split(config)}"
