"""The settings of a training in plain words: one table that the form and the comparison of runs both read."""

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
    UPLOADED_DATASET: "Your own zip",
}
"""What the pages call the data sets that a training can learn from."""

BASIC_FIELDS: Final = {
    "architecture": SETTINGS["architecture"],
    "dataset": dataclasses.replace(SETTINGS["dataset"], labels=DATASET_TITLES),
}
"""The settings that are always shown."""

ADVANCED_FIELDS: Final = tuple(spec for name, spec in SETTINGS.items() if name not in BASIC_FIELDS)
"""All others, in the order of the page."""

FIELDS: Final = {**BASIC_FIELDS, **{spec.name: spec for spec in ADVANCED_FIELDS}}


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
