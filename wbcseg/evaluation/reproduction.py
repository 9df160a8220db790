"""Reproduction of the thesis' experiments: its networks, settings and test images, scored as its notebooks did."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from wbcseg.datasets.base import Dataset
from wbcseg.errors import DatasetError
from wbcseg.evaluation.result_store import read_result
from wbcseg.evaluation.study_result import ExperimentResult, ThesisTestImage
from wbcseg.evaluation.thesis import THESIS_ARCHITECTURES, ThesisResult, load_thesis_result
from wbcseg.inference.tflite import TFLiteModel
from wbcseg.io.numbers import nan_if_none, round_or_none
from wbcseg.labels import CYTOPLASM, NUCLEUS
from wbcseg.metrics import accuracy_per_class, compute_confusion_counts, compute_mean_and_standard_error, dice
from wbcseg.models import get_spec
from wbcseg.models.card import MODEL_FILE
from wbcseg.paths import RESULTS
from wbcseg.splitting.thesis import (
    ALL_THESIS_BUGS,
    NO_THESIS_BUGS,
    ThesisDataset,
    build_thesis_dataset,
    encode_one_hot,
    get_original_id,
)
from wbcseg.training import PRESETS, Run, TrainingConfig

REPRODUCTION_FOLDER: Final = RESULTS / "reproduction"
FOREGROUND_CLASSES: Final = (CYTOPLASM, NUCLEUS)
STORED_DECIMALS: Final = 6

ExperimentKind = Literal["tables", "again", "annex"]
PredictFn = Callable[[NDArray[np.float32]], NDArray[np.float32]]


@dataclass(frozen=True)
class Experiment:
    """One of the thesis' trainings, to be reproduced.

    Attributes:
        name: Short name, also of its result.
        config: Its settings.
        kind: ``tables`` for the trainings in the thesis' tables, ``annex`` for those in its annex, without flipped
            copies, and ``again`` for a repetition with another seed, which shows the variation by chance.
    """

    name: str
    config: TrainingConfig
    kind: ExperimentKind = "tables"

    @property
    def title(self) -> str:
        """Its title in tables."""
        suffix = ", another seed" if self.kind == "again" else ""
        return f"{get_spec(self.config.architecture).title}, {self.config.base_filters} base filters{suffix}"


def _build_thesis_experiment(architecture: str) -> Experiment:
    return Experiment(architecture, PRESETS["thesis"].replace(architecture=architecture))


def _build_repeat_experiment(architecture: str) -> Experiment:
    config = _build_thesis_experiment(architecture).config
    return Experiment(f"{architecture}-again", config.replace(seed=config.seed + 1), "again")


def _build_annex_experiment(architecture: str) -> Experiment:
    # With all filters the annex takes as long as the tables, so the two slower networks have a quarter of them.
    base_filters = PRESETS["thesis"].base_filters if architecture == "unet" else 16
    config = PRESETS["thesis"].replace(architecture=architecture, flipped_copies=False, base_filters=base_filters)
    return Experiment(f"{architecture}-without-copies", config, "annex")


EXPERIMENTS: Final[dict[str, Experiment]] = {
    experiment.name: experiment
    for experiment in (
        *map(_build_thesis_experiment, THESIS_ARCHITECTURES),
        # The other networks meet the published values with the first seed.
        _build_repeat_experiment("segnet"),
        *map(_build_annex_experiment, THESIS_ARCHITECTURES),
    )
}
"""The experiments of Tables 1 to 3, then the repetition, then the annex."""


def list_experiments(kind: ExperimentKind) -> list[Experiment]:
    """Return all experiments of a kind."""
    return [experiment for experiment in EXPERIMENTS.values() if experiment.kind == kind]


def score_like_thesis(predict: PredictFn, thesis_dataset: ThesisDataset) -> list[ThesisTestImage]:
    """Score the test images as the thesis did: each class's rounded probability against its one-hot target.

    Rounding can leave a pixel without a class. The correct Dice of a class leaves out pixels whose target has no class
    (a bug of the notebooks: the last row and column). What the thesis prints as scores of a class are scores of a third
    of the image, see :mod:`wbcseg.evaluation.thesis`; the result has both.

    Args:
        predict: From ``float32[H, W, 3]`` in 0 to 1 to probabilities ``float32[H, W, 3]``.
        thesis_dataset: The arrays that the thesis trained on.

    Returns:
        One entry for each test image, in test order.
    """
    trained_ids = {get_original_id(sample_id) for sample_id in thesis_dataset.get_ids(thesis_dataset.train)}
    images = []
    for index in thesis_dataset.test:
        target = (encode_one_hot(thesis_dataset.labels[index], thesis_dataset.unlabelled[index]) > 0.5).astype(np.uint8)
        prediction = (predict(thesis_dataset.images[index].astype(np.float32) / 255.0) > 0.5).astype(np.uint8)
        has_target = target.any(axis=-1)
        dice_by_class: dict[str, float | None] = {}
        thesis_dice: dict[str, float | None] = {}
        thesis_jaccard: dict[str, float | None] = {}
        for pixel_class in FOREGROUND_CLASSES:
            counts = compute_confusion_counts(
                target[has_target, pixel_class.id], prediction[has_target, pixel_class.id], classes=2
            )
            dice_by_class[pixel_class.name] = round_or_none(dice(counts)[1], STORED_DECIMALS)
            counts = compute_confusion_counts(
                _reshape_like_thesis(target)[pixel_class.id],
                _reshape_like_thesis(prediction)[pixel_class.id],
                classes=2,
            )
            thesis_dice[pixel_class.name] = round_or_none(dice(counts)[1], STORED_DECIMALS)
            thesis_jaccard[pixel_class.name] = round_or_none(accuracy_per_class(counts)[1], STORED_DECIMALS)
        images.append(
            ThesisTestImage(
                id=thesis_dataset.ids[index],
                copy_in_training=get_original_id(thesis_dataset.ids[index]) in trained_ids,
                accuracy=round(float((target == prediction).mean()), STORED_DECIMALS),
                dice=dice_by_class,
                thesis_dice=thesis_dice,
                thesis_jaccard=thesis_jaccard,
            )
        )
    return images


def _reshape_like_thesis(encoded: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return ``uint8[H, W, 3]`` as ``[3, H, W]`` without moving axes, as the notebooks did by mistake."""
    height, width, classes = encoded.shape
    return encoded.reshape(classes, height, width)


