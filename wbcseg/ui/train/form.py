"""Setting up a training run: network, data set and preset, and all other settings under *Advanced*."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import streamlit as st

from wbcseg.datasets import list_datasets
from wbcseg.errors import WbcsegError
from wbcseg.models import get_spec
from wbcseg.training import PRESETS, TrainingConfig
from wbcseg.training.config import UPLOADED_DATASET
from wbcseg.training.presets import PRESET_DESCRIPTIONS, PRESET_TITLES
from wbcseg.training.setting import SETTING_GROUPS, Setting
from wbcseg.ui.components.dataset_status import show_download_button
from wbcseg.ui.components.dataset_upload import UploadedDataset, upload_dataset
from wbcseg.ui.formatting import escape_lines, escape_markdown
from wbcseg.ui.glossary import GLOSSARY
from wbcseg.ui.segment import edited_masks
from wbcseg.ui.train import address
from wbcseg.ui.train.fields import ADVANCED_FIELDS, BASIC_FIELDS, FormValues, drop_inactive, list_dataset_titles

CHANGED_LABEL: Final = "Changed under Advanced"

_VALUES_KEY: Final = "training_values"
_PRESET_KEY: Final = "training_preset"
_USER_SET_KEY: Final = "training_user_set"


@dataclass(frozen=True)
class TrainingRequest:
    """A training run that can be started.

    Attributes:
        config: Its settings.
        upload: The uploaded images, if it is to be trained on those.
        preset: The preset that the settings started from.
    """

    config: TrainingConfig
    upload: UploadedDataset | None = None
    preset: str = "quick"


def configure_training() -> TrainingRequest | None:
    """Show the form of a training run: network, data and preset, and everything else folded.

    Returns:
        The run, or ``None`` if something is missing or invalid.
    """
    values = _load_values()
    with st.container(horizontal=True):
        _show_field(BASIC_FIELDS["architecture"], values)
        _show_field(BASIC_FIELDS["dataset"], values)
    st.caption(get_spec(values["architecture"]).summary)
    _select_preset(values)
    upload = (
        upload_dataset(mask_correction=values["mask_correction"]) if values["dataset"] == UPLOADED_DATASET else None
    )
    is_ready = upload is not None if values["dataset"] == UPLOADED_DATASET else check_dataset_ready(values["dataset"])
    with st.expander("Advanced", icon=":material/tune:", key="training_advanced"):
        _show_advanced_fields(values)
    address.write_form(values, st.session_state[_PRESET_KEY])
    try:
        config = TrainingConfig.from_dict(drop_inactive(values))
    except WbcsegError as error:
        st.error(escape_lines(_describe_problems(values) or str(error)), icon=":material/error:")
        return None
    return TrainingRequest(config, upload, st.session_state[_PRESET_KEY]) if is_ready else None


def _describe_problems(values: FormValues) -> str:
    """Return which numbers are out of range, with the names that the form shows; empty if none is."""
    active_values = drop_inactive(values)
    problems = [
        f"{field.label} must be {field.range_text}. Received: {field.format_value(active_values[field.name])}"
        for field in ADVANCED_FIELDS
        if not field.is_in_range(active_values[field.name])
    ]
    return "\n".join(problems)


def update_request(request: TrainingRequest) -> TrainingRequest:
    """Return a request with the values that the form's fields have now.

    A click on Start right after typing into a field comes with the field's new value, but before the script has run
    with it. What a field shows is what is used.

    Raises:
        ConfigError: If the new values are invalid.
    """
    if _VALUES_KEY not in st.session_state:
        return request
    values = _merge_widget_values(st.session_state[_VALUES_KEY])
    return replace(request, config=TrainingConfig.from_dict(drop_inactive(values)))


def _load_values() -> FormValues:
    """Return the form's values, which outlive its widgets when the reader visits another page."""
    if _VALUES_KEY not in st.session_state:
        st.session_state[_PRESET_KEY] = "quick"
        st.session_state[_USER_SET_KEY] = set()
        st.session_state[_VALUES_KEY] = _build_preset_values("quick")
    # A link from the page of corrected masks.
    if st.query_params.get(edited_masks.LINK_PARAM) == edited_masks.LINK_VALUE:
        del st.query_params[edited_masks.LINK_PARAM]
        st.session_state[_USER_SET_KEY] = set()
        st.session_state["train_preset"] = "adapt"
        _apply_preset()
    requested = address.read_form()
    if requested is not None:
        _apply_address(requested)
    values: FormValues = st.session_state[_VALUES_KEY]
    # Widgets further down the page may have new values already.
    values.update(_merge_widget_values(values))
    return values


