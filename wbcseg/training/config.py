"""One description of a training, which makes it repeatable anywhere."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from wbcseg.errors import ConfigError
from wbcseg.models import BASE_FILTERS_RANGE, SIZE_MULTIPLE, get_spec
from wbcseg.transforms.config import get_augmentation

CHOICES: Final[dict[str, tuple[str, ...]]] = {
    "split": ("leak-free", "thesis", "leaky"),
    "optimizer": ("adam", "adamw"),
    "schedule": ("constant", "cosine"),
    "loss": (
        "binary_crossentropy",
        "binary_crossentropy+dice",
        "categorical_crossentropy",
        "categorical_crossentropy+dice",
    ),
    "checkpoint": ("last", "best"),
    "precision": ("auto", "float32", "bfloat16"),
}
"""What the settings that are words may be."""

RANGES: Final[dict[str, tuple[float, float]]] = {
    "base_filters": BASE_FILTERS_RANGE,
    "dropout": (0.0, 0.9),
    "bn_momentum": (0.5, 0.9999),
    "folds": (2, 20),
    "fold": (0, 19),
    "epochs": (1, 2000),
    "batch_size": (1, 256),
    "learning_rate": (1e-7, 1.0),
    "weight_decay": (0.0, 1.0),
    "warmup_epochs": (0, 100),
    "ema_decay": (0.0, 0.9999),
    "input_size": (SIZE_MULTIPLE, 960),
    "seed": (0, 2**31 - 1),
    "split_seed": (0, 2**31 - 1),
    "unused_fraction": (0.0, 0.5),
    "class_balance": (0.0, 1.0),
    "clean_epochs": (0, 2000),
    "cell_fraction": (0.4, 0.9),
}
"""Least and greatest value of the settings that are numbers."""


OPTIONAL_FIELDS: Final = frozenset({"unused_fraction", "class_balance", "clean_epochs", "cell_fraction"})
"""Settings that runs of earlier versions lack; theirs is the default."""


@dataclass(frozen=True)
class TrainingConfig:
    """Everything that decides how a training goes.

    Attributes:
        architecture: ``unet``, ``segnet`` or ``deconvnet``.
        base_filters: Filters of the first stage (4 to 128). The thesis has 64.
        dropout: Share of the last layer's outputs silenced in training (0 to 0.9). The thesis' text says 0.5; its
            notebooks never connected it.
        bn_momentum: Share of the old value in the running averages of batch normalisation.
        bn_debias: Whether those averages start as plain means, as in Keras 2 on TensorFlow 1 (the published curves).
        dataset: Name of a data set, or path of a folder or zip of one's own.
        split: ``leak-free`` (no cell on both sides), ``published`` (the thesis') or ``leaking``: leak-free but for
            copies of the test pictures among the copies in training, to measure what a leak is worth.
        fold: Which fold tests, from 0. Not for ``published``.
        folds: How many folds. Not for ``published``.
        split_seed: Seed of the folds.
        unused_fraction: Share of the pictures that are in neither training nor test (0 to 0.5), to learn from as few as a
            published comparison did. Not for ``published``.
        flipped_copies: Whether flipped copies of the pictures are made: with ``leak-free`` of the training part only, with
            ``published`` as the quirks say. The thesis' annex does without, ``leaking`` cannot.
        thesis_bugs: Whether to repeat the notebooks' quirks (see :class:`wbcseg.splitting.thesis.ThesisBugs`).
        input_size: Side in pixels of the square that the network sees (a multiple of 24). Smaller pictures are mirrored
            outwards, larger ones shrunk.
        augmentation: How training pictures vary: ``none``, ``geometry``, ``mild`` or ``laboratories``. Not for
            ``published``.
        class_balance: How much more often rare kinds of pictures are seen: 0 (every picture once an epoch) to 1 (every kind
            equally often). A kind is a cell type of one laboratory. An epoch has as many pictures as without.
        clean_epochs: At the end, epochs whose pictures are mirrored and turned by right angles only. Other turns mix
            pixels and make pictures a little less sharp than those that the network is to segment. With
            ``laboratories``, half of the pictures are such, as the close look of a prediction sees them.
        cell_fraction: What the cell takes of the side in that look (0.4 to 0.9); see :mod:`wbcseg.inference.two_stage`. Just
            with ``laboratories``. The more, the finer the outlines, and the sooner a cell whose size was
            misjudged at first reaches beyond the look.
        epochs: Passes through the training pictures (1 to 2000).
        batch_size: Pictures a step (1 to 256).
        optimizer: ``adam`` or ``adamw``.
        learning_rate: Greatest step width (1e-7 to 1).
        weight_decay: How strongly AdamW pulls weights to zero (0 to 1).
        schedule: ``constant``, or ``cosine``: up during the warm-up, then down to zero along half a cosine.
        warmup_epochs: Epochs of the warm-up.
        loss: What is made small: ``binary_crossentropy`` (the thesis) or ``categorical_crossentropy``, either of them
            also with ``+dice``, which adds 1 − soft Dice.
        ema_decay: Share of the old value in a running average of the weights that is what gets exported (0: none).
        checkpoint: Which weights become the model: those of the ``last`` epoch or of the ``best`` by held-out Dice. ``best``
            looks at the held-out pictures, so its figures flatter it.
        precision: ``auto`` (bfloat16 where the processor computes in it, else float32), ``float32`` or ``bfloat16``.
        seed: Seed of weights, shuffling, dropout and augmentation.
    """

    architecture: str = "unet"
    base_filters: int = 16
    dropout: float = 0.0
    bn_momentum: float = 0.9
    bn_debias: bool = False
    dataset: str = "synthetic"
    split: str = "leak-free"
    fold: int = 0
    folds: int = 5
    split_seed: int = 2
    unused_fraction: float = 0.0
    flipped_copies: bool = False
    thesis_bugs: bool = False
    input_size: int = 120
    augmentation: str = "mild"
    class_balance: float = 0.0
    clean_epochs: int = 0
    cell_fraction: float = 0.6
    epochs: int = 100
    batch_size: int = 16
    optimizer: str = "adamw"
    learning_rate: float = 3e-3
    weight_decay: float = 1e-3
    schedule: str = "cosine"
    warmup_epochs: int = 5
    loss: str = "categorical_crossentropy+dice"
    ema_decay: float = 0.0
    checkpoint: str = "last"
    precision: str = "auto"
    seed: int = 2

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            expected_types: tuple[type, ...] = (
                (int, float) if field.type == "float" else (_FIELD_TYPES[str(field.type)],)
            )
            if not isinstance(value, expected_types) or (isinstance(value, bool) and field.type != "bool"):
                raise ConfigError(f"Setting `{field.name}` must be of type {field.type}. Received: {value!r}")
        get_spec(self.architecture)
        get_augmentation(self.augmentation)
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices:
                raise ConfigError(
                    f"Setting `{name}` must be one of {', '.join(choices)}. Received: {getattr(self, name)!r}"
                )
        for name, (minimum, maximum) in RANGES.items():
            if not minimum <= getattr(self, name) <= maximum:
                raise ConfigError(
                    f"Setting `{name}` must be from {minimum} to {maximum}. Received: {getattr(self, name)!r}"
                )
        if self.input_size % SIZE_MULTIPLE:
            raise ConfigError(
                f"Setting `input_size` must be a multiple of {SIZE_MULTIPLE}. Received: {self.input_size}"
            )
        if self.split == "leaky" and not self.flipped_copies:
            raise ConfigError(
                "The leaky split is made of flipped copies: it needs `flipped_copies`. Received: flipped_copies=False"
            )
        if self.split != "thesis":
            if self.fold >= self.folds:
                raise ConfigError(f"Setting `fold` must be less than `folds`, {self.folds}. Received: {self.fold}")
            if self.thesis_bugs:
                raise ConfigError("`thesis_bugs` belongs to the thesis split. Switch it off for any other.")
        elif self.input_size != 120 or self.augmentation != "none" or self.unused_fraction:
            raise ConfigError(
                "The thesis split takes `input_size` = 120, `augmentation` = 'none' (its flipped copies are `flipped_copies`) "
                f"and `unused_fraction` = 0. Received: input_size={self.input_size}, augmentation={self.augmentation!r}, "
                f"unused_fraction={self.unused_fraction}"
            )
        if self.schedule == "cosine" and self.warmup_epochs >= self.epochs > 1:
            raise ConfigError(
                f"Setting `warmup_epochs` must be less than `epochs`, {self.epochs}. Received: {self.warmup_epochs}"
            )

    @property
    def two_stage(self) -> bool:
        """Whether the model is made for cells of any size: see :mod:`wbcseg.inference.two_stage`."""
        return get_augmentation(self.augmentation).cell_fraction is not None

    @property
    def uses_ema(self) -> bool:
        """Whether a running average of the weights is kept."""
        return self.ema_decay > 0

    @property
    def is_leaky(self) -> bool:
        """Whether most test pictures have copies in training, so that their figures flatter.

        In the published split, flipped copies leak by one of the notebooks' slips, and not without it.
        """
        return self.split == "leaky" or (self.split == "thesis" and self.flipped_copies and self.thesis_bugs)

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as JSON values."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> TrainingConfig:
        """Read what :meth:`to_dict` wrote.

        Raises:
            ConfigError: If a setting is unknown, missing, of the wrong type or out of range.
        """
        field_names = {field.name for field in dataclasses.fields(cls)}
        unknown, missing = sorted(set(values) - field_names), sorted(field_names - set(values) - OPTIONAL_FIELDS)
        if unknown or missing:
            raise ConfigError(
                f"A training has the settings {', '.join(sorted(field_names))}. "
                f"Unknown here: {', '.join(unknown) or 'none'}; missing: {', '.join(missing) or 'none'}."
            )
        return cls(**values)

    def replace(self, **changes: Any) -> TrainingConfig:
        """Return the same settings but for the given ones.

        Raises:
            ConfigError: If a setting is unknown or out of range.
        """
        return type(self).from_dict({**self.to_dict(), **changes})

    def compute_hash(self) -> str:
        """Return the first 12 hexadecimal digits of the SHA-256 of the settings."""
        config_json = json.dumps(self.to_dict(), sort_keys=True)
        return hashlib.sha256(config_json.encode()).hexdigest()[:12]


_FIELD_TYPES: Final[dict[str, type]] = {"str": str, "int": int, "bool": bool}

PRESETS: Final[dict[str, TrainingConfig]] = {
    # The thesis, chapters 3.1 to 3.4, with what its notebooks did beyond the text.
    "thesis": TrainingConfig(
        base_filters=64,
        bn_momentum=0.99,
        bn_debias=True,
        dataset="zheng-1",
        split="thesis",
        flipped_copies=True,
        thesis_bugs=True,
        augmentation="none",
        epochs=30,
        batch_size=20,
        optimizer="adam",
        learning_rate=1e-4,
        weight_decay=0.0,
        schedule="constant",
        warmup_epochs=0,
        loss="binary_crossentropy",
    ),
    # Chosen for the U-Net: the best held-out cell among some settings that end within two minutes on two cores.
    "quick": TrainingConfig(
        bn_momentum=0.8,
        dataset="zheng-1",
        input_size=72,
        augmentation="none",
        epochs=12,
        learning_rate=5e-3,
        warmup_epochs=1,
        ema_decay=0.9,
    ),
    "compact": TrainingConfig(dataset="zheng-1", clean_epochs=40, epochs=120, ema_decay=0.98),
    # What "compact" gains from twice the time and from rare cell types, shown more often.
    "thorough": TrainingConfig(dataset="zheng-1", class_balance=0.5, clean_epochs=80, epochs=240, ema_decay=0.98),
    # For crops of any laboratory: as varied as they come, from all pictures that there are. Longer than it seems to
    # need at home: tested on Dataset 2 after Dataset 1, the cytoplasm's Dice was .90 instead of .88 after 160 epochs.
    "general": TrainingConfig(
        dataset="zheng+synthetic",
        augmentation="strong",
        class_balance=0.5,
        clean_epochs=130,
        epochs=400,
        ema_decay=0.98,
    ),
}
"""Ready descriptions by name."""
