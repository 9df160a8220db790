"""The thesis' experiments once more: its networks, recipe and test pictures, scored as its notebooks scored them.

A result is a small JSON file: settings, machine, one row an epoch, and the scores of every test picture. Those that
came with the program are in the folder ``results/reproduction`` beside this module.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from wbcseg.datasets.base import Dataset
from wbcseg.errors import DatasetError
from wbcseg.evaluation.result_store import read_result
from wbcseg.evaluation.thesis import ThesisResult, load_thesis_result
from wbcseg.inference.tflite import TFLiteModel
from wbcseg.labels import CYTOPLASM, NUCLEUS
from wbcseg.metrics import accuracy_per_class, compute_confusion_counts, compute_mean_and_standard_error, dice
from wbcseg.models import ARCHITECTURES, get_spec
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
    """One of the thesis' trainings.

    Attributes:
        name: Short name, also of its result.
        config: Its settings.
        kind: Of what it is: the thesis' tables, its annex, which trains without flipped copies, or a training of the
            tables once more from another start, which shows how much is chance.
    """

    name: str
    config: TrainingConfig
    kind: ExperimentKind = "tables"

    @property
    def title(self) -> str:
        """What tables call it."""
        suffix = ", another start" if self.kind == "again" else ""
        return f"{get_spec(self.config.architecture).title}, width {self.config.base_filters}{suffix}"


def _build_thesis_experiment(architecture: str) -> Experiment:
    return Experiment(architecture, PRESETS["thesis"].replace(architecture=architecture))


def _build_repeat_experiment(architecture: str) -> Experiment:
    config = _build_thesis_experiment(architecture).config
    return Experiment(f"{architecture}-again", config.replace(seed=config.seed + 1), "again")


def _build_annex_experiment(architecture: str) -> Experiment:
    # At full width the annex takes as long as the tables: for the two slower networks a quarter of it must do.
    base_filters = PRESETS["thesis"].base_filters if architecture == "unet" else 16
    config = PRESETS["thesis"].replace(architecture=architecture, flipped_copies=False, base_filters=base_filters)
    return Experiment(f"{architecture}-without-copies", config, "annex")


EXPERIMENTS: Final[dict[str, Experiment]] = {
    experiment.name: experiment
    for experiment in (
        *map(_build_thesis_experiment, ARCHITECTURES),
        # Of the others, one start is enough to meet the published figures.
        _build_repeat_experiment("segnet"),
        *map(_build_annex_experiment, ARCHITECTURES),
    )
}
"""Tables 1 to 3 first, then what was trained once more, then the annex."""


def list_experiments(kind: ExperimentKind) -> list[Experiment]:
    """Return the experiments of a part."""
    return [experiment for experiment in EXPERIMENTS.values() if experiment.kind == kind]


def score_like_thesis(predict: PredictFn, thesis_dataset: ThesisDataset) -> list[dict[str, Any]]:
    """Score the test pictures: each class's probability rounded, against its one-hot target.

    Where rounding leaves a pixel without a class, it is nobody's. The Dice of a class leaves out pixels whose target
    has none (a quirk: the last row and column): there the expert's mask was not what was learned. What the thesis
    prints as scores of a class is of a third of the picture, see :mod:`wbcseg.evaluation.thesis`; hence both here.

    Args:
        predict: From ``float32[H, W, 3]`` in 0 to 1 to probabilities ``float32[H, W, 3]``.
        thesis_dataset: The published arrays.

    Returns:
        One row a test picture, in test order: ``id``, ``copy_in_training``, ``accuracy`` (of the three rounded numbers
        a pixel), and by class ``dice``, ``dice_as_published`` and ``jaccard_as_published``; ``None`` where undefined.
    """
    trained_ids = {get_original_id(sample_id) for sample_id in thesis_dataset.get_ids(thesis_dataset.train)}
    rows = []
    for index in thesis_dataset.test:
        target = (encode_one_hot(thesis_dataset.labels[index], thesis_dataset.unlabelled[index]) > 0.5).astype(np.uint8)
        prediction = (predict(thesis_dataset.images[index].astype(np.float32) / 255.0) > 0.5).astype(np.uint8)
        row: dict[str, Any] = {
            "id": thesis_dataset.ids[index],
            "copy_in_training": get_original_id(thesis_dataset.ids[index]) in trained_ids,
            "accuracy": round(float((target == prediction).mean()), STORED_DECIMALS),
            "dice": {},
            "thesis_dice": {},
            "thesis_jaccard": {},
        }
        has_target = target.any(axis=-1)
        for pixel_class in FOREGROUND_CLASSES:
            counts = compute_confusion_counts(
                target[has_target, pixel_class.id], prediction[has_target, pixel_class.id], classes=2
            )
            row["dice"][pixel_class.name] = _round_or_none(dice(counts)[1])
            counts = compute_confusion_counts(
                _reshape_like_thesis(target)[pixel_class.id],
                _reshape_like_thesis(prediction)[pixel_class.id],
                classes=2,
            )
            row["thesis_dice"][pixel_class.name] = _round_or_none(dice(counts)[1])
            row["thesis_jaccard"][pixel_class.name] = _round_or_none(accuracy_per_class(counts)[1])
        rows.append(row)
    return rows


def _reshape_like_thesis(encoded: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return what the notebooks took for the classes of ``uint8[H, W, 3]``: its numbers as they come, ``[3, H, W]``."""
    height, width, classes = encoded.shape
    return encoded.reshape(classes, height, width)


