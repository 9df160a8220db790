"""A training's description: complete, checked, repeatable."""

from __future__ import annotations

import dataclasses
import json
import re

import pytest

from wbcseg.errors import ConfigError
from wbcseg.training import PRESETS, TrainingConfig
from wbcseg.training.settings import SETTING_GROUPS, SETTINGS


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
    with pytest.raises(ConfigError, match="Unknown here: colour"):
        TrainingConfig.from_dict({**values, "colour": 1})
    del values["seed"]
    with pytest.raises(ConfigError, match="missing: seed"):
        TrainingConfig.from_dict(values)


@pytest.mark.parametrize("name", [name for name, spec in SETTINGS.items() if spec.choices])
def test_a_word_that_is_no_choice_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=f"`{name}` must be one of"):
        TrainingConfig(**{name: "other"})


@pytest.mark.parametrize("name", [name for name, spec in SETTINGS.items() if spec.range])
def test_a_number_out_of_range_is_refused(name: str) -> None:
    value_range = SETTINGS[name].range
    assert value_range is not None
    minimum, maximum = value_range
    with pytest.raises(ConfigError, match=f"`{name}` must be from"):
        TrainingConfig(**{name: type(minimum)(minimum - 1)})
    with pytest.raises(ConfigError, match=f"`{name}` must be from"):
        TrainingConfig(**{name: type(maximum)(maximum + 1)})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"base_filters": "16"}, "`base_filters` must be of type int"),
        ({"base_filters": True}, "`base_filters` must be of type int"),
        ({"input_size": 100}, "multiple of 24"),
        ({"fold": 5}, "less than `folds`"),
        ({"thesis_bugs": True}, "belong to the thesis split"),
        ({"split": "leaky"}, "needs `flipped_copies`"),
        ({"unused_fraction": 0.6}, "`unused_fraction` must be from"),
        ({"split": "thesis", "augmentation": "none", "unused_fraction": 0.1}, "`unused_fraction` = 0"),
        ({"split": "thesis"}, "augmentation='mild'"),
        ({"warmup_epochs": 100}, "less than `epochs`"),
        ({"learning_rate": float("nan")}, "`learning_rate` must be from"),
        ({"architecture": "fcn"}, "`architecture`"),
        ({"augmentation": "wild"}, "`augmentation`"),
    ],
)
def test_what_makes_no_sense_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        TrainingConfig(**change)


def test_the_published_split_leaks_by_its_flipped_copies_and_slips() -> None:
    published = PRESETS["thesis"]
    assert published.is_leaky
    assert not published.replace(flipped_copies=False).is_leaky
    assert not published.replace(thesis_bugs=False).is_leaky
    assert PRESETS["compact"].replace(split="leaky", flipped_copies=True).is_leaky
    assert not PRESETS["compact"].is_leaky


@pytest.mark.parametrize("name", SETTINGS)
def test_every_setting_has_all_that_a_form_and_the_command_line_show(name: str) -> None:
    spec = SETTINGS[name]
    assert spec.label
    assert spec.description.endswith(".")
    assert spec.value_type in ("int", "float", "bool", "str")
    assert spec.group in SETTING_GROUPS or name in ("architecture", "dataset")
    assert (spec.range is not None) == (spec.value_type in ("int", "float"))
    assert bool(spec.choices) == (spec.value_type == "str" and name != "dataset")
    assert spec.default == getattr(TrainingConfig(), name)
    assert not re.search("[`*]", spec.plain_help)


def test_settings_cover_every_field() -> None:
    assert list(SETTINGS) == [field.name for field in dataclasses.fields(TrainingConfig)]


def test_optional_settings_may_be_missing_and_take_their_default() -> None:
    written = TrainingConfig().to_dict()
    del written["unused_fraction"], written["cell_fraction"]
    assert TrainingConfig.from_dict(written) == TrainingConfig()