def evaluate_experiment(experiment: Experiment, run: Run, dataset: Dataset) -> ExperimentResult:
    """Score a finished run of an experiment.

    Args:
        experiment: The experiment.
        run: Its run.
        dataset: The data set it was trained on.

    Raises:
        WbcsegError: If the run has no model, or the data has changed.
    """
    config = run.load_config()
    samples = [sample for sample in dataset if sample.mask is not None]
    thesis_dataset = build_thesis_dataset(
        samples, ALL_THESIS_BUGS if config.thesis_bugs else NO_THESIS_BUGS, flipped_copies=config.flipped_copies
    )
    if thesis_dataset.get_ids(thesis_dataset.test) != run.load_split().test:
        raise DatasetError(
            f"The test images of run {run.name} are not those of data set {dataset.name}, which has changed."
        )
    history = run.load_metrics()
    model = TFLiteModel((run.folder / MODEL_FILE).read_bytes(), name=run.name)
    return ExperimentResult(
        experiment=experiment.name,
        config=config.to_dict(),
        environment=run.load_environment(),
        seconds=round(sum(row["seconds"] for row in history), 1),
        history=tuple({name: round(value, STORED_DECIMALS) for name, value in row.items()} for row in history),
        images=tuple(score_like_thesis(model, thesis_dataset)),
    )


def list_experiment_files(folder: Path | None = None) -> list[Path]:
    """Return the result files of a folder, by default the shipped ones, in the order of :data:`EXPERIMENTS`."""
    return [path for name in EXPERIMENTS if (path := (folder or REPRODUCTION_FOLDER) / f"{name}.json").exists()]


def load_experiment_results(files: Sequence[Path]) -> dict[str, ExperimentResult]:
    """Return the results in files by experiment."""
    results = [ExperimentResult.from_dict(read_result(path)) for path in files]
    return {result.experiment: result for result in results}


@dataclass(frozen=True)
class ThesisComparison:
    """A row of a table: the value in the thesis beside that of the reproduction.

    Attributes:
        experiment: The experiment.
        metric: The metric.
        thesis: As printed, or ``None`` if the thesis does not have it.
        thesis_error: Its standard error over the test images (σ/√n), or ``None``.
        final: Reproduced value after the last epoch, which the thesis reports; ``None`` without a result.
        final_error: Its standard error, or ``None``.
        best: Reproduced value in the epoch with the best test accuracy; ``None`` if unknown, as for all scores of
            single images.
    """

    experiment: str
    metric: str
    thesis: float | None
    thesis_error: float | None = None
    final: float | None = None
    final_error: float | None = None
    best: float | None = None


