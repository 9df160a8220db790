"""What the page knows of a setting: its words, its widget's range, and when it says anything."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from wbcseg.training.config import CHOICES, RANGES, TrainingConfig
from wbcseg.transforms.config import AUGMENTATIONS

FormValues = dict[str, Any]


def _is_always_active(_: FormValues) -> bool:
    return True


@dataclass(frozen=True)
class FieldSpec:
    """A setting of a training on the page.

    Attributes:
        name: Its name in :class:`TrainingConfig`.
        label: What the page calls it.
        meaning: What it does, in a sentence or two.
        group: Under which heading it stands.
        step: Step of a number, where it is not 1 (or a hundredth for shares).
        value_labels: What the page calls its values, where they are words.
        is_active: Whether it says anything at all, given the others.
        inactive_value: Its value where it does not apply.
    """

    name: str
    label: str
    meaning: str
    group: str
    step: float | None = None
    value_labels: Mapping[str, str] = field(default_factory=dict)
    is_active: Callable[[FormValues], bool] = _is_always_active
    inactive_value: Any = None

    @property
    def value_type(self) -> str:
        """``int``, ``float``, ``bool`` or ``str``."""
        return _FIELD_TYPES[self.name]

    @property
    def choices(self) -> tuple[str, ...]:
        """The values that a word may have."""
        return tuple(AUGMENTATIONS) if self.name == "augmentation" else CHOICES[self.name]

    @property
    def help(self) -> str:
        """Its meaning and range."""
        if self.name not in RANGES:
            return self.meaning
        minimum, maximum = RANGES[self.name]
        return f"{self.meaning} From {_format_number(minimum)} to {_format_number(maximum)}."

    def format_value(self, value: Any) -> str:
        """Write a value of it for a reader."""
        if isinstance(value, bool):
            return "yes" if value else "no"
        if isinstance(value, (int, float)):
            return _format_number(value)
        return self.value_labels.get(value, str(value))


_FIELD_TYPES: Final = {f.name: str(f.type) for f in dataclasses.fields(TrainingConfig)}


def _format_number(value: float) -> str:
    if isinstance(value, int) or float(value).is_integer():
        return f"{int(value):,}".replace(",", "\u202f")
    return f"{value:g}"
