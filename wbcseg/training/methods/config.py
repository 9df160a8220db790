"""The settings of the training of a method without a deep network."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from wbcseg.errors import ConfigError
from wbcseg.models.method_registry import get_method
from wbcseg.splitting.splits import DEFAULT_SEED
from wbcseg.training.settings import SETTINGS
from wbcseg.training.settings.training import TrainingSettings

INPUT_SIZE_RANGE: Final = (48, 240)
"""Smallest and largest side of the square in which a method sees a cell, in pixels."""

METHOD_SETTINGS: Final = ("dataset", "folds", "fold", "split_seed", "input_size", "mask_correction", "seed")
"""Settings that methods share with networks. All others, such as epochs, have no meaning for them."""

_COMMON: Final[dict[str, Any]] = {
    "split": "leak-free",
    "unused_fraction": 0.0,
    "flipped_copies": False,
    "thesis_bugs": False,
    "augmentation": "none",
}
"""Settings of networks with the only value that methods have, so that results of both can be read alike."""


@dataclass(frozen=True)
class MethodConfig:
    """The settings of the training of a method.

    Attributes:
        architecture: The method.
        dataset: Name of a data set, or path of a folder or zip of images and masks.
        folds: Number of folds without data leakage.
        fold: The fold that is held out.
        split_seed: Random seed of the folds.
        input_size: Side in pixels of the square in which the method sees a cell.
        mask_correction: How masks of the data set are corrected.
        seed: Random seed of the training.

    Raises:
        ConfigError: If a setting is out of range.
    """

    architecture: str
    dataset: str = "zheng-1"
    folds: int = 5
    fold: int = 0
    split_seed: int = DEFAULT_SEED
    input_size: int = 120
    mask_correction: str = "none"
    seed: int = DEFAULT_SEED

    def __post_init__(self) -> None:
        get_method(self.architecture)
        for name in METHOD_SETTINGS:
            SETTINGS[name].check(getattr(self, name))
        if self.fold >= self.folds:
            raise ConfigError(f"Setting `fold` must be less than `folds`, {self.folds}. Received: {self.fold}")
        smallest, largest = INPUT_SIZE_RANGE
        if not smallest <= self.input_size <= largest:
            raise ConfigError(
                f"Setting `input_size` must be from {smallest} to {largest} for {self.architecture}. "
                f"Received: {self.input_size}"
            )

    @classmethod
    def from_settings(cls, method: str, settings: TrainingSettings, changes: Mapping[str, Any]) -> MethodConfig:
        """Return the settings of a preset for networks, with changes, for a method.

        Args:
            method: Name of the method.
            settings: The settings to start from.
            changes: Settings that differ.

        Raises:
            ConfigError: If a change has no meaning for methods, or is out of range.
        """
        if meaningless := sorted(set(changes) - {*METHOD_SETTINGS, "architecture"}):
            raise ConfigError(
                f"{get_method(method).title} is trained without {', '.join(meaningless)}. Its settings are "
                f"{', '.join(METHOD_SETTINGS)}."
            )
        values = {name: getattr(settings, name) for name in METHOD_SETTINGS}
        return cls(**{**values, **changes, "architecture": method})

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as JSON values, with those of networks that methods share."""
        return {**dataclasses.asdict(self), **_COMMON}