def evaluate_experiment(experiment: Experiment, run: Run, dataset: Dataset) -> dict[str, Any]:
    """Make the result of an experiment whose run is finished.

    Args:
        experiment: The experiment.
        run: Its run.
        dataset: The data set that it was trained on.

    Raises:
        WbcsegError: If the run has no model, or the data is not what it was.
    """
    config = run.load_config()
    samples = [sample for sample in dataset if sample.mask is not None]
    thesis_dataset = build_thesis_dataset(
        samples, ALL_THESIS_BUGS if config.thesis_bugs else NO_THESIS_BUGS, flipped_copies=config.flipped_copies
    )
    if thesis_dataset.get_ids(thesis_dataset.test) != run.load_split().test:
        raise DatasetError(
            f"The test pictures of run {run.name} are not those of data set {dataset.name} as it is here."
        )
    history = run.load_metrics()
    model = TFLiteModel((run.folder / MODEL_FILE).read_bytes(), name=run.name)
    return {
        "experiment": experiment.name,
        "config": config.to_dict(),
        "environment": run.read("environment.json"),
        "seconds": round(sum(row["seconds"] for row in history), 1),
        "history": [{name: round(value, STORED_DECIMALS) for name, value in row.items()} for row in history],
        "images": score_like_thesis(model, thesis_dataset),
    }


def list_experiment_files(folder: Path | None = None) -> list[Path]:
    """Return the files of a folder's results, in the order of :data:`EXPERIMENTS`; by default those of the program."""
    return [path for name in EXPERIMENTS if (path := (folder or REPRODUCTION_FOLDER) / f"{name}.json").exists()]


def load_experiment_results(files: Sequence[Path]) -> dict[str, dict[str, Any]]:
    """Return the results in files by experiment."""
    results = [read_result(path) for path in files]
    return {result["experiment"]: result for result in results}


@dataclass(frozen=True)
class ThesisComparison:
    """A line of a table: what was published beside what came out here.

    Attributes:
        experiment: The experiment.
        metric: What is measured.
        thesis: As printed, or ``None`` where the thesis has no such figure.
        thesis_error: Its standard error over the test pictures (σ/√n), or ``None``.
        final: Here, after the last epoch, as the thesis reports; ``None`` without a result.
        final_error: Its standard error, likewise.
        best: Here, in the epoch with the best accuracy on the test pictures; ``None`` where it is not known, as it is
            of all scores of single pictures.
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
"""Of all cores together: unlike the seconds on the clock, they hardly change with what else the computer does."""

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


def compare_with_thesis(experiment: Experiment, result: Mapping[str, Any] | None = None) -> list[ThesisComparison]:
    """Return the lines of an experiment in the thesis' Tables 1 (accuracy), 2 (loss), 3 (scores) and its times.

    The Jaccard of the same pixels is not in the thesis: it follows from each picture's "Dice" as published. Dice of
    the classes are not in it either, see :mod:`wbcseg.evaluation.thesis`. Of the annex it prints accuracy and loss only.

    Args:
        experiment: The experiment.
        result: What came out here, or ``None`` for the published figures alone.
    """
    thesis = load_thesis_result(experiment.config.architecture)
    history = result["history"] if result else []
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
            own_values = _get_own_values(result["images"], metric, pixel_class.name) if result else []
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
        ThesisComparison(experiment.name, WALL_SECONDS, thesis_seconds, final=result["seconds"] if result else None),
    ]


def _get_thesis_values(thesis: ThesisResult, metric: str, class_name: str) -> list[float]:
    if metric == "dice":
        return []
    values = thesis.thesis_jaccard[class_name] if metric == "thesis_jaccard" else thesis.thesis_dice[class_name]
    return [_to_jaccard(dice_value) for dice_value in values] if metric == "jaccard" else list(values)


def _get_own_values(images: Sequence[Mapping[str, Any]], metric: str, class_name: str) -> list[float]:
    stored_metric = "thesis_dice" if metric == "jaccard" else metric
    values = [
        float("nan") if row[stored_metric][class_name] is None else float(row[stored_metric][class_name])
        for row in images
    ]
    return [_to_jaccard(dice_value) for dice_value in values] if metric == "jaccard" else values


def _to_jaccard(dice_value: float) -> float:
    return dice_value / (2.0 - dice_value)


def _compute_mean(values: Sequence[float]) -> tuple[float, float] | tuple[None, None]:
    if not values:
        return None, None
    mean, standard_error, _ = compute_mean_and_standard_error(values, ddof=0)
    return mean, standard_error


def _round_or_none(value: float) -> float | None:
    return None if np.isnan(value) else round(float(value), STORED_DECIMALS)
