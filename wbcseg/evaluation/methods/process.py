"""Train a method in a process of its own, which gives its memory back, and delete a trained one."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from typing import Final

from wbcseg.errors import ErrorCode, RunError, TrainingError
from wbcseg.inference import ModelEntry
from wbcseg.models.card import ModelCard
from wbcseg.paths import IMPORT_ROOT, get_runs_folder
from wbcseg.training.config import UPLOADED_DATASET
from wbcseg.training.runs.names import check_run_name, find_free_name, label_dataset

MAX_SECONDS: Final = 600.0
"""Time after which a training is ended: on a slow computer it takes minutes."""


def train_in_process(method: str, dataset: str, *, name: str = "", data: bytes | None = None) -> ModelCard:
    """Train a method, wait for it, and return the card of the model, which the catalog lists.

    Args:
        method: Name of the method.
        dataset: Name of a data set.
        name: Name of the model, by default one that is made of method and data set.
        data: A zip of images and masks, for the data set ``upload``.

    Raises:
        RunError: If the name is not allowed or taken.
        TrainingError: If the training failed, with what it said.
    """
    name = name or find_free_name(f"{method}-{label_dataset(dataset)}", get_runs_folder())
    check_run_name(name)
    folder = get_runs_folder() / name
    if folder.exists():
        raise RunError(f"There is {name} already.", code=ErrorCode.ALREADY_EXISTS, hint="Choose another name.")
    options = ["--architecture", method, "--dataset", dataset, "--name", str(folder)]
    try:
        done = subprocess.run(
            [sys.executable, "-m", "wbcseg", "train", *options],
            input=data if dataset == UPLOADED_DATASET else b"",
            cwd=IMPORT_ROOT,
            capture_output=True,
            timeout=MAX_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        shutil.rmtree(folder, ignore_errors=True)
        raise TrainingError(f"The training took more than {MAX_SECONDS:.0f} s and was ended.") from None
    except OSError as error:
        raise TrainingError(f"The training could not be started: {error.strerror or error}.") from None
    if done.returncode:
        shutil.rmtree(folder, ignore_errors=True)
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        reason = lines[-1].removeprefix("Error: ") if lines else f"its process ended with {done.returncode}"
        raise TrainingError(f"The training failed: {reason}")
    return ModelCard.read(folder)


def delete_method(entry: ModelEntry) -> None:
    """Delete a method that was trained on this computer.

    Raises:
        RunError: If it came with the package, is a run of a network, or cannot be deleted.
    """
    if entry.shipped or not entry.card.is_method or (entry.folder / "config.json").exists():
        raise RunError(f"{entry.name} is not a method that was trained on this computer.", code=ErrorCode.INVALID_VALUE)
    # Hidden first, so that no reader finds half a model.
    hidden_folder = entry.folder.with_name(f".deleted-{time.time_ns()}")
    try:
        entry.folder.rename(hidden_folder)
        shutil.rmtree(hidden_folder)
    except OSError as error:
        raise RunError(
            f"{entry.name} cannot be deleted: {error.strerror or error}", code=ErrorCode.WRITE_FAILED
        ) from None
