"""Train a method without a deep network, and write it as a model that the catalog lists."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from wbcseg import __version__
from wbcseg.datasets import check_dataset, open_dataset
from wbcseg.datasets.base import Dataset
from wbcseg.errors import ErrorCode, RunError
from wbcseg.evaluation.heldout import evaluate_heldout, summarise_scores
from wbcseg.inference import Segmenter
from wbcseg.io.atomic import write_bytes
from wbcseg.io.mask_meaning import as_correction
from wbcseg.io.records import read_record
from wbcseg.labels import CLASS_NAMES
from wbcseg.models.card import METHOD_FILE, NOTICE, ModelCard
from wbcseg.models.card_records import Environment, TrainingRecord
from wbcseg.models.file_record import FileRecord
from wbcseg.models.method_registry import get_method
from wbcseg.models.pixels.method_model import encode_arrays
from wbcseg.training.methods.config import MethodConfig
from wbcseg.training.methods.fit import FittedMethod, fit_method, split_dataset
from wbcseg.training.tf_env import describe_environment


def train_method(
    config: MethodConfig,
    folder: Path,
    *,
    dataset: Dataset | None = None,
    on_message: Callable[[str], None] = lambda _: None,
) -> ModelCard:
    """Train a method, score it on its held-out images and write it as a model.

    Args:
        config: The settings.
        folder: The model's folder, which must not exist or be empty.
        dataset: The data set, by default the one that the settings name.
        on_message: Called with sentences about what happens.

    Raises:
        WbcsegError: If the data cannot be used, or the folder holds something or cannot be written.
    """
    _check_empty(folder)
    correction = as_correction(config.mask_correction)
    dataset = dataset or open_dataset(config.dataset, download=True, correction=correction)
    check_dataset(dataset, correction=correction)
    splits, samples = split_dataset(dataset, folds=config.folds, seed=config.split_seed)
    split = splits[config.fold]
    on_message(f"{len(split.train)} images for training, {len(split.test)} for validation (leak-free split)")
    fitted = fit_method(config, split, samples)
    on_message(f"Trained in {fitted.seconds:.1f} s ({fitted.cpu_seconds:.1f} s of processor time)")
    draft = write_method(config, fitted, folder, acknowledgement=dataset.acknowledgement)
    scores = summarise_scores(evaluate_heldout(Segmenter(folder, draft), dataset))
    card = dataclasses.replace(draft, test_metrics=scores)
    card.write(folder)
    return card


def write_method(config: MethodConfig, fitted: FittedMethod, folder: Path, *, acknowledgement: str = "") -> ModelCard:
    """Write what a method has learned, and return its card, which has no scores yet and is not written.

    Args:
        config: The settings.
        fitted: What it has learned.
        folder: The model's folder, made if it is missing.
        acknowledgement: Acknowledgement of the training data.

    Raises:
        RunError: If the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_bytes(folder / METHOD_FILE, encode_arrays(fitted.arrays))
    except OSError as error:
        raise RunError(
            f"Folder {folder} cannot be written: {error.strerror or error}.", code=ErrorCode.WRITE_FAILED
        ) from None
    return ModelCard(
        title=get_method(config.architecture).title,
        architecture=config.architecture,
        base_filters=0,
        parameters=count_values(config, fitted),
        input_size=config.input_size,
        classes=CLASS_NAMES,
        # The path of a user's own folder is private.
        config=config.to_dict() | {"dataset": Path(config.dataset).name},
        split=fitted.split.to_dict(),
        test_metrics=summarise_scores([]),
        training=TrainingRecord(epochs=0, seconds=round(fitted.seconds, 1), environment=get_environment()),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        files={"model": FileRecord.from_path(folder / METHOD_FILE)},
        acknowledgement=acknowledgement,
        notice=NOTICE,
        wbcseg_version=__version__,
    )


def count_values(config: MethodConfig, fitted: FittedMethod) -> int:
    """Return the number of learned values: none if the method learns nothing from masks."""
    if not get_method(config.architecture).learns_from_masks:
        return 0
    return sum(array.size for array in fitted.arrays.values())


def get_environment() -> Environment:
    """Return the hardware and software of this computer."""
    return read_record(Environment, describe_environment("float32"), "environment")


def _check_empty(folder: Path) -> None:
    if folder.exists() and any(folder.iterdir()):
        raise RunError(
            f"Folder {folder} holds something already.", code=ErrorCode.ALREADY_EXISTS, hint="Choose another name."
        )
