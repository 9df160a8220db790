"""Describing a training: a preset, network and data, and every setting behind "Advanced"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import streamlit as st

from wbcseg.datasets import statuses
from wbcseg.errors import WbcsegError
from wbcseg.models import describe
from wbcseg.training import PRESETS, TrainingConfig
from wbcseg.training.config import RANGES
from wbcseg.training.jobs.manager import UPLOAD
from wbcseg.ui.components.dataset_status import offer_download
from wbcseg.ui.components.dataset_upload import OwnPairs, bring_pairs
from wbcseg.ui.segment import edited_masks
from wbcseg.ui.text import GLOSSARY, as_text, lines_text
from wbcseg.ui.train.field_spec import Setting, Values
from wbcseg.ui.train.fields import ADVANCED, BASIC, DATASETS, GROUPS, effective

PRESET_TITLES: Final = {
    "quick": "Quick look",
    "compact": "Compact",
    "thorough": "Compact, longer",
    "general": "Any laboratory",
    "published": "As published",
}
PRESET_MEANINGS: Final = {
    "quick": "A small network and few epochs: a visible result within about two minutes.",
    "compact": "A small network, trained for long on pictures without leaks: nearly as good as the full one, in a "
    "fraction of its time.",
    "thorough": "The same for twice as long, with rare cell types shown more often: a little better for all cells.",
    "general": "A small network for pictures of any laboratory: all data sets, with cells of any size, and stain, "
    "light, focus and neighbours as varied as they come. Its outlines are drawn along the picture's edges.",
    "published": f"The thesis' recipe in full width ({PRESETS['published'].width}), with its leaking split: hours on a "
    "small computer.",
}
CHANGED: Final = "Changed under Advanced"

_VALUES: Final = "training_values"
_PRESET: Final = "training_preset"
_CHOSEN: Final = "training_chosen"


@dataclass(frozen=True)
class Plan:
    """A training that can be started.

    Attributes:
        config: Its settings.
        own: The reader's own pictures, where it learns from those.
    """

    config: TrainingConfig
    own: OwnPairs | None = None


def plan_training() -> Plan | None:
    """Ask for everything that makes a training. Return it, or ``None`` where something is missing or wrong."""
    values = _values()
    _choose_preset(values)
    with st.container(horizontal=True):
        _ask(BASIC["architecture"], values)
        _ask(BASIC["dataset"], values)
    st.caption(describe(values["architecture"]).summary)
    own = bring_pairs() if values["dataset"] == UPLOAD else None
    ready = own is not None if values["dataset"] == UPLOAD else _data_is_here(values["dataset"])
    with st.expander("Advanced", icon=":material/tune:", key="training_advanced"):
        _ask_advanced(values)
    try:
        config = TrainingConfig.from_dict(effective(values))
    except WbcsegError as problem:
        st.error(lines_text(str(problem)), icon=":material/error:")
        return None
    return Plan(config, own) if ready else None


def _values() -> Values:
    """Return the form's values, which outlive its widgets when the reader goes elsewhere."""
    if _VALUES not in st.session_state:
        st.session_state[_PRESET] = "quick"
        st.session_state[_CHOSEN] = set()
        st.session_state[_VALUES] = _preset_values("quick")
    values: Values = st.session_state[_VALUES]
    # A link from corrected masks leads here.
    if st.query_params.get(edited_masks.LINK) == edited_masks.CORRECTED:
        del st.query_params[edited_masks.LINK]
        values["dataset"] = st.session_state["train_dataset"] = UPLOAD
    # What was changed just now is known before its widget is drawn.
    for name in values:
        values[name] = st.session_state.get(f"train_{name}", values[name])
    return values


def _choose_preset(values: Values) -> None:
    key = "train_preset"
    st.session_state.setdefault(key, st.session_state[_PRESET])
    st.segmented_control(
        "Recipe",
        list(PRESET_TITLES),
        format_func=PRESET_TITLES.__getitem__,
        required=True,
        key=key,
        on_change=_apply_preset,
        label_visibility="collapsed",
    )
    preset = st.session_state[key]
    st.markdown(PRESET_MEANINGS[preset])
    changed = _changes(values, PRESETS[preset])
    if changed:
        st.caption(f"{CHANGED}: {as_text(', '.join(changed))}")


def _changes(values: Values, preset: TrainingConfig) -> list[str]:
    now, then = effective(values), effective(preset.to_dict())
    return [
        f"{setting.label} {setting.shown(now[setting.name])}"
        for setting in ADVANCED
        if setting.applies(now) and now[setting.name] != then[setting.name]
    ]


def _apply_preset() -> None:
    """Set every setting to the preset's; the network and data that the reader chose stay."""
    preset = st.session_state["train_preset"]
    old, chosen = st.session_state[_VALUES], st.session_state[_CHOSEN]
    values = {**_preset_values(preset), **{name: old[name] for name in chosen}}
    st.session_state[_PRESET] = preset
    st.session_state[_VALUES] = values
    for name, value in values.items():
        st.session_state[f"train_{name}"] = value


def _preset_values(preset: str) -> Values:
    """Return a preset's settings. For a quick look, drawn smears will do where its data would have to be fetched."""
    values = PRESETS[preset].to_dict()
    ready = {entry.name for entry in statuses() if entry.ready}
    if preset == "quick" and values["dataset"] not in ready:
        values["dataset"] = "synthetic"
    return values


def _note_choice(name: str) -> None:
    st.session_state[_CHOSEN].add(name)


def _ask_advanced(values: Values) -> None:
    for group in GROUPS:
        st.markdown(f"**{group}**")
        with st.grid("auto", min_column_width=210, gap=("small", "medium")) as grid:
            for setting in ADVANCED:
                if setting.group == group and setting.applies(values):
                    with grid.cell():
                        _ask(setting, values)


def _ask(setting: Setting, values: Values) -> None:
    """Show the widget of a setting and take its value over."""
    key = f"train_{setting.name}"
    st.session_state.setdefault(key, values[setting.name])
    shared: Mapping[str, Any] = {"key": key, "help": setting.help or None}
    if setting.name in BASIC:
        values[setting.name] = st.selectbox(
            setting.label,
            list(setting.words),
            format_func=setting.shown,
            key=key,
            on_change=_note_choice,
            args=(setting.name,),
            help=GLOSSARY["Architecture"] if setting.name == "architecture" else None,
            width=240,
        )
    elif setting.kind == "bool":
        values[setting.name] = st.toggle(setting.label, **shared)
    elif setting.kind == "str":
        values[setting.name] = st.selectbox(setting.label, setting.choices, format_func=setting.shown, **shared)
    elif setting.kind == "int":
        least, most = (int(end) for end in RANGES[setting.name])
        step = int(setting.step or 1)
        values[setting.name] = st.number_input(setting.label, least, most, step=step, **shared)
    else:
        lowest, highest = (float(end) for end in RANGES[setting.name])
        values[setting.name] = st.number_input(
            setting.label, lowest, highest, step=setting.step or 0.01, format="%.6g", **shared
        )


def _data_is_here(name: str) -> bool:
    """Say what is missing of a data set and offer to fetch it. Return whether nothing is."""
    parts = tuple(name.split("+"))
    missing = [entry for entry in statuses() if entry.name.startswith(parts) and not entry.ready]
    for entry in missing:
        st.info(f"{DATASETS[entry.name]} is not on this computer yet.", icon=":material/cloud_download:")
        offer_download(entry)
    return not missing