WALL_SECONDS: Final = "seconds"
CPU_SECONDS: Final = "processor seconds"
"""Of all cores together: unlike wall-clock time, it hardly depends on other work of the computer."""

_EPOCH_METRICS: Final = (
    ("accuracy, training", "accuracy", "binary_accuracy"),
    ("accuracy, test", "val_accuracy", "val_binary_accuracy"),
    ("loss, training", "loss", "loss"),
    ("loss, test", "val_loss", "val_loss"),
)
_IMAGE_METRICS: Final = (
    ("thesis_jaccard", '"Jaccard" as published'),
    ("thesis_dice", '"Dice" as published'),
    ("jaccard", "Jaccard of the same"),
    ("dice", "Dice"),
)


def compare_with_thesis(experiment: Experiment, result: ExperimentResult | None = None) -> list[ThesisComparison]:
    """Return the rows of an experiment in the thesis' Tables 1 (accuracy), 2 (loss), 3 (scores) and its times.

    The true Jaccard index of the published pixels is not in the thesis: it follows from each image's published "Dice".
    The correct Dice of the classes is not in it either, see :mod:`wbcseg.evaluation.thesis`. The annex has only
    accuracy and loss.

    Args:
        experiment: The experiment.
        result: The reproduction, or ``None`` for the published values alone.
    """
    thesis = load_thesis_result(experiment.config.architecture)
    history = result.history if result else ()
    best: Mapping[str, float] = max(history, key=lambda row: row["val_binary_accuracy"], default={})
    printed: Mapping[str, float] = thesis.annex
    if experiment.kind != "annex":
        printed = {
            "accuracy": thesis.accuracy[-1],
            "val_accuracy": thesis.test_accuracy,
            "loss": thesis.loss[-1],
            "val_loss": thesis.test_loss,
        }
    comparisons = [
        ThesisComparison(
            experiment.name,
            title,
            printed[name],
            final=history[-1][column] if history else None,
            best=best.get(column),
        )
        for title, name, column in _EPOCH_METRICS
    ]
    for metric, title in _IMAGE_METRICS:
        for pixel_class in FOREGROUND_CLASSES:
            thesis_values = [] if experiment.kind == "annex" else _get_thesis_values(thesis, metric, pixel_class.name)
            own_values = _get_own_values(result.images, metric, pixel_class.name) if result else []
            thesis_mean, thesis_error = _compute_mean(thesis_values)
            own_mean, own_error = _compute_mean(own_values)
            comparisons.append(
                ThesisComparison(
                    experiment.name, f"{title}, {pixel_class.name}", thesis_mean, thesis_error, own_mean, own_error
                )
            )
    thesis_seconds = None if experiment.kind == "annex" else thesis.seconds
    cpu_seconds = [row["cpu_seconds"] for row in history] if all("cpu_seconds" in row for row in history) else []
    return [
        *comparisons,
        ThesisComparison(experiment.name, CPU_SECONDS, None, final=sum(cpu_seconds) if cpu_seconds else None),
        ThesisComparison(experiment.name, WALL_SECONDS, thesis_seconds, final=result.seconds if result else None),
    ]


def _get_thesis_values(thesis: ThesisResult, metric: str, class_name: str) -> list[float]:
    if metric == "dice":
        return []
    values = thesis.thesis_jaccard[class_name] if metric == "thesis_jaccard" else thesis.thesis_dice[class_name]
    return [_to_jaccard(dice_value) for dice_value in values] if metric == "jaccard" else list(values)


def _get_own_values(images: Sequence[ThesisTestImage], metric: str, class_name: str) -> list[float]:
    values = [
        nan_if_none(getattr(image, "thesis_dice" if metric == "jaccard" else metric)[class_name]) for image in images
    ]
    return [_to_jaccard(dice_value) for dice_value in values] if metric == "jaccard" else values


def _to_jaccard(dice_value: float) -> float:
    return dice_value / (2.0 - dice_value)


def _compute_mean(values: Sequence[float]) -> tuple[float, float] | tuple[None, None]:
    if not values:
        return None, None
    mean, standard_error, _ = compute_mean_and_standard_error(values, ddof=0)
    return mean, standard_error