def _apply_address(requested: address.RequestedForm) -> None:
    """Set the form to what the address says."""
    st.session_state["train_preset"] = requested.preset
    st.session_state[_USER_SET_KEY] = set()
    st.session_state[_PRESET_KEY] = requested.preset
    values = {**_build_preset_values(requested.preset), **requested.values}
    st.session_state[_USER_SET_KEY] = {name for name in BASIC_FIELDS if name in requested.values}
    st.session_state[_VALUES_KEY] = values
    for name, value in values.items():
        st.session_state[f"train_{name}"] = value


def _merge_widget_values(values: FormValues) -> FormValues:
    return {name: st.session_state.get(f"train_{name}", value) for name, value in values.items()}


def _select_preset(values: FormValues) -> None:
    key = "train_preset"
    st.session_state.setdefault(key, st.session_state[_PRESET_KEY])
    st.segmented_control(
        "Preset",
        list(PRESET_TITLES),
        format_func=PRESET_TITLES.__getitem__,
        required=True,
        key=key,
        on_change=_apply_preset,
    )
    preset = st.session_state[key]
    st.markdown(PRESET_DESCRIPTIONS[preset])
    changed = _list_changes(values, PRESETS[preset])
    if changed:
        st.caption(f"{CHANGED_LABEL}: {escape_markdown(', '.join(changed))}")


def _list_changes(values: FormValues, preset: TrainingConfig) -> list[str]:
    current_values, preset_values = drop_inactive(values), drop_inactive(preset.to_dict())
    return [
        f"{field.label} {field.format_value(current_values[field.name])}"
        for field in ADVANCED_FIELDS
        if field.is_active(current_values) and current_values[field.name] != preset_values[field.name]
    ]


def _apply_preset() -> None:
    """Set every setting to the preset's, except the network and data set if the reader chose them."""
    preset = st.session_state["train_preset"]
    old_values, user_set = st.session_state[_VALUES_KEY], st.session_state[_USER_SET_KEY]
    values = {**_build_preset_values(preset), **{name: old_values[name] for name in user_set}}
    st.session_state[_PRESET_KEY] = preset
    st.session_state[_VALUES_KEY] = values
    for name, value in values.items():
        st.session_state[f"train_{name}"] = value


def _build_preset_values(preset: str) -> FormValues:
    """Return a preset's settings. The quick preset uses synthetic smears if its data set has not been downloaded."""
    values = PRESETS[preset].to_dict()
    ready_datasets = {entry.name for entry in list_datasets() if entry.ready}
    if preset == "quick" and values["dataset"] not in ready_datasets:
        values["dataset"] = "synthetic"
    return values


def _on_field_changed(field_name: str) -> None:
    st.session_state[_USER_SET_KEY].add(field_name)


def _show_advanced_fields(values: FormValues) -> None:
    for group in SETTING_GROUPS:
        st.markdown(f"**{group}**")
        with st.grid("auto", min_column_width=210, gap=("small", "medium")) as grid:
            for field in ADVANCED_FIELDS:
                if field.group == group and field.is_active(values):
                    with grid.cell():
                        _show_field(field, values)


def _show_field(field: Setting, values: FormValues) -> None:
    """Show the widget of a setting and store its value."""
    key = f"train_{field.name}"
    st.session_state.setdefault(key, values[field.name])
    common_args: Mapping[str, Any] = {"key": key, "help": field.help or None}
    if field.name in BASIC_FIELDS:
        values[field.name] = st.selectbox(
            field.label,
            list(field.value_labels),
            format_func=field.format_value,
            key=key,
            on_change=_on_field_changed,
            args=(field.name,),
            help=GLOSSARY["Architecture"] if field.name == "architecture" else None,
            width=240,
        )
    elif field.value_type == "bool":
        values[field.name] = st.toggle(field.label, **common_args)
    elif field.value_type == "str":
        values[field.name] = st.selectbox(field.label, field.choices, format_func=field.format_value, **common_args)
    elif field.range:
        _show_number(field, values, common_args)


def _show_number(field: Setting, values: FormValues, common_args: Mapping[str, Any]) -> None:
    """Show the field of a number.

    Streamlit keeps the old value of a field with limits when someone types a number beyond them, and shows the new one.
    So the field has no limits; the form checks them.
    """
    if field.value_type == "int":
        value = st.number_input(field.label, step=int(field.step or 1), **common_args)
    else:
        value = st.number_input(field.label, step=field.step or 0.01, format="%.6g", **common_args)
    values[field.name] = value
    if not field.is_in_range(value):
        st.caption(f":red[:material/error: {field.range_text.capitalize()}.]")


def check_dataset_ready(dataset_name: str) -> bool:
    """Show which parts of a data set have not been downloaded, with a button. Returns whether the data set is ready."""
    parts = tuple(dataset_name.split("+"))
    missing = [entry for entry in list_datasets() if entry.name.startswith(parts) and not entry.ready]
    for entry in missing:
        st.info(f"{list_dataset_titles()[entry.name]} has not been downloaded yet.", icon=":material/cloud_download:")
        show_download_button(entry)
    return not missing
