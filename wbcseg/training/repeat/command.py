"""The command of a training."""

from __future__ import annotations

import shlex
from typing import Any

from wbcseg.training.config import TrainingConfig
from wbcseg.training.presets import PRESETS


def list_changes(config: TrainingConfig, preset: str) -> dict[str, Any]:
    """Return the settings in which a training differs from a preset, by name."""
    base = PRESETS[preset].to_dict()
    return {name: value for name, value in config.to_dict().items() if value != base[name]}


def find_nearest_preset(config: TrainingConfig) -> str:
    """Return the preset from which a training differs in the fewest settings."""
    return min(PRESETS, key=lambda preset: len(list_changes(config, preset)))


def build_command(config: TrainingConfig, preset: str | None = None) -> str:
    """Return the command that trains with the same settings, for a terminal.

    Args:
        config: The settings.
        preset: Preset to start from; by default the nearest one.
    """
    preset = preset or find_nearest_preset(config)
    words = ["wbcseg", "train", "--preset", preset]
    for name, value in list_changes(config, preset).items():
        option = name.replace("_", "-")
        words += [f"--{'' if value else 'no-'}{option}"] if isinstance(value, bool) else [f"--{option}", str(value)]
    return shlex.join(words)
