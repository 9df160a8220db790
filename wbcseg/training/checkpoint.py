"""Checkpoints: everything needed to resume a training in one file, and the previous one beside it.

The format is safetensors: plain arrays with a checked header, which cannot contain code.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from wbcseg.errors import ErrorCode, RunError
from wbcseg.io.arrays import Arrays, read_arrays, write_arrays
from wbcseg.io.atomic import atomic_write

CHECKPOINT_FILE: Final = "checkpoint.safetensors"
PREVIOUS_CHECKPOINT_FILE: Final = "checkpoint.previous.safetensors"
BEST_WEIGHTS_FILE: Final = "best.safetensors"

WEIGHT_PREFIX: Final = "weight/"
"""Prefix of the names of trained weights."""

EMA_PREFIX: Final = "ema/"
"""Prefix of the names of running averages of weights."""


@dataclass(frozen=True)
class Checkpoint:
    """The state after a whole epoch.

    Attributes:
        arrays: Weights, running averages and variables of the optimiser, by name.
        epoch: Number of epochs done.
        history: One row per epoch.
    """

    arrays: Arrays
    epoch: int
    history: list[dict[str, float]]


def get_size(folder: Path) -> int:
    """Return the size of the last checkpoint in bytes, 0 before the first."""
    try:
        return (folder / CHECKPOINT_FILE).stat().st_size
    except OSError:
        return 0


def save_checkpoint(folder: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint; the current one becomes the previous one.

    A process that is killed meanwhile leaves at least one complete checkpoint.

    Raises:
        OSError: If the disk is full or the folder cannot be written.
    """
    training_json = json.dumps({"epoch": checkpoint.epoch, "history": checkpoint.history})
    with atomic_write(folder / CHECKPOINT_FILE, previous=folder / PREVIOUS_CHECKPOINT_FILE) as temporary:
        write_arrays(checkpoint.arrays, temporary, {"training": training_json})


def load_checkpoint(folder: Path) -> Checkpoint | None:
    """Read the newest complete checkpoint: the current one or, if that is damaged, the previous one.

    Returns:
        The checkpoint, or ``None`` if there is none yet.

    Raises:
        RunError: If there are checkpoints but none can be read.
    """
    reasons = []
    for name in (CHECKPOINT_FILE, PREVIOUS_CHECKPOINT_FILE):
        path = folder / name
        if not path.exists():
            continue
        try:
            arrays, metadata = read_arrays(path)
            details = json.loads(metadata["training"])
            return Checkpoint(arrays, int(details["epoch"]), list(details["history"]))
        except (RunError, KeyError, ValueError, TypeError) as error:
            reasons.append(str(error))
    if reasons:
        raise RunError(
            f"No checkpoint in {folder} can be read: {' '.join(reasons)}",
            code=ErrorCode.DAMAGED,
            hint="Start a new training.",
        )
    return None


def select_export_weights(arrays: Arrays) -> Arrays:
    """Return the weights to export: the running averages if there are any, else the weights."""
    prefix = EMA_PREFIX if any(name.startswith(EMA_PREFIX) for name in arrays) else WEIGHT_PREFIX
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}


def load_final_weights(folder: Path) -> Arrays | None:
    """Return the weights to export after the last whole epoch; ``None`` before the first.

    Raises:
        RunError: If there are checkpoints but none can be read.
    """
    latest = load_checkpoint(folder)
    return select_export_weights(latest.arrays) if latest else None


def save_best_weights(folder: Path, arrays: Arrays, score: float) -> None:
    """Write the weights with the best score so far."""
    with atomic_write(folder / BEST_WEIGHTS_FILE) as temporary:
        write_arrays(arrays, temporary, {"score": repr(score)})


def load_best_weights(folder: Path) -> tuple[Arrays, float] | None:
    """Read the best weights and their score; ``None`` if there are none or they are damaged."""
    try:
        arrays, metadata = read_arrays(folder / BEST_WEIGHTS_FILE)
        return arrays, float(metadata["score"])
    except (RunError, KeyError, ValueError):
        return None


def drop_checkpoints(folder: Path) -> None:
    """Delete the checkpoints and best weights of a finished training, which has its model."""
    for name in (CHECKPOINT_FILE, PREVIOUS_CHECKPOINT_FILE, BEST_WEIGHTS_FILE):
        (folder / name).unlink(missing_ok=True)
