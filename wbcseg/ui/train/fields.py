"""The settings of a training run on the pages: which ones the form shows where, and how values are written."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Final

from wbcseg.datasets import DATASETS
from wbcseg.inference import Catalog
from wbcseg.training.config import UPLOADED_DATASET, TrainingConfig
from wbcseg.training.settings import SETTINGS
from wbcseg.ui.formatting import format_dataset_name

FormValues = dict[str, Any]


def list_dataset_titles() -> dict[str, str]:
    """Return the titles of the data sets that a network can be trained on, by name."""
    return {
        **{spec.name: spec.short_title for spec in DATASETS.values() if spec.kind == "masks"},
        "zheng+synthetic": format_dataset_name("zheng+synthetic"),
        UPLOADED_DATASET: "Your images (zip)",
    }


def list_extra_titles() -> dict[str, str]:
    """Return the titles of the data sets that can be added to the training images, by name."""
    return {"": "None"} | {spec.name: spec.short_title for spec in DATASETS.values() if spec.kind == "masks"}


def list_start_titles() -> dict[str, str]:
    """Return the titles of the models that a training can start from, by name."""
    return {"": "Random weights"} | {entry.name: entry.title for entry in Catalog().usable if entry.has_weights}


_LISTED: Final = {"start_from": list_start_titles, "extra_dataset": list_extra_titles}
"""Settings whose values the form lists."""

BASIC_FIELDS: Final = {
    "architecture": SETTINGS["architecture"],
    "dataset": dataclasses.replace(SETTINGS["dataset"], labels=list_dataset_titles),
}
"""The settings that are always shown."""

ADVANCED_FIELDS: Final = tuple(
    dataclasses.replace(spec, labels=_LISTED[name]) if name in _LISTED else spec
    for name, spec in SETTINGS.items()
    if name not in BASIC_FIELDS
)
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
    """Return the title of a run's data set."""
    return list_dataset_titles().get(name) or format_dataset_name(name)


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
