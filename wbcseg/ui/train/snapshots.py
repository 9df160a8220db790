"""What a network made of the same held-out pictures, epoch by epoch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from wbcseg.datasets import DATASET_NAMES, list_datasets
from wbcseg.errors import WbcsegError
from wbcseg.io import encode_png
from wbcseg.labels import PALETTES
from wbcseg.splitting.thesis import get_original_id, is_flipped_copy, make_flipped_copy
from wbcseg.training import Run, TrainingConfig
from wbcseg.training.runs import snapshots as films
from wbcseg.training.runs.snapshots import Snapshots
from wbcseg.transforms.padding import pad_to_square
from wbcseg.ui import cache
from wbcseg.ui.components.image import show_png
from wbcseg.ui.text import escape_markdown, get_local_id, get_mask_title
from wbcseg.visualization import colorize, enlarge

DEFAULT_SNAPSHOTS: Final = 8
"""Epochs that are shown unasked."""

MIN_SNAPSHOT_WIDTH: Final = 76
"""Narrowest cell in pixels: four fit beside each other on a phone."""

CROP_GAP: Final = 2
"""Pixels between two crops."""


def sample_epochs(epochs: Sequence[int], count: int = DEFAULT_SNAPSHOTS) -> list[int]:
    """Choose epochs that tell how a network learned: the first ones densely, later ones further apart, and the last.

    Args:
        epochs: The epochs that there are, in order.
        count: How many to choose at most, at least 2.
    """
    if len(epochs) <= count:
        return list(epochs)
    last = len(epochs) - 1
    places = {round(last ** (i / (count - 2))) for i in range(count - 1)} | {0, last}
    # Where powers fall together, the gaps that are widest in ratio are filled.
    free = [place for place in range(last + 1) if place not in places]
    while len(places) < count and free:
        taken = sorted(places)
        best = max(free, key=lambda place: min(abs(np.log((place + 1) / (other + 1))) for other in taken))
        places.add(best)
        free.remove(best)
    return [epochs[place] for place in sorted(places)]


def show_snapshots(run: Run, config: TrainingConfig, palette: str) -> None:
    """Show the pictures, the experts' masks, and what the network made of them after a choice of epochs."""
    film = films.load_snapshots(run)
    if film is None or not film.epochs:
        st.caption("The film begins when the network has been built.")
        return
    epoch = _select_epoch(run, film)
    shown = sorted({*sample_epochs(film.epochs), epoch})
    true_mask = get_mask_title(f"{config.dataset}/")
    with st.grid("auto", min_column_width=MIN_SNAPSHOT_WIDTH, gap=("small", "xsmall"), key="film") as grid:
        pictures = _load_images_png(config, film)
        if pictures is not None:
            names = ", ".join(get_local_id(one) for one in film.ids)
            with grid.cell(), st.container(gap=None):
                show_png(pictures, f"The held-out pictures {names}")
                st.caption("Picture")
        for one in (None, *shown):
            with grid.cell(), st.container(gap=None):
                _show_snapshot(run, film, one, palette, true_mask, bold=one == epoch)
    if pictures is None:
        st.caption("The pictures themselves are not kept with a training, only masks: theirs, and the network's.")


def _select_epoch(run: Run, film: Snapshots) -> int:
    """Ask for an epoch; until the reader has chosen one, it is the newest."""
    key, touched = f"film_epoch_{run.name}", f"film_touched_{run.name}"
    newest = film.epochs[-1]
    if len(film.epochs) < 2:
        return newest
    if not st.session_state.get(touched) or st.session_state.get(key) not in film.epochs:
        st.session_state[key] = newest

    def touch() -> None:
        st.session_state[touched] = st.session_state[key] != newest

    return st.select_slider(
        "Epoch",
        film.epochs,
        key=key,
        on_change=touch,
        width=420,
        help="Any epoch can be shown; 0 is the network before it has learned anything.",
    )


def _show_snapshot(run: Run, film: Snapshots, epoch: int | None, palette: str, true_mask: str, *, bold: bool) -> None:
    title = true_mask if epoch is None else f"Epoch {epoch}"
    try:
        begun = (run.folder / "film.json").stat().st_mtime_ns
        png = _render_snapshot(run, film, str(run.folder), begun, epoch, palette)
    except (WbcsegError, OSError) as problem:
        st.markdown(":material/broken_image:", help=escape_markdown(str(problem)))
    else:
        show_png(png, true_mask if epoch is None else f"What the network made of them after epoch {epoch}")
    st.caption(f"**{title}**" if bold else title)


# A frame is written once; but a new run can have the name of a deleted one, hence the time when its film began.
@st.cache_data(max_size="8MiB", show_spinner=False)
def _render_snapshot(_run: Run, _film: Snapshots, folder: str, begun: int, epoch: int | None, palette: str) -> bytes:  # noqa: ARG001
    labels = films.load_snapshot(_run, _film, epoch)
    return _encode_stack([colorize(one, PALETTES[palette]) for one in labels])


def _load_images_png(config: TrainingConfig, film: Snapshots) -> bytes | None:
    """Return the pictures of a film, where they are on this computer."""
    ready = {entry.name for entry in list_datasets() if entry.ready}
    origins = {one.partition("/")[0] for one in film.ids}
    if not {*config.dataset.split("+")} <= {*DATASET_NAMES} or not origins <= ready:
        return None
    try:
        return _render_images(film.ids, film.input_size, config.two_stage)
    except WbcsegError:
        return None


@st.cache_data(max_entries=32, show_spinner=False)
def _render_images(ids: tuple[str, ...], side: int, enlarge: bool) -> bytes:
    crops = []
    for one in ids:
        image = cache.load_image(one.partition("/")[0], get_original_id(one)).sample.image
        crop, _ = pad_to_square(image, side, enlarge=enlarge)
        crops.append(np.asarray(make_flipped_copy(crop), dtype=np.uint8) if is_flipped_copy(one) else crop)
    return _encode_stack(crops)


def _encode_stack(crops: Sequence[NDArray[np.uint8]]) -> bytes:
    """Write crops one above the other as a PNG, enlarged so that a fine screen shows sharp pixels."""
    line = np.full((CROP_GAP, crops[0].shape[1], 3), 128, dtype=np.uint8)
    parts = [part for crop in crops for part in (line, crop)][1:]
    return encode_png(enlarge(np.concatenate(parts), 2))
