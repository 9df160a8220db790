"""Declare a setting once, beside its field: default, range or choices, help and label."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from wbcseg.errors import ConfigError

NETWORK: Final = "Network"
DATA: Final = "Data and split"
OPTIMISATION: Final = "Optimisation"
MODEL: Final = "Model and reproducibility"
SETTING_GROUPS: Final = (NETWORK, DATA, OPTIMISATION, MODEL)
"""Headings of a form, in order."""

MAX_SEED: Final = 2**31 - 1

T = TypeVar("T")
Values = Mapping[str, Any]
ValueLabels = Mapping[str, str]

_METADATA_KEY: Final = "setting"
_TYPES: Final[dict[str, tuple[type[Any], ...]]] = {"str": (str,), "int": (int,), "bool": (bool,), "float": (int, float)}


def _is_always_active(_: Values) -> bool:
    return True


@dataclass(frozen=True)
class Setting:
    """Everything that validation, the command line and a form need to know about one setting.

    Attributes:
        label: Short name for a form.
        description: What it does, in a sentence or two of Markdown.
        group: Heading under which a form shows it.
        minimum: Smallest value of a number.
        maximum: Largest value of a number.
        labels: Allowed values of a string and how a form shows them; empty if any string is allowed. A function if they
            are registered elsewhere.
        step: Step of a number in a form, if it is not 1 (or 0.01 for fractions).
        is_active: Whether it has any effect, given the other settings.
        inactive_value: The value to use if it has no effect.
        is_optional: Whether a stored configuration may lack it; the default then applies.
        name: Name of the field.
        value_type: ``int``, ``float``, ``bool`` or ``str``.
        default: Default value.
    """

    label: str
    description: str
    group: str = ""
    minimum: float | None = None
    maximum: float | None = None
    labels: ValueLabels | Callable[[], ValueLabels] = dataclasses.field(default_factory=dict)
    step: float | None = None
    is_active: Callable[[Values], bool] = _is_always_active
    inactive_value: Any = None
    is_optional: bool = False
    name: str = ""
    value_type: str = ""
    default: Any = None

    @property
    def value_labels(self) -> ValueLabels:
        """Allowed values of a string and how a form shows them."""
        return self.labels() if callable(self.labels) else self.labels

    @property
    def choices(self) -> tuple[str, ...]:
        """Allowed values of a string; empty if any string is allowed, and for other types."""
        return tuple(self.value_labels)

    @property
    def range(self) -> tuple[float, float] | None:
        """Smallest and largest value, or ``None`` if the setting is not a number."""
        return None if self.minimum is None or self.maximum is None else (self.minimum, self.maximum)

    @property
    def help(self) -> str:
        """Description and range."""
        if self.range is None:
            return self.description
        return f"{self.description} {self.range_text.capitalize()}."

    @property
    def range_text(self) -> str:
        """The range in words, ``from 1 to 256``; empty if the setting is not a number."""
        return f"from {format_number(self.range[0])} to {format_number(self.range[1])}" if self.range else ""

    def is_in_range(self, value: Any) -> bool:
        """Return whether a number is in the setting's range; other settings have none."""
        return self.range is None or self.range[0] <= value <= self.range[1]

    @property
    def plain_help(self) -> str:
        """Description, range and default without Markdown, for a terminal."""
        return self.help.replace("**", "").replace("`", "").replace("\u202f", ",")

    def format_value(self, value: Any) -> str:
        """Format a value for display."""
        if isinstance(value, bool):
            return "yes" if value else "no"
        if isinstance(value, (int, float)):
            return format_number(value)
        return self.value_labels.get(value, str(value))

    def check(self, value: Any) -> None:
        """Check a value's type and range.

        Raises:
            ConfigError: If the value is not acceptable.
        """
        if not isinstance(value, _TYPES[self.value_type]) or (isinstance(value, bool) and self.value_type != "bool"):
            raise ConfigError(f"Setting `{self.name}` must be of type {self.value_type}. Received: {value!r}")
        if self.choices and value not in self.choices:
            raise ConfigError(f"Setting `{self.name}` must be one of {', '.join(self.choices)}. Received: {value!r}")
        if self.range is not None and not self.is_in_range(value):
            raise ConfigError(
                f"Setting `{self.name}` must be from {self.range[0]} to {self.range[1]}. Received: {value!r}"
            )


def setting(
    default: T,
    label: str,
    description: str,
    *,
    group: str = "",
    minimum: float | None = None,
    maximum: float | None = None,
    labels: ValueLabels | Callable[[], ValueLabels] | None = None,
    step: float | None = None,
    is_active: Callable[[Values], bool] = _is_always_active,
    inactive_value: Any = None,
    is_optional: bool = False,
) -> T:
    """Declare a dataclass field that is a setting; arguments as for :class:`Setting`."""
    metadata = Setting(
        label,
        description,
        group,
        minimum,
        maximum,
        labels or {},
        step,
        is_active,
        inactive_value,
        is_optional,
    )
    field: T = dataclasses.field(default=default, metadata={_METADATA_KEY: metadata})
    return field


def collect_settings(config_class: type) -> dict[str, Setting]:
    """Return the settings of a dataclass by name, in the order of its fields."""
    return {
        field.name: dataclasses.replace(
            field.metadata[_METADATA_KEY], name=field.name, value_type=str(field.type), default=field.default
        )
        for field in dataclasses.fields(config_class)
    }


def format_number(value: float) -> str:
    """Format a number with thin spaces between thousands."""
    if isinstance(value, int) or float(value).is_integer():
        return f"{int(value):,}".replace(",", "\u202f")
    return f"{value:g}"
