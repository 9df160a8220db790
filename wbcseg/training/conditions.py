"""Conditions under which a setting takes effect, given the values of all settings."""

from __future__ import annotations

from wbcseg.models import get_spec
from wbcseg.training.setting import Values
from wbcseg.transforms.config import get_augmentation


def has_auxiliary_layers(values: Values) -> bool:
    """Return whether the network has inner layers that can learn to segment, too."""
    return bool(get_spec(values["architecture"]).auxiliary_layers)


def uses_thesis_split(values: Values) -> bool:
    """Return whether the split is that of the thesis."""
    return bool(values["split"] == "thesis")


def uses_folds(values: Values) -> bool:
    """Return whether the split has folds."""
    return not uses_thesis_split(values)


def is_not_leaky(values: Values) -> bool:
    """Return whether the split is not leaky on purpose."""
    return bool(values["split"] != "leaky")


def is_two_stage(values: Values) -> bool:
    """Return whether the model predicts in two stages."""
    return get_augmentation(values["augmentation"]).cell_fraction is not None


def uses_cosine(values: Values) -> bool:
    """Return whether the learning rate follows a cosine."""
    return bool(values["schedule"] == "cosine")


def uses_adamw(values: Values) -> bool:
    """Return whether the optimizer is AdamW."""
    return bool(values["optimizer"] == "adamw")
