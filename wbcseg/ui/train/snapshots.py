"""A network's predictions on the same validation images, epoch by epoch."""
# ruff: noqa: ARG001 (arguments that a cached function does not read are its keys)

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from wbcseg.datasets import DATASETS, list_datasets
from wbcseg.errors import WbcsegError
from wbcseg.io import encode_png
from wbcseg.labels import PALETTES
from wbcseg.splitting.thesis import get_original_id, is_flipped_copy, make_flipped_copy
from wbcseg.training import Run, TrainingConfig
from wbcseg.training.runs.snapshots import Snapshots, load_snapshot, load_snapshots
from wbcseg.transforms.padding import pad_to_square
from wbcseg.ui import cache
from wbcseg.ui.components.image import show_png
from wbcseg.ui.formatting import escape_markdown, get_local_id, get_mask_title
from wbcseg.visualization import colorize, enlarge

DEFAULT_SNAPSHOTS: Final = 8
"""Number of epochs that are shown by default."""

MIN_SNAPSHOT_WIDTH: Final = 76
"""Minimum width of a column in pixels: four fit side by side on a phone."""

CROP_GAP: Final = 2
"""Gap between two crops in pixels."""


def sample_epochs(epochs: Sequence[int], count: int = DEFAULT_SNAPSHOTS) -> list[int]:
    """Choose epochs that show how a network learned: closely spaced at first, then further apart, and the last one.

    Args:
        epochs: The available epochs, in order.
        count: Maximum number of epochs, at least 2.
    """
    if len(epochs) <= count:
        return list(epochs)
    last = len(epochs) - 1
    indices = {round(last ** (i / (count - 2))) for i in range(count - 1)} | {0, last}
    # Where powers coincide, the gaps that are widest in ratio are filled.
    unused = [index for index in range(last + 1) if index not in indices]
    while len(indices) < count and unused:
        selected = sorted(indices)
        best = max(unused, key=lambda index: min(abs(np.log((index + 1) / (other + 1))) for other in selected))
        indices.add(best)
        unused.remove(best)
    return [epochs[index] for index in sorted(indices)]


def show_snapshots(run: Run, config: TrainingConfig, palette: str, *, is_active: bool) -> None:
    """Show the images, the experts' masks, and the predictions after a choice of epochs."""
    snapshots = load_snapshots(run)
    if snapshots is None or not snapshots.epochs:
        st.caption("Appears when the network has been built." if is_active else "This run has stored none.")
        return
    epoch = _select_epoch(run, snapshots)
    visible_epochs = sorted({*sample_epochs(snapshots.epochs), epoch})
    true_mask = get_mask_title(f"{config.dataset}/")
    with st.grid("auto", min_column_width=MIN_SNAPSHOT_WIDTH, gap=("small", "xsmall"), key="snapshots") as grid:
        images_png = _load_images_png(config, snapshots)
        if images_png is not None:
            image_names = ", ".join(map(get_local_id, snapshots.ids))
            with grid.cell(), st.container(gap=None):
                show_png(images_png, f"The validation images {image_names}")
                st.caption("Image")
        for shown_epoch in (None, *visible_epochs):
            with grid.cell(), st.container(gap=None):
                _show_snapshot(run, snapshots, shown_epoch, palette, true_mask, bold=shown_epoch == epoch)
    if images_png is None:
        st.caption("A run stores only the masks of uploaded images and the network's predictions, not the images.")


def _select_epoch(run: Run, snapshots: Snapshots) -> int:
    """Show a control for the epoch; by default the newest."""
    key, touched_key = f"snapshot_epoch_{run.name}", f"snapshot_touched_{run.name}"
    newest = snapshots.epochs[-1]
    if len(snapshots.epochs) < 2:
        return newest
    if not st.session_state.get(touched_key) or st.session_state.get(key) not in snapshots.epochs:
        st.session_state[key] = newest

    def mark_touched() -> None:
        st.session_state[touched_key] = st.session_state[key] != newest

    return st.select_slider(
        "Epoch",
        snapshots.epochs,
        key=key,
        on_change=mark_touched,
        width=420,
        help="Any epoch can be shown; 0 is the untrained network.",
    )


def _show_snapshot(
    run: Run, snapshots: Snapshots, epoch: int | None, palette: str, true_mask: str, *, bold: bool
) -> None:
    title = true_mask if epoch is None else f"Epoch {epoch}"
    try:
        start_mtime_ns = (run.folder / "snapshots.json").stat().st_mtime_ns
        png = _render_snapshot(run, snapshots, str(run.folder), start_mtime_ns, epoch, palette)
    except (WbcsegError, OSError) as error:
        st.markdown(":material/broken_image:", help=escape_markdown(str(error)))
    else:
        show_png(png, true_mask if epoch is None else f"Predictions after epoch {epoch}")
    st.caption(f"**{title}**" if bold else title)


# A snapshot never changes; but a new run can have the name of a deleted one, hence the time of its first snapshot.
@st.cache_data(max_size="8MiB", show_spinner=False)
def _render_snapshot(
    _run: Run, _snapshots: Snapshots, folder: str, start_mtime_ns: int, epoch: int | None, palette: str
) -> bytes:
    labels = load_snapshot(_run, _snapshots, epoch)
    return _encode_stack([colorize(image_labels, PALETTES[palette]) for image_labels in labels])


def _load_images_png(config: TrainingConfig, snapshots: Snapshots) -> bytes | None:
    """Return the images of the snapshots as a PNG, where they are on this computer."""
    ready_datasets = {entry.name for entry in list_datasets() if entry.ready}
    source_datasets = {sample_id.partition("/")[0] for sample_id in snapshots.ids}
    if not {*config.dataset.split("+")} <= {*DATASETS} or not source_datasets <= ready_datasets:
        return None
    try:
        return _render_images(snapshots.ids, snapshots.input_size, config.two_stage)
    except WbcsegError:
        return None


@st.cache_data(max_entries=32, show_spinner=False)
def _render_images(ids: tuple[str, ...], input_size: int, upscale: bool) -> bytes:
    crops = []
    for sample_id in ids:
        image = cache.load_image(sample_id.partition("/")[0], get_original_id(sample_id)).sample.image
        crop, _ = pad_to_square(image, input_size, enlarge=upscale)
        crops.append(np.asarray(make_flipped_copy(crop), dtype=np.uint8) if is_flipped_copy(sample_id) else crop)
    return _encode_stack(crops)


def _encode_stack(crops: Sequence[NDArray[np.uint8]]) -> bytes:
    """Encode crops one above the other as a PNG, enlarged so that high-resolution screens show sharp pixels."""
    separator = np.full((CROP_GAP, crops[0].shape[1], 3), 128, dtype=np.uint8)
    parts = [part for crop in crops for part in (separator, crop)][1:]
    return encode_png(enlarge(np.concatenate(parts), 2))
