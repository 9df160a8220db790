"""Train the network of the type model, or resume. The training folder holds settings and checkpoints."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from wbcseg.celltype_training.batches import Batch, FeatureScale, iterate_batches
from wbcseg.celltype_training.library import CellLibrary
from wbcseg.celltype_training.options import TypeOptions
from wbcseg.celltype_training.pretrained import read_efficientnet
from wbcseg.errors import ErrorCode, RunError
from wbcseg.models.weights import read_weights
from wbcseg.training.checkpoint import load_final_weights
from wbcseg.training.steps.loop import (
    StepReport,
    read_options,
    restore_checkpoint,
    run_steps,
    write_options,
)


def train_types(
    folder: Path,
    library: CellLibrary,
    options: TypeOptions,
    *,
    excluded: frozenset[str] = frozenset(),
    encoder: Path | None = None,
    start_from: Path | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    on_report: Callable[[StepReport], None] = lambda _: None,
) -> bool:
    """Train to the end or resume.

    Args:
        folder: The training folder.
        library: The cells.
        options: The settings.
        excluded: Names of images that are not learned from beside those that are held out, such as others of a
            held-out cell.
        encoder: Weights that the network starts from: for kind ``encoder`` those of a U-Net of 16 base filters
            (safetensors), for kind ``efficientnet`` the published ones
            (:func:`wbcseg.celltype_training.pretrained.read_efficientnet`); without them it starts from nothing.
        start_from: Training folder to start from, unless there is a checkpoint.
        should_stop: Asked after every step.
        on_report: Called now and then.

    Returns:
        Whether the training is finished; ``False`` if it was stopped, with a checkpoint.

    Raises:
        RunError: If a checkpoint or the weights to start from cannot be read.
        TrainingError: If they belong to another network.
        WeightsError: If the encoder's weights cannot be read or are of another network.
    """
    from wbcseg.celltype_training.augment import build_augmentation
    from wbcseg.celltype_training.efficientnet import initialise_efficientnet
    from wbcseg.celltype_training.losses import compute_type_losses
    from wbcseg.celltype_training.networks import build_network, initialise_encoder
    from wbcseg.training.steps.trainer import StepTrainer

    augment = build_augmentation(options.severity)
    trainer = StepTrainer(lambda: build_network(options), compute_type_losses, options, augment)
    start = restore_checkpoint(trainer, folder)
    if start is None and start_from is not None:
        weights = load_final_weights(start_from)
        if weights is None:
            raise RunError(f"Folder {start_from} has no checkpoint.", code=ErrorCode.NOT_FOUND)
        trainer.start_from(weights)
    elif start is None and encoder is not None and options.network in ("efficientnet", "encoder"):
        if options.network == "efficientnet":
            inputs, _ = augment(*next(_iterate(library, options, excluded, 0)))
            initialise_efficientnet(trainer.model, read_efficientnet(encoder), inputs)
        else:
            initialise_encoder(trainer.model, read_weights(encoder))
        trainer.reset_averages()
    write_options(folder, options.to_dict())
    batches = _iterate(library, options, excluded, start[0] if start else 0)
    return run_steps(trainer, batches, folder, options.steps, start, should_stop=should_stop, on_report=on_report)


def fit_head(
    folder: Path,
    library: CellLibrary,
    options: TypeOptions,
    encoder: Path,
    *,
    copies: int,
    excluded: frozenset[str] = frozenset(),
    on_progress: Callable[[str], None] = print,
) -> None:
    """Train a network of kind ``head``; see :func:`wbcseg.celltype_training.head.train_head`.

    Raises:
        WeightsError: If the encoder's weights cannot be read or are of another network.
    """
    from wbcseg.celltype_training.head import train_head

    indices, scale = select_training_cells(library, options.sources, excluded), fit_scale(library, options, excluded)
    train_head(folder, library, options, read_weights(encoder), indices, scale, copies, on_progress)


def load_options(folder: Path) -> TypeOptions:
    """Return the settings of the training in a folder.

    Raises:
        RunError: If they cannot be read.
    """
    return read_options(folder, TypeOptions)


def select_training_cells(
    library: CellLibrary, sources: tuple[str, ...], excluded: frozenset[str] = frozenset()
) -> NDArray[np.intp]:
    """Return the indices of the cells that are learned from, ``int[N]``."""
    return _select(library, sources, excluded, for_calibration=False)


def select_calibration_cells(
    library: CellLibrary, sources: tuple[str, ...], excluded: frozenset[str] = frozenset()
) -> NDArray[np.intp]:
    """Return the indices of the cells that probabilities are calibrated on, ``int[N]``: of one image in twelve."""
    return _select(library, sources, excluded, for_calibration=True)


def _select(
    library: CellLibrary, sources: tuple[str, ...], excluded: frozenset[str], *, for_calibration: bool
) -> NDArray[np.intp]:
    indices = library.find(part="train", sources=sources)
    names = [library.cells[index].name for index in indices]
    is_chosen = [
        name not in excluded | IDENTICAL_IMAGES and is_for_calibration(name) == for_calibration for name in names
    ]
    return indices[np.array(is_chosen, np.bool_)]


def is_for_calibration(name: str) -> bool:
    """Return whether an image is kept for calibration: one in :data:`CALIBRATION_INTERVAL`, by its name."""
    return zlib.crc32(name.encode()) % CALIBRATION_INTERVAL == 0


CALIBRATION_INTERVAL: Final = 12

IDENTICAL_IMAGES: Final = frozenset(("MO_145357.jpg",))
"""Images that may train but are identical, byte for byte, to one that is held out; nothing learns from them."""


def fit_scale(library: CellLibrary, options: TypeOptions, excluded: frozenset[str] = frozenset()) -> FeatureScale:
    """Return the scale of the measurements of the cells that are learned from."""
    return FeatureScale.fit(library.features[select_training_cells(library, options.sources, excluded)])


def _iterate(library: CellLibrary, options: TypeOptions, excluded: frozenset[str], step: int) -> Iterator[Batch]:
    indices = select_training_cells(library, options.sources, excluded)
    scale = fit_scale(library, options, excluded)
    return iterate_batches(library, indices, scale, options.batch_size, 10_000 * options.seed + step)
