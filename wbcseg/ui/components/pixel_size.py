"""The input for the pixel size, which converts pixels to µm."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable
from typing import Final

import streamlit as st

from wbcseg.features import CellFeatures
from wbcseg.ui.state import get_saved_choices, save_choices

PLAUSIBLE_DIAMETER: Final = (4.0, 40.0)
"""Smallest and largest plausible diameter of a white blood cell in µm, with a wide margin."""

CURRENT_PIXEL_SIZE: Final = "current_pixel_size"
"""Key of the saved choice: the pixel size of the page that is shown, which downloads use."""

MIN_PIXEL_SIZE: Final = 0.001
MAX_PIXEL_SIZE: Final = 100.0

UPLOAD_PIXEL_SIZE: Final = "upload_pixel_size"
"""Key of the saved choice: the pixel size of the uploads, or ``None``."""

_LAST_IMAGE_IS_UPLOAD: Final = "pixel_size_is_for_upload"


def select_pixel_size(*, is_upload: bool = True, in_address: bool = True) -> float | None:
    """Ask for the pixel size in µm. Return it, or ``None`` where it is not set.

    Args:
        is_upload: Whether it is for uploaded images. These share a microscope and a camera, so it is kept on all pages.
        in_address: Whether the address has it. A button of a page where it does cannot open another page.
    """
    key = _get_widget_key(in_address=in_address)
    saved = get_saved_choices()
    source_changed = saved.get(_LAST_IMAGE_IS_UPLOAD, is_upload) != is_upload
    saved[_LAST_IMAGE_IS_UPLOAD] = is_upload
    # Streamlit forgets it when the user opens another page.
    if (key in st.session_state and source_changed) or (key not in st.session_state and key not in st.query_params):
        st.session_state[key] = saved.get(UPLOAD_PIXEL_SIZE) if is_upload else None
    value = st.number_input(
        "Pixel size (µm/pixel)",
        min_value=MIN_PIXEL_SIZE,
        max_value=MAX_PIXEL_SIZE,
        value=None,
        step=0.01,
        format="%.4g",
        placeholder="not set",
        key=key,
        bind="query-params" if in_address else None,
        width=190,
        help="It depends on your microscope and camera. Without it, measurements are in pixels.",
        on_change=save_current_pixel_size,
        args=(key,),
    )
    if is_upload:
        saved[UPLOAD_PIXEL_SIZE] = value
    pixel_size = None if value is None else float(value)
    saved[CURRENT_PIXEL_SIZE] = pixel_size
    return pixel_size


def restore_pixel_size(pixel_size: float) -> None:
    """Set the pixel size of the uploads in µm to one from before a reload."""
    save_choices(**{UPLOAD_PIXEL_SIZE: pixel_size})
    for in_address in (True, False):
        # The input takes it with its next run.
        st.session_state.pop(_get_widget_key(in_address=in_address), None)


def _get_widget_key(*, in_address: bool) -> str:
    return "pixel_size" if in_address else "batch_pixel_size"


def offer_stated_pixel_size(stated_sizes: Iterable[float | None], *, in_address: bool = True) -> None:
    """Offer the pixel size that the files state, if none is set and they agree. It is never applied without a click.

    Args:
        stated_sizes: In µm, of each image; ``None`` where a file states none.
        in_address: As in :func:`select_pixel_size`.
    """
    key = _get_widget_key(in_address=in_address)
    sizes = {size for size in stated_sizes if size}
    if len(sizes) != 1 or st.session_state.get(key) is not None:
        return
    size = sizes.pop()
    st.button(
        f"Use {size:.4g} µm/pixel, as the file states",
        icon=":material/straighten:",
        key=f"{key}_offer",
        on_click=_apply_pixel_size,
        args=(key, size),
    )


def _apply_pixel_size(key: str, size: float) -> None:
    st.session_state[key] = size
    save_current_pixel_size(key)


def save_current_pixel_size(key: str) -> None:
    """Save the value of the input, so that downloads use it before the page has run again."""
    value = st.session_state.get(key)
    get_saved_choices()[CURRENT_PIXEL_SIZE] = None if value is None else float(value)


def warn_implausible_pixel_size(all_features: Iterable[CellFeatures | None], pixel_size: float | None) -> None:
    """Warn where a pixel size makes cells smaller or larger than white blood cells are.

    Args:
        all_features: The measurements of each cell; ``None`` where no cell was found.
        pixel_size: Pixel size in µm, or ``None``.
    """
    areas = [features.values["cell_area"] for features in all_features if features]
    if pixel_size is None or not areas:
        return
    diameter = 2.0 * math.sqrt(statistics.median(areas) / math.pi) * pixel_size
    if not PLAUSIBLE_DIAMETER[0] <= diameter <= PLAUSIBLE_DIAMETER[1]:
        st.warning(
            f"At {pixel_size:g} µm/pixel, the cells would be {diameter:.3g} µm wide; white blood cells measure "
            "6 to 25 µm. Check the pixel size.",
            icon=":material/straighten:",
        )
