"""The settings of a training run as one validated, JSON-serialisable object: everything needed to repeat it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from wbcseg.errors import ConfigError
from wbcseg.models import get_spec
from wbcseg.splitting.thesis import IMAGE_SIDE
from wbcseg.training.settings import SETTINGS
from wbcseg.training.settings.training import TrainingSettings
from wbcseg.transforms.config import get_augmentation

UPLOADED_DATASET: Final = "upload"
"""Data set name of a run that trains on uploaded images, which are never written to disk."""


@dataclass(frozen=True)
class TrainingConfig(TrainingSettings):
    """The settings of a training run; :data:`wbcseg.training.settings.SETTINGS` describes each of them.

    Raises:
        ConfigError: If a setting is of the wrong type, out of range, or contradicts another one.
    """

    def __post_init__(self) -> None:
        for name, spec in SETTINGS.items():
            spec.check(getattr(self, name))
        if self.deep_supervision and not get_spec(self.architecture).auxiliary_layers:
            raise ConfigError(f"Network {self.architecture} has no decoders for `deep_supervision`. Switch it off.")
        size_multiple = get_spec(self.architecture).size_multiple
        if self.input_size % size_multiple:
            raise ConfigError(
                f"Setting `input_size` must be a multiple of {size_multiple} for {self.architecture}. "
                f"Received: {self.input_size}"
            )
        if self.split == "leaky" and not self.flipped_copies:
            raise ConfigError(
                "The leaky split is made of flipped copies: it needs `flipped_copies`. Received: flipped_copies=False"
            )
        if self.split != "thesis":
            if self.fold >= self.folds:
                raise ConfigError(f"Setting `fold` must be less than `folds`, {self.folds}. Received: {self.fold}")
            if self.thesis_bugs:
                raise ConfigError("`thesis_bugs` belong to the thesis split. Switch them off for any other.")
        elif self.input_size != IMAGE_SIDE or self.augmentation != "none" or self.unused_fraction:
            raise ConfigError(
                f"The thesis split takes `input_size` = {IMAGE_SIDE}, `augmentation` = 'none' (its flipped copies are "
                f"`flipped_copies`) and `unused_fraction` = 0. Received: input_size={self.input_size}, "
                f"augmentation={self.augmentation!r}, unused_fraction={self.unused_fraction}"
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
    def uses_critic(self) -> bool:
        """Whether a critic takes part in the training."""
        return self.adversarial_weight > 0

    @property
    def is_leaky(self) -> bool:
        """Whether most test images have copies in training, so that scores on them are optimistic.

        In the thesis' split, flipped copies leak because of one of the notebooks' bugs, and not without it.
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
        required = {name for name, spec in SETTINGS.items() if not spec.is_optional}
        unknown, missing = sorted(set(values) - set(SETTINGS)), sorted(required - set(values))
        if unknown or missing:
            raise ConfigError(
                f"A training has the settings {', '.join(sorted(SETTINGS))}. "
                f"Unknown here: {', '.join(unknown) or 'none'}; missing: {', '.join(missing) or 'none'}."
            )
        return cls(**values)

    def replace(self, **changes: Any) -> TrainingConfig:
        """Return the same settings with some of them changed.

        Raises:
            ConfigError: If a setting is unknown or out of range.
        """
        return type(self).from_dict({**self.to_dict(), **changes})

    def compute_hash(self) -> str:
        """Return the first 12 hexadecimal digits of the SHA-256 of the settings."""
        config_json = json.dumps(self.to_dict(), sort_keys=True)
        return hashlib.sha256(config_json.encode()).hexdigest()[:12]
