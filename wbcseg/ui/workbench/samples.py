"""Images grouped into samples: by folder, by a pattern of their names, or by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import streamlit as st

from wbcseg.differential import SamplePattern, group_by_folder, group_by_pattern
from wbcseg.errors import ConfigError
from wbcseg.io import format_display_name
from wbcseg.ui.formatting import escape_markdown
from wbcseg.ui.state import get_saved_choices, restore_widget, save_widget

ONE_SAMPLE: Final = "One sample"
BY_FOLDER: Final = "By folder"
BY_NAME: Final = "By name"
BY_HAND: Final = "By hand"
RULES: Final = (ONE_SAMPLE, BY_FOLDER, BY_NAME, BY_HAND)

ALL_IMAGES: Final = "All images"
OTHER_IMAGES: Final = "Other images"
"""Name of the sample of images that belong to no other."""

DEFAULT_PATTERN: Final = "{sample}_*"
MAX_NAME_LENGTH: Final = 80

RULE_KEY: Final = "workbench_samples"
PATTERN_KEY: Final = "workbench_pattern"
HAND_KEY: Final = "workbench_samples_by_hand"
"""Key of the saved choice: the sample of each image that was assigned by hand, by its name."""


def select_samples(names: Sequence[str]) -> dict[str, list[str]]:
    """Ask how images form samples, within a horizontal container. Return the names of the images of each sample.

    Args:
        names: Names of the images.
    """
    restore_widget(RULE_KEY, ONE_SAMPLE, RULES)
    rule = st.selectbox(
        "Samples",
        RULES,
        key=RULE_KEY,
        on_change=save_widget,
        args=(RULE_KEY,),
        width=180,
        help="Which images belong to one sample: all of them; those of a folder; those whose names have the same "
        "part; or as you say.",
    )
    if rule == BY_NAME:
        restore_widget(PATTERN_KEY, DEFAULT_PATTERN)
        st.text_input(
            "Pattern of the names",
            key=PATTERN_KEY,
            on_change=save_widget,
            args=(PATTERN_KEY,),
            width=240,
            help="`{sample}` stands for the sample's name, `*` for any text and `?` for one character: "
            "`{sample}_*` takes what comes before the first underscore.",
        )
    if rule == BY_HAND:
        _assign_by_hand(names)
    return group_images(names, str(rule))


def group_images(names: Sequence[str], rule: str) -> dict[str, list[str]]:
    """Return the names of the images of each sample by a rule, in order; one of :data:`RULES`."""
    try:
        samples = find_samples(names, {**get_saved_choices(), RULE_KEY: rule})
    except ConfigError as error:
        st.error(escape_markdown(str(error)), icon=":material/error:")
        samples = dict.fromkeys(names, OTHER_IMAGES)
    grouped: dict[str, list[str]] = {}
    for name in names:
        grouped.setdefault(samples.get(name, ALL_IMAGES), []).append(name)
    return grouped


def find_samples(names: Sequence[str], choices: Mapping[str, Any]) -> dict[str, str]:
    """Return the sample of each image by its name; empty if all images are one sample.

    Args:
        names: Names of the images.
        choices: The saved choices; see :func:`wbcseg.ui.state.get_saved_choices`.

    Raises:
        ConfigError: If the pattern of names cannot be used.
    """
    rule = choices.get(RULE_KEY, ONE_SAMPLE)
    if rule == BY_FOLDER:
        samples = group_by_folder(list(names))
    elif rule == BY_NAME:
        samples = group_by_pattern(list(names), SamplePattern(str(choices.get(PATTERN_KEY, DEFAULT_PATTERN))))
    elif rule == BY_HAND:
        samples = choices.get(HAND_KEY, {})
    else:
        return {}
    return {name: samples.get(name) or OTHER_IMAGES for name in names}


def _assign_by_hand(names: Sequence[str]) -> None:
    with st.popover("Assign images", icon=":material/label:"):
        chosen = st.multiselect("Images", names, format_func=format_display_name, key="workbench_hand_images")
        name = st.text_input("Name of the sample", max_chars=MAX_NAME_LENGTH, key="workbench_hand_name")
        st.button(
            "Assign",
            on_click=_assign,
            args=(tuple(chosen), name.strip()),
            disabled=not chosen or not name.strip(),
            key="workbench_hand_assign",
        )


def _assign(names: Sequence[str], sample: str) -> None:
    choices = get_saved_choices()
    choices[HAND_KEY] = {**choices.get(HAND_KEY, {}), **dict.fromkeys(names, sample)}
    st.session_state["workbench_hand_images"] = []
