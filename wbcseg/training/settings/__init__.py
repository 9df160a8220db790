"""Each setting of a training run, declared once: default, range or choices, label and help.

Validation, ``wbcseg train --help`` and the form of the page *Train* all read these declarations.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from wbcseg.training.setting import Setting, collect_settings
from wbcseg.training.settings.training import TrainingSettings

SETTINGS: Final[Mapping[str, Setting]] = collect_settings(TrainingSettings)
"""All settings by name."""
