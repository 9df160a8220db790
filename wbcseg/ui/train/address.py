"""The form of a training in the address: ``?network=unet&dataset=zheng-1&preset=quick&epochs=5``.

A link opens the form as it was set up: in an exercise, in a message, or to repeat a run with changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import streamlit as st

from wbcseg.io import format_display_name
from wbcseg.training import PRESETS, TrainingConfig
from wbcseg.training.presets import PRESET_TITLES
from wbcseg.training.repeat.command import find_nearest_preset, list_changes
from wbcseg.training.setting import Setting
from wbcseg.training.settings import SETTINGS
from wbcseg.ui import routes
from wbcseg.ui.formatting import escape_markdown
from wbcseg.ui.train.fields import FIELDS, FormValues

PRESET_PARAM: Final = "preset"
PARAM_NAMES: Final = {name: "network" if name == "architecture" else name for name in SETTINGS}
"""Name of each setting in the address."""

_ALL_PARAMS: Final = (*PARAM_NAMES.values(), PRESET_PARAM)
_WRITTEN_KEY: Final = "training_address"


@dataclass(frozen=True)
class RequestedForm:
    """What an address says about the form.

    Attributes:
        preset: The preset.
        values: Settings that it names, by name.
    """

    preset: str
    values: FormValues


def read_form() -> RequestedForm | None:
    """Return what the address says about the form, or ``None`` if the form has written it, or it says nothing."""
    params = _read_params()
    if not params or params == st.session_state.get(_WRITTEN_KEY):
        return None
    preset, problems = params.get(PRESET_PARAM, "quick"), []
    if preset not in PRESET_TITLES:
        problems.append(f"{PRESET_PARAM}={preset}")
        preset = "quick"
    values: FormValues = {}
    for name, param in PARAM_NAMES.items():
        if param in params:
            value = parse_value(FIELDS[name], params[param])
            if value is None:
                problems.append(f"{param}={params[param]}")
            else:
                values[name] = value
    if problems:
        text = escape_markdown(format_display_name(", ".join(problems)))
        st.warning(f"The address has values that are not possible and are left out: {text}", icon=":material/link_off:")
    return RequestedForm(preset, values)


def write_form(values: Mapping[str, Any], preset: str) -> None:
    """Write network, data set, preset and the settings that differ from the preset to the address."""
    params = build_params(values, preset)
    for param in _ALL_PARAMS:
        if param in params:
            if st.query_params.get(param) != params[param]:
                st.query_params[param] = params[param]
        else:
            st.query_params.pop(param, None)
    st.session_state[_WRITTEN_KEY] = params


def clear_form() -> None:
    """Remove the form from the address, while something else is shown."""
    for param in _ALL_PARAMS:
        st.query_params.pop(param, None)


def has_form() -> bool:
    """Return whether the address says anything about the form."""
    return bool(_read_params())


def build_params(values: Mapping[str, Any], preset: str) -> dict[str, str]:
    """Return the parameters of an address that opens the form with these values."""
    base = PRESETS[preset].to_dict()
    names = {"architecture", "dataset", *(name for name in SETTINGS if values[name] != base[name])}
    named = {PARAM_NAMES[name]: _format_value(values[name]) for name in SETTINGS if name in names}
    return {**named, PRESET_PARAM: preset}


def build_link(config: TrainingConfig) -> dict[str, str]:
    """Return the parameters of an address that opens the form with the settings of a run."""
    preset = find_nearest_preset(config)
    changed = {name: PRESETS[preset].to_dict()[name] for name in SETTINGS} | list_changes(config, preset)
    return {"tab": routes.TRAIN_NEW_TAB, **build_params(changed, preset)}


def parse_value(field: Setting, text: str) -> Any:
    """Return the value of a setting that an address names; ``None`` if it is not possible.

    Numbers beyond their range are possible: the form shows and rejects them.
    """
    if field.value_type == "bool":
        return {"true": True, "false": False}.get(text)
    if field.value_type == "str":
        return text if not field.choices or text in field.choices else None
    try:
        number = int(text) if field.value_type == "int" else float(text)
    except ValueError:
        return None
    return number if abs(number) < 2**53 else None


def _format_value(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _read_params() -> dict[str, str]:
    return {
        param: st.query_params[param] for param in (*PARAM_NAMES.values(), PRESET_PARAM) if param in st.query_params
    }
