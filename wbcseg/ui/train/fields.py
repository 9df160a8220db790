"""The settings of a training run on the pages: which ones the form shows where, and how values are written."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Final

from wbcseg.datasets import DATASETS
from wbcseg.training.config import SETTINGS, TrainingConfig
from wbcseg.training.jobs.manager import UPLOADED_DATASET

FormValues = dict[str, Any]

DATASET_TITLES: Final = {
    **{spec.name: spec.short_title for spec in DATASETS.values()},
    "zheng+synthetic": "Zheng 1 and 2, synthetic smears",
    UPLOADED_DATASET: "Your images (zip)",
}
"""Titles of the data sets that a network can be trained on."""

BASIC_FIELDS: Final = {
    "architecture": SETTINGS["architecture"],
    "dataset": dataclasses.replace(SETTINGS["dataset"], labels=DATASET_TITLES),
}
"""The settings that are always shown."""

ADVANCED_FIELDS: Final = tuple(spec for name, spec in SETTINGS.items() if name not in BASIC_FIELDS)
"""The settings under *Advanced*, in order."""

FIELDS: Final = {**BASIC_FIELDS, **{spec.name: spec for spec in ADVANCED_FIELDS}}


def drop_inactive(values: Mapping[str, Any]) -> FormValues:
    """Return the values of a form with settings that have no effect set to their neutral value."""
    active_values = dict(values)
    for field in ADVANCED_FIELDS:
        if not field.is_active(active_values) and field.inactive_value is not None:
            active_values[field.name] = field.inactive_value
    return active_values


def format_dataset(name: str) -> str:
    """Return the title of a run's data set; of a folder or zip, the last part of its path."""
    parts = name.split("+")
    if name not in DATASET_TITLES and set(parts) <= set(DATASET_TITLES):
        return ", ".join(DATASET_TITLES[part] for part in parts).replace(", Synthetic", ", synthetic")
    return DATASET_TITLES.get(name, name.replace("\\", "/").rstrip("/").rpartition("/")[2])


def format_architecture(name: str) -> str:
    """Return the title of a network."""
    return BASIC_FIELDS["architecture"].format_value(name)


def format_split(config: TrainingConfig) -> str:
    """Describe the split of a run in a few words."""
    if config.split == "thesis":
        return "thesis split"
    kind = "leaky" if config.is_leaky else "leak-free"
    return f"{kind}, fold {config.fold} of {config.folds}"


def format_config(config: TrainingConfig) -> str:
    """Describe the main settings of a run in a line."""
    network = f"{format_architecture(config.architecture)}, {config.base_filters} base filters"
    return f"{network} · {format_dataset(config.dataset)} · {format_split(config)}"
