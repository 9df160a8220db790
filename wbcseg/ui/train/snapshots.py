"""A network's predictions on the same validation images, epoch by epoch."""
# ruff: noqa: ARG001 (arguments that a cached function does not read are its keys)

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from wbcseg.datasets import DATASETS, list_datasets
from wbcseg.errors import WbcsegError
from wbcseg.io import encode_png
from wbcseg.labels import CLASS_NAMES, PALETTES
from wbcseg.splitting.thesis import get_original_id, is_flipped_copy, make_flipped_copy
from wbcseg.training import Run, TrainingConfig
from wbcseg.training.runs.snapshots import Snapshots, load_snapshot, load_snapshots
from wbcseg.transforms.padding import pad_to_square
from wbcseg.ui import cache
from wbcseg.ui.components.image import show_png
from wbcseg.ui.components.table import show_table
from wbcseg.ui.formatting import MISSING_TEXT, escape_markdown, get_local_id, get_mask_title
from wbcseg.visualization import colorize, colorize_errors, enlarge

DEFAULT_SNAPSHOTS: Final = 8
"""Number of epochs that are shown by default."""

MIN_SNAPSHOT_WIDTH: Final = 76
"""Minimum width of a column in pixels: four fit side by side on a phone."""

DEFAULT_CELLS: Final = 3
"""Number of cells that are shown by default."""

SECONDS_PER_FRAME: Final = 0.7
"""Interval between two epochs of the film."""

CROP_GAP: Final = 2
"""Gap between two crops in pixels."""


@dataclass(frozen=True)
class FilmView:
    """How the film is drawn.

    Attributes:
        palette: A key of :data:`wbcseg.labels.PALETTES`.
        cells: Which of the stored images are shown.
        show_errors: Whether errors are drawn instead of classes.
    """

    palette: str
    cells: tuple[int, ...]
    show_errors: bool


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
    """Show the images, the experts' masks, and the predictions after a choice of epochs, as a film."""
    snapshots = load_snapshots(run)
    if snapshots is None or not snapshots.epochs:
        st.caption("Appears when the network has been built." if is_active else "This run has stored none.")
        return
    is_playing = bool(st.session_state.get(f"playing_{run.name}"))
    st.fragment(_render_film, run_every=SECONDS_PER_FRAME if is_playing else None)(run, config, palette, is_playing)


def _render_film(run: Run, config: TrainingConfig, palette: str, was_playing: bool) -> None:
    snapshots = load_snapshots(run)
    if snapshots is None or not snapshots.epochs:
        return
    if bool(st.session_state.get(f"playing_{run.name}")) != was_playing:
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        epoch = _select_epoch(run, snapshots)
        cells = _select_cells(run, snapshots)
        show_errors = st.toggle(
            "Show errors",
            key="film_errors",
            help="False negatives blue, false positives orange, wrong class pink; what is right is grey.",
        )
    view = FilmView(palette, cells, show_errors)
    visible_epochs = sorted({*sample_epochs(snapshots.epochs), epoch})
    true_mask = get_mask_title(f"{config.dataset}/")
    with st.grid("auto", min_column_width=MIN_SNAPSHOT_WIDTH, gap=("small", "xsmall"), key="snapshots") as grid:
        images_png = _load_images_png(config, snapshots, cells)
        if images_png is not None:
            image_names = ", ".join(get_local_id(snapshots.ids[cell]) for cell in cells)
            with grid.cell(), st.container(gap=None):
                show_png(images_png, f"The validation images {image_names}")
                st.caption("Image")
        for shown_epoch in (None, *visible_epochs):
            with grid.cell(), st.container(gap=None):
                _show_snapshot(run, snapshots, shown_epoch, view, true_mask, bold=shown_epoch == epoch)
    if images_png is None:
        st.caption("A run stores only the masks of uploaded images and the network's predictions, not the images.")
    _show_confusion(run, epoch)
    if was_playing:
        _advance(run, snapshots, epoch)


def _select_epoch(run: Run, snapshots: Snapshots) -> int:
    """Show a control for the epoch, by default the newest, and a button that plays all epochs."""
    key, touched_key = f"snapshot_epoch_{run.name}", f"snapshot_touched_{run.name}"
    newest = snapshots.epochs[-1]
    if len(snapshots.epochs) < 2:
        return newest
    if (next_epoch := st.session_state.pop(f"next_{key}", None)) in snapshots.epochs:
        st.session_state[key], st.session_state[touched_key] = next_epoch, True
    if not st.session_state.get(touched_key) or st.session_state.get(key) not in snapshots.epochs:
        st.session_state[key] = newest

    def mark_touched() -> None:
        st.session_state[touched_key] = st.session_state[key] != newest

    is_playing = bool(st.session_state.get(f"playing_{run.name}"))
    st.button(
        "Pause" if is_playing else "Play",
        icon=":material/pause:" if is_playing else ":material/play_arrow:",
        key=f"play_{run.name}",
        on_click=_toggle_play,
        args=(run, snapshots),
    )
    return st.select_slider(
        "Epoch",
        snapshots.epochs,
        key=key,
        on_change=mark_touched,
        width=360,
        help="Any epoch can be shown; 0 is the untrained network.",
    )


