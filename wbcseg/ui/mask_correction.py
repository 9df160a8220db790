"""What expert masks mean: asked where a mask was not used because its classes look wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import streamlit as st

from wbcseg.datasets.uploads import InputImage
from wbcseg.io import CORRECTION_LABELS
from wbcseg.io.mask_meaning import as_correction
from wbcseg.ui.state import restore_widget, save_widget

_CHECKED: Final = "checked"
_LABELS: Final = {_CHECKED: "Check them", **{str(name): label for name, label in CORRECTION_LABELS.items()}}


def select_correction(input_images: Sequence[InputImage], key: str) -> tuple[InputImage, ...]:
    """Ask what the expert masks of images mean, if there are any. Return the images with the answer.

    Args:
        input_images: The images.
        key: Key of the widget.
    """
    if not any(input_image.load_mask for input_image in input_images):
        return tuple(input_images)
    restore_widget(key, _CHECKED, list(_LABELS))
    choice = st.selectbox(
        "Expert masks",
        list(_LABELS),
        format_func=_LABELS.__getitem__,
        key=key,
        on_change=save_widget,
        args=(key,),
        width=320,
        help="Masks whose classes look swapped or inverted, or whose values look like numbers of cells, are not used "
        "until you say what they mean.",
    )
    return tuple(
        replace(input_image, key=f"{input_image.key} {choice}", mask_correction=as_correction(choice))
        if input_image.load_mask and choice != _CHECKED
        else input_image
        for input_image in input_images
    )
