"""Train one of the two networks, resume a training, and export what is trained.

A training folder holds, for each network, a folder with its checkpoints and settings, and at the top level the
exported networks and their card: it is a cell detector itself.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from wbcseg.detector_training.batches import BatchSource, DetectorBatches, VerifierBatches, run_in_processes
from wbcseg.detector_training.card import DEFAULT_THRESHOLDS, write_detector_card
from wbcseg.detector_training.options import NetworkName, TrainingOptions
from wbcseg.errors import ErrorCode, ModelError, RunError
from wbcseg.inference.detection import DetectorCard, Thresholds
from wbcseg.inference.detection.card import DETECTOR_FILE, VERIFIER_FILE
from wbcseg.io.arrays import Arrays, read_arrays
from wbcseg.io.atomic import write_bytes, write_json
from wbcseg.training.checkpoint import Checkpoint, load_checkpoint, load_final_weights, save_checkpoint

OPTIONS_FILE: Final = "options.json"
MODEL_FILES: Final[dict[NetworkName, str]] = {"detector": DETECTOR_FILE, "verifier": VERIFIER_FILE}

CHECKPOINT_SECONDS: Final = 150.0
"""Seconds between two checkpoints."""

REPORT_STEPS: Final = 50
"""Steps over which losses are averaged."""

SEED_STRIDES: Final[dict[NetworkName, int]] = {"detector": 10_000, "verifier": 50_000}
"""Distance of the random fields of two seeds."""


@dataclass(frozen=True)
class Report:
    """Progress of a training.

    Attributes:
        network: Which network.
        step: Steps done.
        steps: Steps in total.
        losses: Mean losses since the last report, by name.
        seconds_per_step: Mean duration of a step.
        waiting: Share of it in which the training waited for composed fields.
    """

    network: NetworkName
    step: int
    steps: int
    losses: dict[str, float]
    seconds_per_step: float
    waiting: float


def train_network(
    network: NetworkName,
    folder: Path,
    library: Path,
    options: TrainingOptions,
    *,
    composers: int,
    start_from: Path | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    on_report: Callable[[Report], None] = lambda _: None,
) -> bool:
    """Train a network to the end or resume its training, and export it.

    Args:
        network: Which network; the verifier needs the folder's exported detector network.
        folder: The training folder.
        library: Folder of the library.
        options: The settings.
        composers: Number of processes that compose fields; with 0, this process does.
        start_from: Training folder or weight file (safetensors) to start from, unless there is a checkpoint.
        should_stop: Asked after every step.
        on_report: Called every :data:`REPORT_STEPS` steps and at the end.

    Returns:
        Whether the training is finished; ``False`` if it was stopped, with a checkpoint.

    Raises:
        RunError: If a checkpoint or the weights to start from cannot be read.
        TrainingError: If they belong to another network, or a composing process died.
        ModelError: If the verifier is trained without a detector network.
    """
    from wbcseg.detector_training.export import export_network
    from wbcseg.detector_training.trainer import NetworkTrainer

    source = _build_source(network, folder, library, options)
    own_folder = folder / network
    own_folder.mkdir(parents=True, exist_ok=True)
    checkpoint = load_checkpoint(own_folder)
    trainer = NetworkTrainer(network, options)
    step, history = 0, []
    if checkpoint is not None:
        trainer.restore(checkpoint.arrays)
        step, history = checkpoint.epoch, checkpoint.history
    elif start_from is not None:
        trainer.start_from(_load_weights(start_from, network))
    write_json(own_folder / OPTIONS_FILE, options.to_dict())

    def save() -> None:
        save_checkpoint(own_folder, Checkpoint(trainer.collect_state(), step, history))

    first_seed = SEED_STRIDES[network] * options.seed + step
    seeds = [first_seed + 200 * index for index in range(composers)]
    pending: list[dict[str, float]] = []
    saved_time = report_time = time.monotonic()
    waited = 0.0
    with run_in_processes(source, seeds) as batches:
        while step < options.steps and not should_stop():
            wait_start = time.monotonic()
            batch = next(batches)
            waited += time.monotonic() - wait_start
            pending.append(trainer.step(batch, step))
            step += 1
            now = time.monotonic()
            if step % REPORT_STEPS == 0 or step == options.steps:
                losses = {name: float(np.mean([row[name] for row in pending])) for name in pending[0]}
                elapsed = max(now - report_time, 1e-6)
                on_report(Report(network, step, options.steps, losses, elapsed / len(pending), waited / elapsed))
                history.append({"step": step, **losses, "seconds": round(elapsed, 2)})
                pending, report_time, waited = [], now, 0.0
            if now - saved_time > CHECKPOINT_SECONDS:
                save()
                saved_time = now
    save()
    if step < options.steps:
        return False
    write_bytes(folder / MODEL_FILES[network], export_network(network, own_folder, library, options))
    return True


def export_detector(folder: Path, library: Path, out: Path) -> DetectorCard:
    """Export both networks of a training folder anew, with a card.

    Args:
        folder: The training folder.
        library: Folder of the library, whose composed fields determine the range of values of every layer.
        out: Folder to write to; thresholds of a card in it are kept.

    Raises:
        RunError: If a network has not been trained.
    """
    from wbcseg.detector_training.export import export_network

    contents = {name: export_network(name, folder / name, library, load_options(folder / name)) for name in MODEL_FILES}
    out.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        write_bytes(out / MODEL_FILES[name], content)
    return write_detector_card(out, _read_thresholds(out))


def load_options(folder: Path) -> TrainingOptions:
    """Return the settings of the training in a network's folder.

    Raises:
        RunError: If they cannot be read.
    """
    try:
        return TrainingOptions(**json.loads((folder / OPTIONS_FILE).read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise RunError(
            f"There is no training in {folder}: it has no {OPTIONS_FILE}.", code=ErrorCode.NOT_FOUND
        ) from None
    except (OSError, ValueError, TypeError) as error:
        raise RunError(f"File {OPTIONS_FILE} in {folder} cannot be read: {error}.", code=ErrorCode.DAMAGED) from None


def finish_folder(folder: Path) -> DetectorCard:
    """Write the card of a training folder with both networks; thresholds of a card in it are kept."""
    return write_detector_card(folder, _read_thresholds(folder))


def _read_thresholds(folder: Path) -> Thresholds:
    try:
        return DetectorCard.read(folder).thresholds
    except ModelError:
        return DEFAULT_THRESHOLDS


def _build_source(network: NetworkName, folder: Path, library: Path, options: TrainingOptions) -> BatchSource:
    if network == "detector":
        return DetectorBatches(library, options.batch_size)
    if not (folder / DETECTOR_FILE).exists():
        raise ModelError(
            f"There is no {DETECTOR_FILE} in {folder}, whose candidates the verifier learns from.",
            file=DETECTOR_FILE,
            code=ErrorCode.NOT_FOUND,
            hint="Train the detector network first, or copy an exported one there.",
        )
    return VerifierBatches(library, options.batch_size, folder / DETECTOR_FILE, options.crop_side)


def _load_weights(path: Path, network: NetworkName) -> Arrays:
    """Return the weights of a file, or those of a training folder that would be exported."""
    if not path.is_dir():
        return read_arrays(path)[0]
    weights = load_final_weights(path / network)
    if weights is None:
        raise RunError(f"Folder {path} has no checkpoint of the {network} network.", code=ErrorCode.NOT_FOUND)
    return weights
