"""A training's description: complete, checked, repeatable."""

from __future__ import annotations

import dataclasses
import json
import re

import pytest
from expect import raises

from wbcseg.errors import ConfigError, ErrorCode
from wbcseg.training import PRESETS, TrainingConfig
from wbcseg.training.presets import PRESET_DESCRIPTIONS, PRESET_TITLES
from wbcseg.training.setting import SETTING_GROUPS
from wbcseg.training.settings import SETTINGS


def test_the_published_preset_is_the_thesis() -> None:
    config = PRESETS["thesis"]
    assert (config.optimizer, config.learning_rate, config.loss) == ("adam", 1e-4, "binary_crossentropy")
    assert (config.batch_size, config.epochs, config.base_filters) == (20, 30, 64)
    assert (config.split, config.flipped_copies, config.thesis_bugs, config.dropout) == ("thesis", True, True, 0.0)


@pytest.mark.parametrize("name", PRESETS)
def test_written_and_read_unchanged(name: str) -> None:
    config = PRESETS[name]
    again = TrainingConfig.from_dict(json.loads(json.dumps(config.to_dict())))
    assert again == config
    assert again.compute_hash() == config.compute_hash()


def test_the_identity_depends_on_every_setting() -> None:
    base = PRESETS["compact"]
    assert base.compute_hash() != base.replace(seed=3).compute_hash()
    assert re.fullmatch("[0-9a-f]{12}", base.compute_hash())


def test_unknown_and_missing_settings_are_named() -> None:
    values = PRESETS["compact"].to_dict()
    with raises(ConfigError, ErrorCode.INVALID_VALUE, match="colour"):
        TrainingConfig.from_dict({**values, "colour": 1})
    del values["seed"]
    with raises(ConfigError, ErrorCode.INVALID_VALUE, match="seed"):
        TrainingConfig.from_dict(values)


@pytest.mark.parametrize("name", [name for name, spec in SETTINGS.items() if spec.choices])
def test_unknown_choice_is_rejected(name: str) -> None:
    with raises(ConfigError, ErrorCode.INVALID_VALUE, match=name):
        TrainingConfig(**{name: "other"})


@pytest.mark.parametrize("name", [name for name, spec in SETTINGS.items() if spec.range])
def test_number_out_of_range_is_rejected(name: str) -> None:
    value_range = SETTINGS[name].range
    assert value_range is not None
    minimum, maximum = value_range
    with raises(ConfigError, ErrorCode.INVALID_VALUE, match=name):
        TrainingConfig(**{name: type(minimum)(minimum - 1)})
    with raises(ConfigError, ErrorCode.INVALID_VALUE, match=name):
        TrainingConfig(**{name: type(maximum)(maximum + 1)})


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"base_filters": "16"}, "base_filters"),
        ({"base_filters": True}, "base_filters"),
        ({"input_size": 100}, "input_size"),
        ({"fold": 5}, "fold"),
        ({"thesis_bugs": True}, "thesis_bugs"),
        ({"split": "leaky"}, "flipped_copies"),
        ({"unused_fraction": 0.6}, "unused_fraction"),
        ({"split": "thesis", "augmentation": "none", "unused_fraction": 0.1}, "unused_fraction"),
        ({"split": "thesis"}, "augmentation"),
        ({"warmup_epochs": 100}, "warmup_epochs"),
        ({"learning_rate": float("nan")}, "learning_rate"),
        ({"architecture": "fcn"}, "architecture"),
        ({"augmentation": "wild"}, "augmentation"),
    ],
)
def test_invalid_settings_and_combinations_are_named(change: dict[str, object], name: str) -> None:
    with raises(ConfigError, ErrorCode.INVALID_VALUE, match=name):
        TrainingConfig(**change)


def test_the_published_split_leaks_by_its_flipped_copies_and_slips() -> None:
    published = PRESETS["thesis"]
    assert published.is_leaky
    assert not published.replace(flipped_copies=False).is_leaky
    assert not published.replace(thesis_bugs=False).is_leaky
    assert PRESETS["compact"].replace(split="leaky", flipped_copies=True).is_leaky
    assert not PRESETS["compact"].is_leaky


LISTED_BY_THE_FORM = ("dataset", "extra_dataset", "start_from")


@pytest.mark.parametrize("name", SETTINGS)
def test_every_setting_has_all_that_a_form_and_the_command_line_show(name: str) -> None:
    spec = SETTINGS[name]
    assert spec.label
    assert spec.description.endswith(".")
    assert spec.value_type in ("int", "float", "bool", "str")
    assert spec.group in SETTING_GROUPS or name in ("architecture", "dataset")
    assert (spec.range is not None) == (spec.value_type in ("int", "float"))
    assert bool(spec.choices) == (spec.value_type == "str" and name not in LISTED_BY_THE_FORM)
    assert spec.default == getattr(TrainingConfig(), name)
    assert not re.search("[`*]", spec.plain_help)


def test_settings_cover_every_field() -> None:
    assert list(SETTINGS) == [field.name for field in dataclasses.fields(TrainingConfig)]


def test_optional_settings_may_be_missing_and_take_their_default() -> None:
    written = TrainingConfig().to_dict()
    del written["unused_fraction"], written["cell_fraction"]
    assert TrainingConfig.from_dict(written) == TrainingConfig()


def test_every_preset_has_a_title_and_a_description() -> None:
    assert set(PRESET_TITLES) == set(PRESET_DESCRIPTIONS) == set(PRESETS)
