"""Train one of the two networks, resume a training, and export what is trained.

A training folder holds, for each network, a folder with its checkpoints and settings, and at the top level the
exported networks and their card: it is a cell detector itself.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from wbcseg.detector_training.batches import BatchSource, DetectorBatches, VerifierBatches, run_in_processes
from wbcseg.detector_training.card import DEFAULT_THRESHOLDS, write_detector_card
from wbcseg.detector_training.options import NetworkName, TrainingOptions
from wbcseg.errors import ErrorCode, ModelError, RunError
from wbcseg.inference.detection import DetectorCard, Thresholds
from wbcseg.inference.detection.card import DETECTOR_FILE, VERIFIER_FILE
from wbcseg.io.arrays import Arrays, read_arrays
from wbcseg.io.atomic import write_bytes
from wbcseg.training.checkpoint import load_final_weights
from wbcseg.training.steps.loop import StepReport, read_options, restore_checkpoint, run_steps, write_options

MODEL_FILES: Final[dict[NetworkName, str]] = {"detector": DETECTOR_FILE, "verifier": VERIFIER_FILE}

SEED_STRIDES: Final[dict[NetworkName, int]] = {"detector": 10_000, "verifier": 50_000}
"""Distance of the random fields of two seeds."""


def train_network(
    network: NetworkName,
    folder: Path,
    library: Path,
    options: TrainingOptions,
    *,
    composers: int,
    start_from: Path | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    on_report: Callable[[StepReport], None] = lambda _: None,
) -> bool:
    """Train a network to the end or resume its training, and export it.

    Args:
        network: Which network; the verifier needs the folder's exported detector network.
        folder: The training folder.
        library: Folder of the library.
        options: The settings.
        composers: Number of processes that compose fields; with 0, this process does.
        start_from: Training folder, detector or weight file (safetensors) to start from, unless there is a checkpoint.
        should_stop: Asked after every step.
        on_report: Called now and then.

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
    trainer = NetworkTrainer(network, options)
    start = restore_checkpoint(trainer, own_folder)
    if start is None and start_from is not None:
        trainer.start_from(_load_weights(start_from, network, library, options))
    write_options(own_folder, options.to_dict())
    first_seed = SEED_STRIDES[network] * options.seed + (start[0] if start else 0)
    seeds = [first_seed + 200 * index for index in range(composers)]
    with run_in_processes(source, seeds) as batches:
        is_finished = run_steps(
            trainer, batches, own_folder, options.steps, start, should_stop=should_stop, on_report=on_report
        )
    if is_finished:
        write_bytes(folder / MODEL_FILES[network], export_network(network, own_folder, library, options))
    return is_finished


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
    return read_options(folder, TrainingOptions)


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


def _load_weights(path: Path, network: NetworkName, library: Path, options: TrainingOptions) -> Arrays:
    """Return the weights of a file, of a training folder, or of an exported network."""
    if not path.is_dir():
        return read_arrays(path)[0]
    weights = load_final_weights(path / network)
    if weights is not None:
        return weights
    exported = path / MODEL_FILES[network]
    if not exported.exists():
        raise RunError(
            f"Folder {path} has neither a checkpoint of the {network} network nor {exported.name}.",
            code=ErrorCode.NOT_FOUND,
        )
    from wbcseg.detector_training.export import collect_calibration_images
    from wbcseg.detector_training.restore import restore_weights

    images = collect_calibration_images(network, library, options)
    return restore_weights(network, exported.read_bytes(), options, images)