def _toggle_play(run: Run, snapshots: Snapshots) -> None:
    playing_key, key = f"playing_{run.name}", f"snapshot_epoch_{run.name}"
    st.session_state[playing_key] = not st.session_state.get(playing_key)
    # At the end, it starts again.
    if st.session_state[playing_key] and st.session_state.get(key) == snapshots.epochs[-1]:
        st.session_state[f"next_{key}"] = snapshots.epochs[0]


def _advance(run: Run, snapshots: Snapshots, epoch: int) -> None:
    """Choose the next epoch for the next frame; after the last one, the film stops."""
    position = snapshots.epochs.index(epoch)
    if position + 1 < len(snapshots.epochs):
        st.session_state[f"next_snapshot_epoch_{run.name}"] = snapshots.epochs[position + 1]
    else:
        st.session_state[f"playing_{run.name}"] = False
        st.rerun()


def _select_cells(run: Run, snapshots: Snapshots) -> tuple[int, ...]:
    """Show a control for the cells, where there is a choice; by default the first, the middle and the last."""
    count = len(snapshots.ids)
    if count <= DEFAULT_CELLS:
        return tuple(range(count))
    chosen = st.pills(
        "Cells",
        range(count),
        selection_mode="multi",
        default=[0, (count - 1) // 2, count - 1],
        format_func=lambda cell: get_local_id(snapshots.ids[cell]),
        key=f"film_cells_{run.name}",
    )
    return tuple(sorted(chosen)) or (0,)


def _show_confusion(run: Run, epoch: int) -> None:
    """Show where the pixels of each class of the experts went in the selected epoch."""
    rows = run.load_metrics()
    row = rows[epoch - 1] if 0 < epoch <= len(rows) else {}
    counts = [[row.get(f"val_confusion_{truth}_{given}") for given in CLASS_NAMES] for truth in CLASS_NAMES]
    if any(count is None for line in counts for count in line):
        return
    table = []
    for truth, line in zip(CLASS_NAMES, counts, strict=True):
        total = sum(count or 0 for count in line)
        shares = [f"{100 * (count or 0) / total:.1f} %" if total else MISSING_TEXT for count in line]
        table.append([f"Expert: {truth}", *shares])
    st.caption(f"Confusion after epoch {epoch}: where the pixels of each class went, on all validation images.")
    show_table(["", *(f"Network: {name}" for name in CLASS_NAMES)], table, f"Confusion after epoch {epoch}")


def _show_snapshot(
    run: Run, snapshots: Snapshots, epoch: int | None, view: FilmView, true_mask: str, *, bold: bool
) -> None:
    title = true_mask if epoch is None else f"Epoch {epoch}"
    try:
        start_mtime_ns = (run.folder / "snapshots.json").stat().st_mtime_ns
        png = _render_snapshot(run, snapshots, str(run.folder), start_mtime_ns, epoch, view)
    except (WbcsegError, OSError) as error:
        st.markdown(":material/broken_image:", help=escape_markdown(str(error)))
    else:
        show_png(png, true_mask if epoch is None else f"Predictions after epoch {epoch}")
    st.caption(f"**{title}**" if bold else title)


# A snapshot never changes; but a new run can have the name of a deleted one, hence the time of its first snapshot.
@st.cache_data(max_size="8MiB", show_spinner=False)
def _render_snapshot(
    _run: Run, _snapshots: Snapshots, folder: str, start_mtime_ns: int, epoch: int | None, view: FilmView
) -> bytes:
    labels = load_snapshot(_run, _snapshots, epoch)
    if not view.show_errors or epoch is None:
        return _encode_stack([colorize(labels[cell], PALETTES[view.palette]) for cell in view.cells])
    expert = load_snapshot(_run, _snapshots, None)
    return _encode_stack([colorize_errors(labels[cell], expert[cell]) for cell in view.cells])


def _load_images_png(config: TrainingConfig, snapshots: Snapshots, cells: tuple[int, ...]) -> bytes | None:
    """Return the images of the snapshots as a PNG, where they are on this computer."""
    ready_datasets = {entry.name for entry in list_datasets() if entry.ready}
    source_datasets = {sample_id.partition("/")[0] for sample_id in snapshots.ids}
    if not {*config.dataset.split("+")} <= {*DATASETS} or not source_datasets <= ready_datasets:
        return None
    try:
        return _render_images(tuple(snapshots.ids[cell] for cell in cells), snapshots.input_size, config.two_stage)
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
