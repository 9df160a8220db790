"""All settings of a training run: those of network and data, and how the network is trained."""

from __future__ import annotations

from dataclasses import dataclass

from wbcseg.training.conditions import uses_adamw, uses_cosine
from wbcseg.training.setting import MAX_SEED, MODEL, OPTIMISATION, setting
from wbcseg.training.settings.network_and_data import NetworkAndDataSettings


@dataclass(frozen=True)
class TrainingSettings(NetworkAndDataSettings):
    """The settings of a training run without their validation; see :class:`wbcseg.training.TrainingConfig`."""

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
    patience: int = setting(
        0,
        "Early stopping",
        "Ends the training when the validation Dice (mean of nucleus and cytoplasm) has not improved for this many "
        "epochs. 0 switches it off. To keep the weights of the best epoch, save those.",
        group=OPTIMISATION,
        minimum=0,
        maximum=2000,
        is_optional=True,
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

    adversarial_weight: float = setting(
        0.0,
        "Adversarial loss",
        "Weight of the loss by a critic: a second, small network that learns to tell experts' masks from those of the "
        "network, which learns to be taken for an expert (Luc et al., 2016). It works with any network and is not "
        "part of the finished model. 0 switches it off.",
        group=OPTIMISATION,
        minimum=0.0,
        maximum=1.0,
        step=0.01,
        is_optional=True,
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
    keep_checkpoints: bool = setting(
        False,
        "Keep checkpoints",
        "Whether the checkpoints stay when the run has finished. They take several times the room of the model.",
        group=MODEL,
        is_optional=True,
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
        "Seed of the initial weights, the order of the images, dropout and augmentation. It repeats a training.",
        group=MODEL,
        minimum=0,
        maximum=MAX_SEED,
    )
