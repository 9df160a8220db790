"""Snapshots: predictions on the same few validation images after every epoch.

Only labels are stored, never images: those of a data set are read from it for display, and uploaded ones stay with the
user.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from wbcseg.errors import ErrorCode, MaskError, RunError
from wbcseg.io import encode_png, open_mask
from wbcseg.io.atomic import write_bytes
from wbcseg.io.foreign import read_plain_file
from wbcseg.labels import Labels, to_grey
from wbcseg.training.runs.folder import Run

MAX_SNAPSHOT_IMAGES: Final = 8
MAX_INPUT_SIZE: Final = 2_000
"""Maximum side of a snapshot's images in pixels."""

MAX_SNAPSHOT_BYTES: Final = 20_000_000
"""Maximum size of a snapshot's file."""
SNAPSHOTS_FILE: Final = "snapshots.json"
SNAPSHOT_FOLDER: Final = "snapshots"
EXPERT_NAME: Final = "expert"


@dataclass(frozen=True)
class Snapshots:
    """What snapshots a run has.

    Attributes:
        ids: Ids of the images, in the order of :func:`load_snapshot`.
        input_size: Side of the network's input in pixels.
        epochs: Epochs with a snapshot; 0 is the untrained network.
    """

    ids: tuple[str, ...]
    input_size: int
    epochs: tuple[int, ...]


def select_snapshot_indices(count: int) -> list[int]:
    """Return which of ``count`` validation images to use: up to :data:`MAX_SNAPSHOT_IMAGES`, evenly spread."""
    return (
        sorted({round(i * (count - 1) / max(1, MAX_SNAPSHOT_IMAGES - 1)) for i in range(MAX_SNAPSHOT_IMAGES)})
        if count
        else []
    )


def start_snapshots(run: Run, ids: Sequence[str], expert_labels: Labels) -> None:
    """Store the images' ids and expert labels, unless they are stored already.

    Args:
        run: The run.
        ids: Ids of the images.
        expert_labels: Their expert labels, ``uint8[N, S, S]``.

    Raises:
        RunError: If the folder cannot be written.
    """
    if (run.folder / SNAPSHOTS_FILE).exists():
        return
    try:
        (run.folder / SNAPSHOT_FOLDER).mkdir(exist_ok=True)
    except OSError as error:
        raise RunError(
            f"Run folder {run.folder} cannot be written: {error.strerror or error}", code=ErrorCode.WRITE_FAILED
        ) from None
    _write_snapshot(run, EXPERT_NAME, expert_labels)
    run.write(SNAPSHOTS_FILE, {"ids": list(ids), "input_size": int(expert_labels.shape[1])})


def add_snapshot(run: Run, epoch: int, labels: Labels) -> None:
    """Store the snapshot of an epoch: labels ``uint8[N, S, S]``.

    Raises:
        RunError: If the folder cannot be written.
    """
    _write_snapshot(run, f"{epoch:05}", labels)


def load_snapshots(run: Run) -> Snapshots | None:
    """Return which snapshots a run has, or ``None`` before the first."""
    try:
        values = run.read(SNAPSHOTS_FILE)
        epoch_names = sorted(path.stem for path in (run.folder / SNAPSHOT_FOLDER).glob("[0-9]*.png"))
        ids, input_size = tuple(map(str, values["ids"])), int(values["input_size"])
        if not 0 < len(ids) <= MAX_SNAPSHOT_IMAGES or not 0 < input_size <= MAX_INPUT_SIZE:
            return None
        return Snapshots(ids, input_size, tuple(map(int, epoch_names)))
    except (RunError, OSError, KeyError, TypeError, ValueError):
        return None


def load_snapshot(run: Run, snapshots: Snapshots, epoch: int | None) -> Labels:
    """Return the labels of an epoch, or the expert's (``None``): ``uint8[N, S, S]``.

    Raises:
        RunError: If it is missing or damaged.
    """
    path = _get_snapshot_path(run, EXPERT_NAME if epoch is None else f"{epoch:05}")
    try:
        return open_mask(read_plain_file(path, MAX_SNAPSHOT_BYTES), name=path.name).reshape(
            len(snapshots.ids), snapshots.input_size, snapshots.input_size
        )
    except (OSError, ValueError, MaskError) as error:
        raise RunError(
            f"File {path.name} of run {run.name} cannot be read: {error}", file=path.name, code=ErrorCode.UNREADABLE
        ) from None


def _write_snapshot(run: Run, name: str, labels: Labels) -> None:
    path = _get_snapshot_path(run, name)
    try:
        write_bytes(path, encode_png(to_grey(np.ascontiguousarray(labels.reshape(-1, labels.shape[-1])))))
    except OSError as error:
        raise RunError(
            f"Run folder {run.folder} cannot be written: {error.strerror or error}", code=ErrorCode.WRITE_FAILED
        ) from None


def _get_snapshot_path(run: Run, name: str) -> Path:
    return run.folder / SNAPSHOT_FOLDER / f"{name}.png"
